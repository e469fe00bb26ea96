-- Written to by the readiness check: an instance is ready when what it promises can be done, and a
-- file on a full disk can still be read.
CREATE TABLE probe (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
