-- Chats whose clients encrypt what they say. The server keeps the format's version and the digest of the
-- proof that names and logins must come with; what opens the texts is nowhere in here.
ALTER TABLE chats ADD COLUMN encryption TEXT CHECK (encryption = 'v1');
ALTER TABLE chats ADD COLUMN auth BLOB
    CHECK (length(auth) = 32) CHECK ((auth IS NULL) = (encryption IS NULL));
