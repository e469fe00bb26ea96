-- Goes up with every change of a chat's names, seats, sessions and asks, so that an instance sees by one number that what it holds
-- of them is out of date. Triggers count it: no statement can forget to.
ALTER TABLE chats ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = NEW.key;
END;

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = OLD.key;
END;

-- Marks and times come often, and are not counted.
CREATE TRIGGER seats_updated AFTER UPDATE OF name, taken ON seats
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = NEW.key;
END;

CREATE TRIGGER asks_inserted AFTER INSERT ON asks
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = NEW.key;
END;

CREATE TRIGGER asks_updated AFTER UPDATE OF allowed, expires_at ON asks
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = NEW.key;
END;

-- The UTF-8 bytes of the texts that were stored since this column is here.
ALTER TABLE chats ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
