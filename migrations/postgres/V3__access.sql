-- Goes up with every change of a chat's names, seats, sessions and asks, so that an instance sees by one number that what it holds
-- of them is out of date. Triggers count it: no statement can forget to, and what an instance of the version before changes is
-- counted as well.
--
-- Whoever changes sessions or asks locks the chat first, as the trigger does: two that lock in opposite orders wait for each other.
ALTER TABLE chats ADD COLUMN revision bigint NOT NULL DEFAULT 0;

CREATE FUNCTION count_revision() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE chats SET revision = revision + 1 WHERE key = coalesce(NEW.key, OLD.key);
    RETURN NULL;
END
$$;

CREATE TRIGGER count_revision AFTER INSERT OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION count_revision();
-- Marks and times come often, and are not counted.
CREATE TRIGGER count_revision AFTER UPDATE OF name, taken ON seats
    FOR EACH ROW EXECUTE FUNCTION count_revision();
CREATE TRIGGER count_revision AFTER INSERT OR UPDATE OF allowed, expires_at ON asks
    FOR EACH ROW EXECUTE FUNCTION count_revision();

-- The UTF-8 bytes of the texts sent since this column is here.
ALTER TABLE chats ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
