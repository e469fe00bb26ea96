-- Where the chats of several servers are. Each server has an identity of its own, which a standby that is
-- promoted keeps, and all servers have the same maps: which of them take new chats, and since when.
CREATE TABLE shard_identity (
    one boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (one),
    id  uuid    NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO shard_identity DEFAULT VALUES;

CREATE TABLE shard_maps (
    version bigint NOT NULL PRIMARY KEY,
    servers uuid[] NOT NULL,
    since   bigint NOT NULL
);
