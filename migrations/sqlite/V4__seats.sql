-- The session that made a code or let somebody in: what it made dies with it. NULL where a version
-- before this one made it.
ALTER TABLE seats ADD COLUMN device_code_by BLOB;
ALTER TABLE asks ADD COLUMN allowed_by BLOB;

-- Two digits that the asker and the people in the chat can compare.
ALTER TABLE asks ADD COLUMN number INTEGER NOT NULL DEFAULT 0;

-- Whether the registration named both people. NULL where a version before this one made the chat.
ALTER TABLE chats ADD COLUMN both_named INTEGER;

-- When somebody else was last let into the seat.
ALTER TABLE seats ADD COLUMN replaced_at INTEGER;

-- Digests of the tokens and codes that stopped working when somebody else was let into their seat,
-- so that whoever still holds one can be told what happened.
CREATE TABLE replaced_secrets (
    key    BLOB    NOT NULL,
    digest BLOB    NOT NULL,
    seat   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (key, digest)
) STRICT, WITHOUT ROWID;
