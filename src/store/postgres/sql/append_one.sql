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
RETURNING seq, at
