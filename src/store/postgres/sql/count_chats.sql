SELECT count(*) FROM chats WHERE expires_at > now_ms()
