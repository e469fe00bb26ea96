-- Every table is keyed by the chat's key: the first 16 bytes of the SHA-256 digest of its hash, as a
-- uuid, which is PostgreSQL's type for 16 bytes. The hash itself is nowhere in here. Times are
-- milliseconds since the Unix epoch, UTC, by this server's clock.

CREATE TABLE chats (
    key          uuid   NOT NULL PRIMARY KEY,
    expires_at   bigint NOT NULL,
    last_seq     bigint NOT NULL DEFAULT 0,
    -- The digest of the registration's id, and the link that only this id can open.
    registration bytea  UNIQUE,
    sealed_hash  bytea
-- last_seq moves with every message: room on the page keeps these updates off the indexes.
) WITH (fillfactor = 60);

-- For the sweep alone. What knows the key says `expires_at + 0`, which keeps this index out of its plan:
-- one that was made while the table looked small read all living chats for every message.
CREATE INDEX chats_by_expiry ON chats (expires_at);

CREATE TABLE seats (
    key                    uuid     NOT NULL,
    seat                   smallint NOT NULL CHECK (seat IN (1, 2)),
    name                   text,
    taken                  boolean  NOT NULL DEFAULT false,
    return_code            bytea,
    device_code            bytea,
    device_code_expires_at bigint,
    delivered              bigint   NOT NULL DEFAULT 0,
    read                   bigint   NOT NULL DEFAULT 0,
    last_seen              bigint,
    PRIMARY KEY (key, seat)
) WITH (fillfactor = 60);

CREATE TABLE sessions (
    key       uuid     NOT NULL,
    digest    bytea    NOT NULL,
    id        uuid     NOT NULL,
    seat      smallint NOT NULL,
    -- The digest of the login's id, and whether that login set the return code.
    login     bytea,
    code_set  boolean  NOT NULL,
    since     bigint   NOT NULL,
    -- NULL until it is first used.
    last_seen bigint,
    PRIMARY KEY (key, digest)
) WITH (fillfactor = 80);

CREATE TABLE asks (
    key        uuid     NOT NULL,
    digest     bytea    NOT NULL,
    word       uuid     NOT NULL,
    seat       smallint NOT NULL,
    -- NULL while it waits; then whether it was allowed.
    allowed    boolean,
    expires_at bigint   NOT NULL,
    PRIMARY KEY (key, digest)
);

CREATE INDEX asks_by_expiry ON asks (expires_at);

CREATE TABLE messages (
    key     uuid     NOT NULL,
    seq     bigint   NOT NULL,
    at      bigint   NOT NULL,
    sent_at bigint,
    id      uuid     NOT NULL,
    seat    smallint NOT NULL,
    text    text     NOT NULL,
    PRIMARY KEY (key, seq),
    UNIQUE (key, id, seat)
);

-- What is left of a chat that is over. Its messages are deleted in slices, after a crash as well.
CREATE TABLE tombstones (
    key      uuid    NOT NULL PRIMARY KEY,
    ended_at bigint  NOT NULL,
    purged   boolean NOT NULL DEFAULT false
);

CREATE INDEX tombstones_to_purge ON tombstones (key) WHERE NOT purged;
CREATE INDEX tombstones_by_age ON tombstones (ended_at);

CREATE TABLE reservations (
    key        uuid   NOT NULL PRIMARY KEY,
    expires_at bigint NOT NULL
);

CREATE INDEX reservations_by_expiry ON reservations (expires_at);

-- The time when a statement began. It stands still within one, so that an index can be searched with it.
-- Both are written so that the planner takes them in: a call of such a function costs 15 µs.
CREATE FUNCTION now_ms() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint;

-- The time as it goes on: what waited for a lock happened after what it waited for.
CREATE FUNCTION clock_ms() RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- Places drafts in one call, so that no lock waits for a client's turn. It locks the chats first and
-- looks second: in READ COMMITTED each statement has a snapshot of its own, and one that both waited
-- for a lock and looked for a duplicate would not see what was committed while it waited.
--
-- `chats` are the drafts' chats, each once, in the order of their keys; a draft is the nth of its
-- chat, which is the one at `places`.
--
-- Outcomes: s stored, b before, o other text, f full, e ended, m missing, l locked by somebody else
-- (only unless wait), r a repetition within this very batch.
CREATE FUNCTION append_messages(
    chats uuid[], places int[], nths int[], seats smallint[], ids uuid[], texts text[],
    sent_ats bigint[], messages_max bigint, wait boolean
) RETURNS TABLE (outcome "char", seq bigint, at bigint)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    now_at bigint := now_ms();
    lasts bigint[];
