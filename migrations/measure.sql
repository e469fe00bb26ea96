-- What storing messages costs PostgreSQL, in CPU time of one backend, which a busy machine does not
-- distort: by store_messages, by the statement for a lone message, by both without a look at the
-- sender's session (append_messages is of the version before), by a bare INSERT of several rows, and
-- by one into hash partitions. The statements are read from src/store/postgres/sql, as the server does.
-- Needs a superuser, a database that `duet migrate` has just made, and the repository's root as the
-- working directory:
--
--     psql -q -f migrations/measure.sql postgres://postgres@localhost/empty

\set ON_ERROR_STOP on
\set QUIET on
SET synchronous_commit = off;
\ir session.sql

CREATE SCHEMA measure;
SET search_path = measure, public;

CREATE TABLE keys (n int PRIMARY KEY, key uuid NOT NULL);
INSERT INTO keys SELECT n, gen_random_uuid() FROM generate_series(0, 99999) n;
INSERT INTO chats (key, expires_at) SELECT key, 9e15::bigint FROM keys;
-- Both people of each chat are logged in; the first of them sends.
INSERT INTO sessions (key, digest, id, seat, code_set, since)
SELECT key, uuid_send(key) || uuid_send(key), key, 1, true, now_ms() FROM keys
UNION ALL
SELECT key, sha256(uuid_send(key)), gen_random_uuid(), 2, true, now_ms() FROM keys;
CREATE TABLE bare (LIKE messages INCLUDING ALL);
CREATE TABLE parted (LIKE messages, PRIMARY KEY (key, seq), UNIQUE (key, id, seat)) PARTITION BY HASH (key);
SELECT format('CREATE TABLE parted_%s PARTITION OF parted FOR VALUES WITH (MODULUS 16, REMAINDER %s)', n, n)
FROM generate_series(0, 15) n \gexec
VACUUM ANALYZE chats, sessions, keys;

CREATE FUNCTION cpu_us() RETURNS bigint LANGUAGE sql AS $$
    -- utime and stime, in hundredths of a second
    SELECT (f[12]::bigint + f[13]::bigint) * 10000
    FROM string_to_array(split_part(pg_read_file('/proc/self/stat', 0, 2000), ') ', 2), ' ') f
$$;

