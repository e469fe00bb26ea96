DELETE FROM messages WHERE key = $1 AND seq <=
    (SELECT max(seq) FROM (SELECT seq FROM messages WHERE key = $1 ORDER BY seq LIMIT $2) slice)
