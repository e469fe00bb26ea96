SELECT c.last_seq, c.expires_at, now_ms() AS now, t.key IS NOT NULL AS buried,
       s.key IS NOT NULL AS session
FROM unnest($1::uuid[], $2::bytea[], $3::smallint[])
    WITH ORDINALITY AS k (key, digest, seat, ord)
LEFT JOIN chats c ON c.key = k.key
LEFT JOIN tombstones t ON t.key = k.key AND c.key IS NULL
LEFT JOIN sessions s ON s.key = k.key AND s.digest = k.digest AND s.seat = k.seat
ORDER BY k.ord
