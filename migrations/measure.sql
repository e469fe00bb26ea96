-- What storing messages costs PostgreSQL, in CPU time of one backend, which a busy machine does not
-- distort: by store_messages, by the statement for a lone message, by both without a look at the
-- sender's session (append_messages is of the version before), by a bare INSERT of several rows, and
-- by one into hash partitions.
-- Needs a superuser, and a database that `duet migrate` has just made:
--
--     psql -q -f migrations/measure.sql postgres://postgres@localhost/empty

\set ON_ERROR_STOP on
\set QUIET on
SET synchronous_commit = off;
-- As duet's sessions are set.
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off;

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
            ASSERT batch = (SELECT count(*) FROM store_messages(
                chosen, ones, sizes, places, ones, seats, digests, ids, texts, sent_ats, 1000000, 1000000000, false)
                WHERE outcome = 's');
        WHEN 'one without its session' THEN
            WITH free AS (
                SELECT key FROM chats
                WHERE key = chosen[1] AND expires_at + 0 > now_ms() AND last_seq < 1000000
                  AND NOT EXISTS (SELECT FROM messages WHERE key = chosen[1] AND id = ids[1] AND seat = seats[1])
                FOR NO KEY UPDATE SKIP LOCKED
            ), chat AS (
                UPDATE chats c SET last_seq = c.last_seq + 1 FROM free WHERE c.key = free.key
                RETURNING c.last_seq, clock_ms() AS now
            )
            INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
            SELECT chosen[1], last_seq, now, sent_ats[1], ids[1], seats[1], texts[1] FROM chat;
        WHEN 'the statement for one' THEN
            -- As in src/store/postgres/messages.rs.
            WITH free AS (
                SELECT key FROM chats
                WHERE key = chosen[1] AND expires_at + 0 > now_ms() AND last_seq < 1000000 AND bytes < 1000000000
                  AND revision = (SELECT c.revision FROM sessions s JOIN chats c ON c.key = s.key
                                  WHERE s.key = chosen[1] AND s.digest = digests[1] AND s.seat = seats[1])
                  AND NOT EXISTS (SELECT FROM messages WHERE key = chosen[1] AND id = ids[1] AND seat = seats[1])
                FOR NO KEY UPDATE SKIP LOCKED
            ), chat AS (
                UPDATE chats c SET last_seq = c.last_seq + 1, bytes = c.bytes + octet_length(texts[1])
                FROM free WHERE c.key = free.key
                RETURNING c.last_seq, clock_ms() AS now
            )
            INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
            SELECT chosen[1], last_seq, now, sent_ats[1], ids[1], seats[1], texts[1] FROM chat;
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
PREPARE page AS SELECT seq, id, seat, text, at FROM messages WHERE key = $1 AND seq > $2 ORDER BY seq LIMIT $3;
PREPARE parted_page AS SELECT seq, id, seat, text, at FROM parted WHERE key = $1 AND seq > $2 ORDER BY seq LIMIT $3;
SELECT key FROM keys WHERE n = 4711 \gset
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE page(:'key', 0, 50);
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE page(:'key', 0, 50);
\o /dev/null
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE parted_page(:'key', 0, 50);
\o
EXPLAIN (ANALYZE, COSTS OFF) EXECUTE parted_page(:'key', 0, 50);
DROP SCHEMA measure CASCADE;
