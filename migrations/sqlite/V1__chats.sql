-- Every table is keyed by the chat's key: the first 16 bytes of the SHA-256 digest of its hash.
-- The hash itself is nowhere in here. Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE chats (
    key          BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16),
    expires_at   INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL DEFAULT 0,
    -- The digest of the registration's id, and the link that only this id can open.
    registration BLOB    UNIQUE,
    sealed_hash  BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX chats_by_expiry ON chats (expires_at);

CREATE TABLE seats (
    key                    BLOB    NOT NULL,
    seat                   INTEGER NOT NULL CHECK (seat IN (1, 2)),
    name                   TEXT,
    taken                  INTEGER NOT NULL DEFAULT 0,
    return_code            BLOB,
    device_code            BLOB,
    device_code_expires_at INTEGER,
    delivered              INTEGER NOT NULL DEFAULT 0,
    read                   INTEGER NOT NULL DEFAULT 0,
    last_seen              INTEGER,
    PRIMARY KEY (key, seat)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    key       BLOB    NOT NULL,
    digest    BLOB    NOT NULL,
    id        BLOB    NOT NULL,
    seat      INTEGER NOT NULL,
    -- The digest of the login's id, and whether that login set the return code.
    login     BLOB,
    code_set  INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    -- NULL until it is first used.
    last_seen INTEGER,
    PRIMARY KEY (key, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE asks (
    key        BLOB    NOT NULL,
    digest     BLOB    NOT NULL,
    word       BLOB    NOT NULL,
    seat       INTEGER NOT NULL,
    -- NULL while it waits; then whether it was allowed.
    allowed    INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (key, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX asks_by_expiry ON asks (expires_at);

CREATE TABLE messages (
    key     BLOB    NOT NULL,
    seq     INTEGER NOT NULL,
    seat    INTEGER NOT NULL,
    id      BLOB    NOT NULL,
    text    TEXT    NOT NULL,
    sent_at INTEGER,
    at      INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX messages_by_id ON messages (key, seat, id);

-- What is left of a chat that is over. Its messages are deleted in slices, after a crash as well.
CREATE TABLE tombstones (
    key      BLOB    NOT NULL PRIMARY KEY,
    ended_at INTEGER NOT NULL,
    purged   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_to_purge ON tombstones (key) WHERE purged = 0;
CREATE INDEX tombstones_by_age ON tombstones (ended_at);

CREATE TABLE reservations (
    key        BLOB    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX reservations_by_expiry ON reservations (expires_at);
