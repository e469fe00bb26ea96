-- How PostgreSQL goes about every statement that runs often, at 100,000 chats and a million messages. Needs a database that
-- `duet migrate` has just made:
--
--     psql -q -f migrations/plans.sql postgres://postgres@localhost/empty

\set ON_ERROR_STOP on
\set QUIET on
\pset pager off
SET synchronous_commit = off;

INSERT INTO chats (key, expires_at, last_seq)
SELECT md5(n::text)::uuid, now_ms() + 3600000 + n, 10 FROM generate_series(1, 100000) n;
INSERT INTO seats (key, seat, name, taken)
SELECT key, seat, 'somebody', true FROM chats, generate_series(1, 2) seat;
INSERT INTO sessions (key, digest, id, seat, code_set, since)
SELECT key, uuid_send(key) || uuid_send(key), key, seat, true, now_ms() FROM chats, generate_series(1, 1) seat;
INSERT INTO messages (key, seq, at, id, seat, text)
SELECT key, seq, now_ms(), gen_random_uuid(), 1, 'Hello there, how are you?' FROM chats, generate_series(1, 10) seq;
INSERT INTO tombstones (key, ended_at, purged)
SELECT gen_random_uuid(), now_ms() - n, n > 100 FROM generate_series(1, 100000) n;
VACUUM ANALYZE chats, seats, sessions, messages, tombstones;

-- As duet's sessions are set.
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET jit = off;

-- Sixty-four chats, one message for each.
CREATE TEMP TABLE asked AS
SELECT array_agg(key ORDER BY key) AS keys FROM (SELECT md5((n * 1000)::text)::uuid AS key FROM generate_series(1, 64) n) k;
SELECT keys[1] AS one, keys AS many,
       ARRAY(SELECT uuid_send(key) || uuid_send(key) FROM unnest(keys) key) AS digests,
       ARRAY(SELECT generate_series(1, 64)) AS places, ARRAY(SELECT gen_random_uuid() FROM unnest(keys)) AS ids,
       ARRAY(SELECT id FROM unnest(keys) k JOIN messages m ON m.key = k AND m.seq = 1) AS ids_before
FROM asked \gset

\set explain 'EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY ON)'

-- A chat as long as they come, among short ones.
INSERT INTO messages (key, seq, at, id, seat, text)
SELECT :'one', seq, now_ms(), gen_random_uuid(), 1, 'Hello there, how are you?' FROM generate_series(101, 100000) seq;
UPDATE chats SET last_seq = 100000 WHERE key = :'one';

-- Written here as in src/store/postgres, where they are prepared as well.
PREPARE append(uuid[], int[], bigint[], int[], int[], smallint[], bytea[], uuid[], text[], bigint[], bigint, bigint,
               boolean) AS
    SELECT outcome::text, seq, at FROM store_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);
PREPARE append_one(uuid, smallint, uuid, text, bigint, bigint, bigint, bytea) AS
    WITH free AS (
        SELECT key FROM chats
        WHERE key = $1 AND expires_at + 0 > now_ms() AND last_seq < $6 AND bytes < $7
          AND revision = (SELECT c.revision FROM sessions s JOIN chats c ON c.key = s.key
                          WHERE s.key = $1 AND s.digest = $8 AND s.seat = $2)
          AND NOT EXISTS (SELECT FROM messages WHERE key = $1 AND id = $3 AND seat = $2)
        FOR NO KEY UPDATE SKIP LOCKED
    ), chat AS (
        UPDATE chats c SET last_seq = c.last_seq + 1, bytes = c.bytes + octet_length($4)
        FROM free WHERE c.key = free.key
        RETURNING c.last_seq, clock_ms() AS now
    )
    INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
    SELECT $1, last_seq, now, $5, $3, $2, $4 FROM chat
    RETURNING seq, at;
PREPARE check_sessions(uuid[], bytea[], smallint[]) AS
    SELECT c.last_seq, c.expires_at, now_ms() AS now, t.key IS NOT NULL AS buried,
           s.key IS NOT NULL AS session
    FROM unnest($1::uuid[], $2::bytea[], $3::smallint[])
        WITH ORDINALITY AS k (key, digest, seat, ord)
    LEFT JOIN chats c ON c.key = k.key
    LEFT JOIN tombstones t ON t.key = k.key AND c.key IS NULL
    LEFT JOIN sessions s ON s.key = k.key AND s.digest = k.digest AND s.seat = k.seat
    ORDER BY k.ord;
PREPARE page(uuid, bigint, bigint, bigint) AS
    SELECT seq, id, seat, text, at FROM (
        SELECT m.*, sum(octet_length(text)) OVER (ORDER BY seq DESC) - octet_length(text) AS ahead
        FROM (SELECT seq, id, seat, text, at FROM messages
              WHERE key = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3) m
    ) m WHERE ahead <= $4 ORDER BY seq DESC;
