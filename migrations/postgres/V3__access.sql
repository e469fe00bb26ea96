-- Goes up with every change of a chat's names, seats, sessions and asks, so that an instance sees by one number that what it holds
-- of them is out of date. Triggers count it: no statement can forget to, and what an instance of the version before changes is
-- counted as well.
--
-- Whoever changes sessions or asks locks the chat first, as the trigger does: two that lock in opposite orders wait for each other.
ALTER TABLE chats ADD COLUMN revision bigint NOT NULL DEFAULT 0;

CREATE FUNCTION count_revision() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = coalesce(NEW.key, OLD.key);
    RETURN NULL;
END
$$;

CREATE TRIGGER count_revision AFTER INSERT OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION count_revision();
-- Marks and times come often, and are not counted.
CREATE TRIGGER count_revision AFTER UPDATE OF name, taken ON seats
    FOR EACH ROW EXECUTE FUNCTION count_revision();
CREATE TRIGGER count_revision AFTER INSERT OR UPDATE OF allowed, expires_at ON asks
    FOR EACH ROW EXECUTE FUNCTION count_revision();

-- The UTF-8 bytes of the texts that were stored since this column is here.
ALTER TABLE chats ADD COLUMN bytes bigint NOT NULL DEFAULT 0;

-- As append_messages, which instances of the version before go on calling, and beside it: a draft is stored only if its sender's
-- session is alive, and while the chat's texts have fewer than `bytes_max` bytes.
--
-- `chats` are the drafts' chats, each once, in the order of their keys, with `counts` drafts and `sizes` bytes of text for each; a
-- draft is the nth of its chat, which is the one at `places`.
--
-- Outcomes: s stored, b before, o other text, f full, e ended, m missing, n no such session, l locked by somebody else (only unless
-- wait), r a repetition within this very batch.
CREATE FUNCTION store_messages(
    chats uuid[], counts int[], sizes bigint[], places int[], nths int[], seats smallint[], sessions bytea[],
    ids uuid[], texts text[], sent_ats bigint[], messages_max bigint, bytes_max bigint, wait boolean
) RETURNS TABLE (outcome "char", seq bigint, at bigint)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    now_at bigint := now_ms();
    lasts bigint[];
    inserted bigint;
BEGIN
    IF NOT wait THEN
        SELECT array_agg(l.last_seq) INTO lasts FROM (
            SELECT c.last_seq FROM chats c
            WHERE c.key = ANY (store_messages.chats) AND c.expires_at + 0 > now_at
              AND c.last_seq + cardinality(ids) <= messages_max
              AND c.bytes + (SELECT max(size) FROM unnest(sizes) size) <= bytes_max
            ORDER BY c.key FOR NO KEY UPDATE SKIP LOCKED
        ) l;
        now_at := clock_ms();
    END IF;
    -- Nearly always all chats and sessions are alive and nothing has been sent before: that is three statements and no search, and
    -- the index and the number of rows say when it is otherwise. Sessions are looked up after the chats are locked, by a statement
    -- of its own: whoever ends a session holds the lock, and what they did while this waited must be seen.
    IF cardinality(lasts) = cardinality(chats) THEN
        BEGIN
            INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
            SELECT s.key, lasts[d.place] + d.nth, now_at, d.sent_at, d.id, d.seat, d.text
            FROM unnest(places, nths, sent_ats, ids, seats, sessions, texts)
                AS d (place, nth, sent_at, id, seat, session, text)
            JOIN sessions s ON s.key = store_messages.chats[d.place] AND s.digest = d.session AND s.seat = d.seat;
            GET DIAGNOSTICS inserted = ROW_COUNT;
            IF inserted < cardinality(ids) THEN
                RAISE no_data_found;
            END IF;
            UPDATE chats c SET last_seq = c.last_seq + d.count, bytes = c.bytes + d.size
            FROM unnest(store_messages.chats, counts, sizes) AS d (key, count, size)
            WHERE c.key = d.key;
            RETURN QUERY SELECT 's'::"char", lasts[d.place] + d.nth, now_at
            FROM unnest(places, nths) AS d (place, nth);
            RETURN;
        EXCEPTION WHEN unique_violation OR no_data_found THEN
            NULL;
        END;
    END IF;
    RETURN QUERY SELECT * FROM store_messages_one_by_one(
        ARRAY(SELECT store_messages.chats[d.place] FROM unnest(places) WITH ORDINALITY AS d (place, ord)
              ORDER BY d.ord),
        seats, sessions, ids, texts, sent_ats, messages_max, bytes_max, wait);
