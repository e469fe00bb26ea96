-- Which chat the id of a registration makes, where several servers share the chats and that one is on
-- another server than the id belongs to: the same id finds it again, whatever hash comes with it.
CREATE TABLE registrations (
    digest     bytea  NOT NULL PRIMARY KEY,
    key        uuid   NOT NULL,
    bound_at   bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX registrations_by_expiry ON registrations (expires_at);