-- A statement of the server as part of a procedure: its parameters become expressions.
CREATE FUNCTION with_parameters(sql text, VARIADIC expressions text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN REVERSE cardinality(expressions)..1 LOOP
        sql := regexp_replace(sql, '\$' || n || '(?!\d)', expressions[n], 'g');
    END LOOP;
    ASSERT sql !~ '\$\d', 'a parameter has no expression';
    RETURN sql;
END
$$;

CREATE FUNCTION without_session(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    shorter text := regexp_replace(sql, '\s+AND revision = \(.*?s\.seat = \$2\)', '');
BEGIN
    ASSERT shorter <> sql, 'the part that looks the session up is not found';
    RETURN shorter;
END
$$;

\set append `cat src/store/postgres/sql/append.sql`
\set append_one `cat src/store/postgres/sql/append_one.sql`
\set page `cat src/store/postgres/sql/page_before.sql`

SELECT replace(replace(replace($procedure$
CREATE PROCEDURE store(how text, batch int, calls int, tell boolean DEFAULT true)
LANGUAGE plpgsql AS $$
DECLARE
    ones int[] := array_fill(1, ARRAY[batch]);
    places int[] := ARRAY(SELECT generate_series(1, batch));
    seats smallint[] := array_fill(1::smallint, ARRAY[batch]);
    texts text[] := array_fill(repeat('Hello there, how are you? ', 3), ARRAY[batch]);
    sent_ats bigint[] := array_fill(NULL::bigint, ARRAY[batch]);
    sizes bigint[] := array_fill(octet_length(texts[1])::bigint, ARRAY[batch]);
    first bigint := (extract(epoch FROM clock_timestamp()) * 1e6)::bigint << 8;
    cpu bigint := cpu_us();
    wal pg_lsn := pg_current_wal_insert_lsn();
    rows bigint := calls::bigint * batch;
    chosen uuid[];
    digests bytea[];
    ids uuid[];
    from_n int;
    stored_seq bigint;
    stored_at bigint;
BEGIN
    FOR turn IN 1..calls LOOP
        from_n := random() * (100000 - batch);
        chosen := ARRAY(SELECT key FROM keys WHERE n >= from_n AND n < from_n + batch ORDER BY key);
        digests := ARRAY(SELECT uuid_send(key) || uuid_send(key) FROM unnest(chosen) key);
        ids := ARRAY(SELECT gen_random_uuid() FROM generate_series(1, batch));
        CASE how
        WHEN 'append_messages' THEN
            ASSERT batch = (SELECT count(*) FROM append_messages(
                chosen, places, ones, seats, ids, texts, sent_ats, 1000000, false) WHERE outcome = 's');
        WHEN 'store_messages' THEN
            ASSERT batch = (SELECT count(*) FROM ({append}) stored WHERE outcome = 's');
        WHEN 'one without its session' THEN
            {append_one_without_session} INTO STRICT stored_seq, stored_at;
        WHEN 'the statement for one' THEN
            {append_one} INTO STRICT stored_seq, stored_at;
        WHEN 'bare insert' THEN
            INSERT INTO bare (key, seq, at, sent_at, id, seat, text)
            SELECT d.key, first + turn, 1, d.sent_at, d.id, d.seat, d.text
            FROM unnest(chosen, seats, ids, texts, sent_ats) AS d (key, seat, id, text, sent_at);
        WHEN 'partitioned insert' THEN
            INSERT INTO parted (key, seq, at, sent_at, id, seat, text)
            SELECT d.key, first + turn, 1, d.sent_at, d.id, d.seat, d.text
            FROM unnest(chosen, seats, ids, texts, sent_ats) AS d (key, seat, id, text, sent_at);
        END CASE;
        COMMIT;
    END LOOP;
    IF tell THEN
        RAISE NOTICE '% of %: % µs and % bytes of WAL a message', how, batch,
            round((cpu_us() - cpu)::numeric / rows, 1),
            round((pg_current_wal_insert_lsn() - wal) / rows);
    END IF;
END
$$;
$procedure$,
    '{append}', with_parameters(:'append', 'chosen', 'ones', 'sizes', 'places', 'ones', 'seats', 'digests', 'ids',
                                'texts', 'sent_ats', '1000000', '1000000000', 'false')),
    '{append_one}', with_parameters(:'append_one', 'chosen[1]', 'seats[1]', 'ids[1]', 'texts[1]', 'sent_ats[1]',
                                    '1000000', '1000000000', 'digests[1]')),
    '{append_one_without_session}', with_parameters(without_session(:'append_one'), 'chosen[1]', 'seats[1]', 'ids[1]',
                                                    'texts[1]', 'sent_ats[1]', '1000000', '1000000000')) \gexec

\set VERBOSITY terse
CALL store('append_messages', 1, 200, false);
CALL store('store_messages', 1, 200, false);
CALL store('one without its session', 1, 200, false);
CALL store('the statement for one', 1, 200, false);
CALL store('bare insert', 1, 200, false);
CALL store('partitioned insert', 1, 200, false);
SELECT format('CALL store(%L, %s, %s)', how, batch, least(8000, 65536 / batch))
FROM unnest(ARRAY[1, 8, 64, 512]) batch,
     unnest(ARRAY['append_messages', 'store_messages', 'one without its session', 'the statement for one',
                  'bare insert', 'partitioned insert']) how
WHERE batch = 1 OR how NOT IN ('one without its session', 'the statement for one') \gexec

-- A page of history, planned once and then again with that plan.
PREPARE page(uuid, bigint, bigint, bigint) AS :page;
SELECT replace(:'page', 'FROM messages', 'FROM parted') AS parted_page \gset
PREPARE parted_page(uuid, bigint, bigint, bigint) AS :parted_page;
SELECT key FROM keys WHERE n = 4711 \gset
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE page(:'key', 9e15, 51, 65536);
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE page(:'key', 9e15, 51, 65536);
\o /dev/null
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE parted_page(:'key', 9e15, 51, 65536);
\o
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE parted_page(:'key', 9e15, 51, 65536);
DROP SCHEMA measure CASCADE;
