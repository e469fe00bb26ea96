DELETE FROM tombstones WHERE key IN
    (SELECT key FROM tombstones WHERE ended_at <= now_ms() - $1::bigint AND purged LIMIT $2)
