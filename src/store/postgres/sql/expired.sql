SELECT key FROM (
    SELECT key FROM chats WHERE expires_at <= now_ms() ORDER BY expires_at LIMIT $1
) c ORDER BY key
