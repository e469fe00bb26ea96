//! The error words, each with what a client should do. The API's description and `docs/api.md` list them from
//! here, and a test compares them with what the code answers.

/// An `error` word.
pub struct ErrorWord {
    /// The statuses it comes with.
    pub statuses: &'static [u16],
    /// The word.
    pub error: &'static str,
    /// What to do about it, as Markdown.
    pub cure: &'static str,
}

const fn word(statuses: &'static [u16], error: &'static str, cure: &'static str) -> ErrorWord {
    ErrorWord {
        statuses,
        error,
        cure,
    }
}

/// All of them, in the order in which they are checked.
#[rustfmt::skip] // A table, a word a row.
pub const WORDS: [ErrorWord; 39] = [
    word(&[501], "unknown_method", "use GET, HEAD or POST: the server knows no such HTTP method"),
    word(&[421], "misdirected_request",
        "use the public address: the request names a host that is not this server's (pages only)"),
    word(&[405], "method_not_allowed", "`Allow` says which methods the address takes"),
    word(&[415], "unsupported_media_type",
        "send JSON, uncompressed, and say `Content-Type: application/json`"),
    word(&[413], "body_too_large", "send at most 64 KiB"),
    word(&[413], "message_too_long",
        "shorten the text to 16 KiB of UTF-8 (32 KiB sealed, in an encrypted chat)"),
    word(&[431], "head_too_large", "shorten the address or the headers"),
    word(&[408], "timeout", "send it again: the request did not arrive in time"),
    word(&[400], "malformed",
        "correct the body or the address; `message` says where it cannot be read"),
    word(&[400], "missing_field", "add the field that `field` names"),
    word(&[400], "invalid_field", "correct the field that `field` names; `message` says how"),
    word(&[401], "no_session", "log in again: there is no session, or it has ended"),
    word(&[401, 403, 409], "replaced",
        "the other person let somebody in at this seat at `replacedAt`; ask to be let in"),
    word(&[403], "wrong_name", "ask the person who invited you: the name is not part of this chat"),
    word(&[403], "wrong_code", "check the code, or ask to be let in: it is wrong, used or too old"),
    word(&[403], "link_incomplete", "send `auth`, made from the whole link: the chat is encrypted"),
    word(&[403], "other_chat", "use the token of this chat; this one belongs to another"),
    word(&[403], "disagrees_with_session",
        "leave out `userHash`, `senderName` and `reciever`, or correct the one that `field` names"),
    word(&[403], "own_seat",
        "refuse, or leave it to the other person: only they can let somebody in at your seat"),
    word(&[403], "cross_site", "open the page itself: a browser sent this from another site"),
    word(&[404], "no_such_chat", "check the link"),
    word(&[404], "not_found", "check the address"),
    word(&[404], "other_service",
        "ask at the public address: this one belongs to the other one of two services"),
    word(&[409], "hash_taken", "choose another `hash`, or leave it out"),
    word(&[409], "id_reused", "use a fresh `id`: this one made another chat"),
    word(&[409], "named_already", "log in: the second person has a name"),
    word(&[409], "seat_taken", "send a return code or a device code, or ask to be let in"),
    word(&[409], "seat_free", "log in without asking"),
    word(&[409], "seat_open",
        "log in with a code, or wait: that person has the chat open, so nobody else can be let in as \
         them"),
    word(&[409], "ask_over",
        "leave it: the ask was answered before, replaced by a newer one, or is too old"),
    word(&[409], "chat_full",
        "start a new chat: this one holds as many messages, or as much text, as it can"),
    word(&[410], "chat_ended",
        "start a new chat: this one has ended or expired, and nothing of it is left"),
    word(&[422], "id_reused", "use a fresh `id`: this one was used for another text"),
    word(&[429], "too_many_requests",
        "wait for `Retry-After` seconds: a limit was reached (below)"),
    word(&[500], "defect", "report the `reference`: it is a defect of the server"),
    word(&[503], "unavailable",
        "wait for `Retry-After` seconds; sending again with the same `id` is safe"),
    word(&[503], "storage_full",
        "wait for `Retry-After` seconds: the disk is full until the operator makes room; reading and \
         ending work"),
    word(&[503], "part_away",
        "send it with a fresh `id` and without a `hash`: of several database servers the one that these \
         belong to is away, and no chat was made; the same `id` answers as ever when it is back"),
    word(&[503], "presence_unknown",
        "answer again in a moment: whether that person has the chat open cannot be told right now"),
];
