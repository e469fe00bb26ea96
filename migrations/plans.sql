-- How PostgreSQL goes about every statement that runs often, at 100,000 chats and a million messages. Needs a database that
-- `duet migrate` has just made, and the repository's root as the working directory:
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

\ir session.sql

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

-- The statements are those that the server prepares.
\set sql `cat src/store/postgres/sql/append.sql`
PREPARE append(uuid[], int[], bigint[], int[], int[], smallint[], bytea[], uuid[], text[], bigint[], bigint, bigint,
               boolean) AS :sql;
\set sql `cat src/store/postgres/sql/append_one.sql`
PREPARE append_one(uuid, smallint, uuid, text, bigint, bigint, bigint, bytea) AS :sql;
\set sql `cat src/store/postgres/sql/check_sessions.sql`
PREPARE check_sessions(uuid[], bytea[], smallint[]) AS :sql;
\set sql `cat src/store/postgres/sql/page_before.sql`
PREPARE page(uuid, bigint, bigint, bigint) AS :sql;
\set sql `cat src/store/postgres/sql/positions.sql`
PREPARE positions(uuid[]) AS :sql;
\set sql `cat src/store/postgres/sql/raise_marks.sql`
PREPARE marks(uuid[], smallint[], bigint[], bigint[], bigint[]) AS :sql;
\set sql `cat src/store/postgres/sql/expired.sql`
PREPARE expired(bigint) AS :sql;
\set sql `cat src/store/postgres/sql/next_to_purge.sql`
PREPARE next_to_purge(bigint) AS :sql;
\set sql `cat src/store/postgres/sql/purge.sql`
PREPARE purge(uuid, bigint) AS :sql;
\set sql `cat src/store/postgres/sql/forget_tombstones.sql`
PREPARE lapsed(bigint, bigint) AS :sql;
\set sql `cat src/store/postgres/sql/count_chats.sql`
PREPARE counted AS :sql;

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
    array_fill(5::bigint, ARRAY[64]), array_fill(5::bigint, ARRAY[64]));
\echo '== chats that expire'
:explain EXECUTE expired(200);
\echo '== the next chat to purge'
:explain EXECUTE next_to_purge(0);
\echo '== 2,000 messages of a long chat that has ended'
:explain EXECUTE purge(:'one', 2000);
\echo '== tombstones that have stood long enough'
:explain EXECUTE lapsed(2592000000, 2000);
\echo '== the chats counted'
:explain EXECUTE counted;
ROLLBACK;
