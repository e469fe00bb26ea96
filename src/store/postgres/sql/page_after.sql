SELECT seq, id, seat, text, at FROM (
    SELECT m.*, sum(octet_length(text)) OVER (ORDER BY seq) - octet_length(text) AS ahead
    FROM (SELECT seq, id, seat, text, at FROM messages
          WHERE key = $1 AND seq > $2 ORDER BY seq LIMIT $3) m
) m WHERE ahead <= $4 ORDER BY seq