END
$$;

-- The same with a look at each draft.
CREATE FUNCTION store_messages_one_by_one(
    keys uuid[], seats smallint[], sessions bytea[], ids uuid[], texts text[], sent_ats bigint[],
    messages_max bigint, bytes_max bigint, wait boolean
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
        SELECT d.*, octet_length(d.text) AS size, c.last_seq, c.bytes, c.expires_at, s.key IS NOT NULL AS alive,
               m.seq AS seq_before, m.at AS at_before, m.text = d.text AS same_text,
               row_number() OVER (PARTITION BY d.key, d.id, d.seat, s.key ORDER BY d.ord) > 1 AS repeated
        FROM unnest(keys, seats, sessions, ids, texts, sent_ats)
            WITH ORDINALITY AS d (key, seat, session, id, text, sent_at, ord)
        LEFT JOIN chats c ON c.key = d.key AND c.key = ANY (locked)
        LEFT JOIN sessions s ON s.key = d.key AND s.digest = d.session AND s.seat = d.seat
        LEFT JOIN messages m ON m.key = d.key AND m.id = d.id AND m.seat = d.seat
    ), judged AS (
        SELECT f.*, f.expires_at > now_at AND f.alive AND f.seq_before IS NULL AND NOT f.repeated AS fresh
        FROM found f
    ), placed AS (
        SELECT j.*,
               j.last_seq + count(*) FILTER (WHERE j.fresh) OVER (PARTITION BY j.key ORDER BY j.ord) AS place,
               -- What the chat has with this draft, if all fresh ones before it fit.
               j.bytes + coalesce(sum(j.size) FILTER (WHERE j.fresh)
                                      OVER (PARTITION BY j.key ORDER BY j.ord), 0) AS bytes_after
        FROM judged j
    ), weighed AS (
        SELECT p.*, p.place > messages_max OR p.bytes_after - p.size >= bytes_max AS full_for_fresh,
               p.last_seq >= messages_max OR p.bytes >= bytes_max AS is_full
        FROM placed p
    ), stored AS (
        INSERT INTO messages (key, seq, at, sent_at, id, seat, text)
        SELECT w.key, w.place, now_at, w.sent_at, w.id, w.seat, w.text
        FROM weighed w WHERE w.fresh AND NOT w.full_for_fresh
    ), moved AS (
        UPDATE chats c SET last_seq = w.place, bytes = w.bytes_after
        FROM (SELECT key, max(place) AS place, max(bytes_after) AS bytes_after FROM weighed
              WHERE fresh AND NOT full_for_fresh GROUP BY key) w
        WHERE c.key = w.key
    )
    SELECT CASE
            WHEN w.last_seq IS NULL AND EXISTS (SELECT FROM tombstones t WHERE t.key = w.key) THEN 'e'
            WHEN w.last_seq IS NULL AND EXISTS (SELECT FROM chats c WHERE c.key = w.key) THEN 'l'
            WHEN w.last_seq IS NULL THEN 'm'
            WHEN w.expires_at <= now_at THEN 'e'
            WHEN NOT w.alive THEN 'n'
            WHEN w.fresh AND NOT w.full_for_fresh THEN 's'
            WHEN w.fresh THEN 'f'
            WHEN w.same_text THEN 'b'
            WHEN w.is_full THEN 'f'
            WHEN w.seq_before IS NOT NULL THEN 'o'
            ELSE 'r'
        END::"char",
        CASE WHEN w.fresh THEN w.place ELSE w.seq_before END, coalesce(w.at_before, now_at)
    FROM weighed w ORDER BY w.ord;
END
$$;
