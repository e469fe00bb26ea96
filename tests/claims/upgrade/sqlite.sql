PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE refinery_schema_history(
             version int4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255));
INSERT INTO refinery_schema_history VALUES(1,'chats','2026-11-29T00:24:05.16811212Z','6838201993176873552');
INSERT INTO refinery_schema_history VALUES(2,'samples','2026-11-29T00:24:05.16811864Z','12410530916974442511');
CREATE TABLE chats (
    key          BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16),
    expires_at   INTEGER NOT NULL,
    last_seq     INTEGER NOT NULL DEFAULT 0,
    -- The digest of the registration's id, and the link that only this id can open.
    registration BLOB    UNIQUE,
    sealed_hash  BLOB
) STRICT, WITHOUT ROWID;
INSERT INTO chats VALUES(X'e85e2b41f2a1400a42509dbb040b44de',1798503847178,2,NULL,NULL);
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
INSERT INTO seats VALUES(X'e85e2b41f2a1400a42509dbb040b44de',1,'Abhi',1,X'92c4f4f497609f26f5a1509894a8ad1d7ef0ed1336d0c3a44aa324dbb0d514e6',NULL,NULL,2,2,NULL);
INSERT INTO seats VALUES(X'e85e2b41f2a1400a42509dbb040b44de',2,'Anny',1,X'91b529f84a54ab81feffbdcea23494e167d4ba2ffde8c41e90775f660fe98e0f',NULL,NULL,0,0,NULL);
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
INSERT INTO sessions VALUES(X'e85e2b41f2a1400a42509dbb040b44de',X'0293726d1ea3afbbd7e1dc6b8f6a10ff1c199d9e181da8aa94a4f441dc7668bf',X'543b4f3fc1cc4ac9948567423d44c294',2,NULL,1,1795911847285,1795911847332);
INSERT INTO sessions VALUES(X'e85e2b41f2a1400a42509dbb040b44de',X'3f30059e5eb614838b2a9698f466e59bd322d31fe0aed5ae091332f1cc9dc71e',X'79ed8e199ae54f5a8ef897444b76c42c',1,NULL,1,1795911847228,1795911847312);
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
INSERT INTO messages VALUES(X'e85e2b41f2a1400a42509dbb040b44de',1,1,X'0f8e1c2a7c2b4a579a7e3f6d0d8c9b11','Hello',NULL,1795911847313);
INSERT INTO messages VALUES(X'e85e2b41f2a1400a42509dbb040b44de',2,2,X'46adf9297128444a90342f2cb7894df6','Grüße 👋',NULL,1795911847332);
CREATE TABLE tombstones (
    key      BLOB    NOT NULL PRIMARY KEY,
    ended_at INTEGER NOT NULL,
    purged   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO tombstones VALUES(X'29151e02d52707811fbbf6308f06abdc',1795911847395,1);
CREATE TABLE reservations (
    key        BLOB    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX chats_by_expiry ON chats (expires_at);
CREATE INDEX asks_by_expiry ON asks (expires_at);
CREATE UNIQUE INDEX messages_by_id ON messages (key, seat, id);
CREATE INDEX tombstones_to_purge ON tombstones (key) WHERE purged = 0;
CREATE INDEX tombstones_by_age ON tombstones (ended_at);
CREATE INDEX reservations_by_expiry ON reservations (expires_at);
COMMIT;
