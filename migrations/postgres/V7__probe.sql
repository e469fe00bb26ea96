-- Written to by the readiness check: an instance is ready when what it promises can be done, and a
-- server whose disk is full, or that only reads, still answers questions.
CREATE TABLE probe (
    id smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    at bigint   NOT NULL
) WITH (fillfactor = 10);
