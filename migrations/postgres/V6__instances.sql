-- The instances that live, so that each can tell whether it hears the others through the bus. A row is
-- one run of one instance. Nothing of it is worth keeping over a crash, nor a wait for the disk.
CREATE UNLOGGED TABLE instances (
    boot    uuid   NOT NULL PRIMARY KEY,
    bus     text   NOT NULL,
    beats   bigint NOT NULL,
    beat_at bigint NOT NULL
) WITH (fillfactor = 50);
