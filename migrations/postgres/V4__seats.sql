-- The session that made a code or let somebody in: what it made dies with it. NULL where a version
-- before this one made it.
ALTER TABLE seats ADD COLUMN device_code_by bytea;
ALTER TABLE asks ADD COLUMN allowed_by bytea;

-- Two digits that the asker and the people in the chat can compare.
ALTER TABLE asks ADD COLUMN number smallint NOT NULL DEFAULT 0;

-- Whether the registration named both people. NULL where a version before this one made the chat.
ALTER TABLE chats ADD COLUMN both_named boolean;

-- When somebody else was last let into the seat.
ALTER TABLE seats ADD COLUMN replaced_at bigint;

-- Digests of the tokens and codes that stopped working when somebody else was let into their seat,
-- so that whoever still holds one can be told what happened.
CREATE TABLE replaced_secrets (
    key    uuid     NOT NULL,
    digest bytea    NOT NULL,
    seat   smallint NOT NULL,
    at     bigint   NOT NULL,
    PRIMARY KEY (key, digest)
);
