UPDATE seats s SET delivered = greatest(s.delivered, n.delivered),
                   read = greatest(s.read, n.read), last_seen = greatest(s.last_seen, n.at)
FROM (SELECT s.key, s.seat, n.delivered, n.read, n.at
      FROM (SELECT key, seat, max(delivered) AS delivered, max(read) AS read, max(at) AS at
            FROM (SELECT n.key, n.seat, n.at, least(n.delivered, c.last_seq) AS delivered,
                         least(n.read, c.last_seq) AS read
                  FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[])
                      AS n (key, seat, delivered, read, at)
                  LEFT JOIN chats c ON c.key = n.key AND n.delivered IS NOT NULL) n
            GROUP BY key, seat) n
      JOIN seats s ON s.key = n.key AND s.seat = n.seat
      ORDER BY s.key, s.seat FOR NO KEY UPDATE OF s) n
WHERE s.key = n.key AND s.seat = n.seat
