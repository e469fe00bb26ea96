-- What a session logged in with, such as "Chrome on Android": words of this server's, never a client's own.
-- NULL where nothing is known of it, or a version before this one let it in.
ALTER TABLE sessions ADD COLUMN device text;

-- When somebody first sat down. NULL while nobody has, or where a version before this one let them in.
ALTER TABLE seats ADD COLUMN joined_at bigint;