PREPARE positions(uuid[]) AS
    SELECT c.last_seq, c.revision, one.delivered, one.read,
           two.delivered AS delivered_two, two.read AS read_two
    FROM unnest($1::uuid[]) WITH ORDINALITY AS k (key, ord)
    LEFT JOIN chats c ON c.key = k.key AND c.expires_at + 0 > now_ms()
    LEFT JOIN seats one ON one.key = c.key AND one.seat = 1
    LEFT JOIN seats two ON two.key = c.key AND two.seat = 2
    ORDER BY k.ord;
PREPARE marks(uuid[], smallint[], bigint[], bigint[], bigint[], bytea[]) AS
    UPDATE seats s SET delivered = greatest(s.delivered, n.delivered),
                       read = greatest(s.read, n.read), last_seen = greatest(s.last_seen, n.at)
    FROM (SELECT s.key, s.seat, n.delivered, n.read, n.at
          FROM (SELECT key, seat, max(delivered) AS delivered, max(read) AS read, max(at) AS at
                FROM (SELECT n.* FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[],
                                             $5::bigint[], $6::bytea[])
                          AS n (key, seat, delivered, read, at, session)
                      LEFT JOIN sessions a ON a.key = n.key AND a.digest = n.session AND a.seat = n.seat
                      WHERE n.session IS NULL OR a.key IS NOT NULL) n
                GROUP BY key, seat) n
          JOIN seats s ON s.key = n.key AND s.seat = n.seat
          ORDER BY s.key, s.seat FOR NO KEY UPDATE OF s) n
    WHERE s.key = n.key AND s.seat = n.seat;
PREPARE expired(bigint) AS
    SELECT key FROM (SELECT key FROM chats WHERE expires_at <= now_ms() ORDER BY expires_at LIMIT $1) c ORDER BY key;
PREPARE next_to_purge AS SELECT key FROM tombstones WHERE NOT purged LIMIT 1 FOR UPDATE SKIP LOCKED;
PREPARE purge(uuid, bigint) AS
    DELETE FROM messages WHERE key = $1 AND seq <=
        (SELECT max(seq) FROM (SELECT seq FROM messages WHERE key = $1 ORDER BY seq LIMIT $2) slice);
PREPARE lapsed(bigint, bigint) AS
    DELETE FROM tombstones WHERE key IN
        (SELECT key FROM tombstones WHERE ended_at <= now_ms() - $1::bigint AND purged LIMIT $2);
PREPARE counted AS SELECT count(*) FROM chats WHERE expires_at > now_ms();

BEGIN;
\echo '== 64 messages, each to a chat of its own'
:explain EXECUTE append(:'many', array_fill(1, ARRAY[64]), array_fill(5::bigint, ARRAY[64]), :'places',
    array_fill(1, ARRAY[64]), array_fill(1::smallint, ARRAY[64]), :'digests', :'ids',
    array_fill('Hello'::text, ARRAY[64]), array_fill(NULL::bigint, ARRAY[64]), 1000000, 1000000000, false);
\echo '== 64 messages that were sent before'
:explain EXECUTE append(:'many', array_fill(1, ARRAY[64]), array_fill(5::bigint, ARRAY[64]), :'places',
    array_fill(1, ARRAY[64]), array_fill(1::smallint, ARRAY[64]), :'digests', :'ids_before',
    array_fill('Hello'::text, ARRAY[64]), array_fill(NULL::bigint, ARRAY[64]), 1000000, 1000000000, false);
\echo '== a lone message'
:explain EXECUTE append_one(:'one', 1, gen_random_uuid(), 'Hello', NULL, 1000000, 1000000000, uuid_send(:'one') || uuid_send(:'one'));
\echo '== the newest page of a long history'
:explain EXECUTE page(:'one', 9e15, 51, 65536);
\echo '== the first page'
:explain EXECUTE page(:'one', 52, 51, 65536);
\echo '== 64 positions'
:explain EXECUTE positions(:'many');
\echo '== 64 sessions checked'
:explain EXECUTE check_sessions(:'many', :'digests', array_fill(1::smallint, ARRAY[64]));
\echo '== marks of 64 seats'
:explain EXECUTE marks(:'many', array_fill(1::smallint, ARRAY[64]), array_fill(5::bigint, ARRAY[64]),
    array_fill(5::bigint, ARRAY[64]), array_fill(5::bigint, ARRAY[64]), :'digests');
\echo '== chats that expire'
:explain EXECUTE expired(200);
\echo '== the next chat to purge'
:explain EXECUTE next_to_purge;
\echo '== 2,000 messages of a long chat that has ended'
:explain EXECUTE purge(:'one', 2000);
\echo '== tombstones that have stood long enough'
:explain EXECUTE lapsed(2592000000, 2000);
\echo '== the chats counted'
:explain EXECUTE counted;
ROLLBACK;
