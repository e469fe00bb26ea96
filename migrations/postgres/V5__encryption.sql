-- Chats whose clients encrypt what they say. The server keeps the format's version and the digest of the
-- proof that names and logins must come with; what opens the texts is nowhere in here.
ALTER TABLE chats
    ADD COLUMN encryption text CHECK (encryption = 'v1'),
    ADD COLUMN auth bytea CHECK (length(auth) = 32),
    ADD CONSTRAINT chats_encryption_has_auth CHECK ((auth IS NULL) = (encryption IS NULL));
