SELECT c.last_seq, c.revision, one.delivered, one.read, two.delivered, two.read
FROM unnest($1::uuid[]) WITH ORDINALITY AS k (key, ord)
LEFT JOIN chats c ON c.key = k.key AND c.expires_at + 0 > (SELECT now_ms())
LEFT JOIN seats one ON one.key = c.key AND one.seat = 1
LEFT JOIN seats two ON two.key = c.key AND two.seat = 2
ORDER BY k.ord