BEGIN
    IF NOT wait THEN
        SELECT array_agg(l.last_seq) INTO lasts FROM (
            SELECT c.last_seq FROM chats c
            WHERE c.key = ANY (append_messages.chats) AND c.expires_at + 0 > now_at
              AND c.last_seq + cardinality(ids) <= messages_max
            ORDER BY c.key FOR NO KEY UPDATE SKIP LOCKED
        ) l;
        now_at := clock_ms();
    END IF;
    -- Nearly always all chats are there and nothing has been sent before: that is three statements
    -- and no search, and the index says when it is otherwise.
    IF cardinality(lasts) = cardinality(chats) THEN
        BEGIN
            INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
            SELECT append_messages.chats[d.place], lasts[d.place] + d.nth, now_at, d.sent_at, d.id,
                   d.seat, d.text
            FROM unnest(places, nths, sent_ats, ids, seats, texts)
                AS d (place, nth, sent_at, id, seat, text);
            UPDATE chats c SET last_seq = lasts[d.place] + d.nth
            FROM (SELECT place, max(nth) AS nth FROM unnest(places, nths) AS d (place, nth)
                  GROUP BY place) d
            WHERE c.key = append_messages.chats[d.place];
            RETURN QUERY SELECT 's'::"char", lasts[d.place] + d.nth, now_at
            FROM unnest(places, nths) AS d (place, nth);
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
    RETURN QUERY SELECT * FROM append_messages_one_by_one(
        ARRAY(SELECT append_messages.chats[d.place] FROM unnest(places) WITH ORDINALITY AS d (place, ord)
              ORDER BY d.ord),
        seats, ids, texts, sent_ats, messages_max, wait);
END
$$;

-- The same with a look at each draft.
CREATE FUNCTION append_messages_one_by_one(
    keys uuid[], seats smallint[], ids uuid[], texts text[], sent_ats bigint[],
    messages_max bigint, wait boolean
) RETURNS TABLE (outcome "char", seq bigint, at bigint)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    locked uuid[];
    now_at bigint;
BEGIN
    IF wait THEN
        SELECT coalesce(array_agg(l.key), '{}') INTO locked FROM (
            SELECT c.key FROM chats c WHERE c.key = ANY (keys) ORDER BY c.key FOR NO KEY UPDATE
        ) l;
    ELSE
        SELECT coalesce(array_agg(l.key), '{}') INTO locked FROM (
            SELECT c.key FROM chats c WHERE c.key = ANY (keys) ORDER BY c.key
            FOR NO KEY UPDATE SKIP LOCKED
        ) l;
    END IF;
    now_at := clock_ms();

    RETURN QUERY
    WITH found AS (
        SELECT d.*, c.last_seq, c.expires_at, m.seq AS seq_before, m.at AS at_before,
               m.text = d.text AS same_text,
               row_number() OVER (PARTITION BY d.key, d.id, d.seat ORDER BY d.ord) > 1 AS repeated
        FROM unnest(keys, seats, ids, texts, sent_ats)
            WITH ORDINALITY AS d (key, seat, id, text, sent_at, ord)
        LEFT JOIN chats c ON c.key = d.key AND c.key = ANY (locked)
        LEFT JOIN messages m ON m.key = d.key AND m.id = d.id AND m.seat = d.seat
    ), judged AS (
        SELECT f.*, f.expires_at > now_at AND f.seq_before IS NULL AND NOT f.repeated AS fresh
        FROM found f
    ), placed AS (
        SELECT j.*, j.last_seq + count(*) FILTER (WHERE j.fresh)
                        OVER (PARTITION BY j.key ORDER BY j.ord) AS place
        FROM judged j
    ), stored AS (
        INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
        SELECT p.key, p.place, now_at, p.sent_at, p.id, p.seat, p.text
        FROM placed p WHERE p.fresh AND p.place <= messages_max
    ), moved AS (
        UPDATE chats c SET last_seq = p.place
        FROM (SELECT key, max(place) AS place FROM placed
              WHERE fresh AND place <= messages_max GROUP BY key) p
        WHERE c.key = p.key
    )
    SELECT CASE
            WHEN p.last_seq IS NULL AND EXISTS (SELECT FROM tombstones t WHERE t.key = p.key) THEN 'e'
            WHEN p.last_seq IS NULL AND EXISTS (SELECT FROM chats c WHERE c.key = p.key) THEN 'l'
            WHEN p.last_seq IS NULL THEN 'm'
            WHEN p.expires_at <= now_at THEN 'e'
            WHEN p.fresh AND p.place <= messages_max THEN 's'
            WHEN p.fresh THEN 'f'
            WHEN p.same_text THEN 'b'
            WHEN p.last_seq >= messages_max THEN 'f'
            WHEN p.seq_before IS NOT NULL THEN 'o'
            ELSE 'r'
        END::"char",
        CASE WHEN p.fresh THEN p.place ELSE p.seq_before END, coalesce(p.at_before, now_at)
    FROM placed p ORDER BY p.ord;
END
$$;
