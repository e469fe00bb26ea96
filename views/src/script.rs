//! The data for a page's scripts: a JSON object in the `data-chat` attribute, the sentences in `data-text`.

use serde::Serialize;

use crate::{address, chat::Chat, message::Marks, page::Frame, text::Plural};

/// The state of the chat when the page was written. Instants are Unix milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    /// The seat's path, below which is everything that the scripts call. It also names locks, channels and storage.
    base: String,
    login: String,
    ended: &'static str,
    logged_out: &'static str,
    seat: u8,
    you: &'a str,
    peer: Option<&'a str>,
    joined: bool,
    online: Option<bool>,
    last_seen: Option<i64>,
    last_seq: u64,
    #[serde(flatten)]
    marks: Marks,
    expires_at: i64,
    /// When somebody else was last let in, by seat.
    let_in: [(u8, Option<i64>); 2],
    more: bool,
    /// False on a page of an older stretch: it is for reading.
    live: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<Encryption<'a>>,
}

/// What the page of an encrypted chat needs besides.
#[derive(Serialize)]
struct Encryption<'a> {
    version: &'static str,
    hash: &'a str,
    text: Sentences,
}

/// The sentences for a message that does not open, is missing, was moved or repeated.
#[derive(Serialize)]
struct Sentences {
    closed: &'static str,
    missing: Plural,
    moved: &'static str,
    repeated: &'static str,
    written: &'static str,
    download_failed: &'static str,
}

/// The value of `data-sentences`, for a page that writes a file.
pub(crate) fn findings(frame: &Frame) -> String {
    serde_json::to_string(&said_in_place(frame)).expect("strings are JSON")
}

fn said_in_place(frame: &Frame) -> Sentences {
    let words = &frame.text.sealed;
    Sentences {
        closed: words.closed,
        missing: frame.text.missing,
        moved: words.moved,
        repeated: words.repeated,
        written: words.written,
        download_failed: words.download_failed,
    }
}

/// The value of `data-chat`.
pub(crate) fn config(frame: &Frame, chat: &Chat) -> String {
    let config = Config {
        base: address::chat(&chat.hash, chat.seat),
        login: address::login(&chat.hash),
        ended: address::REGISTER_ENDED,
        logged_out: address::REGISTER_LOGGED_OUT,
        seat: chat.seat,
        you: &chat.you,
        peer: chat.peer.as_deref(),
        joined: chat.peer_joined,
        online: chat.peer_online,
        last_seen: chat.peer_last_seen_ms,
        last_seq: chat.last_seq,
        marks: chat.marks,
        expires_at: chat.expires_at_ms,
        let_in: [
            (chat.seat, chat.you_replaced_ms),
            (3 - chat.seat, chat.peer_replaced_ms),
        ],
        more: chat.more,
        live: !chat.newer,
        encryption: chat.encrypted.then(|| Encryption {
            version: "v1",
            hash: &chat.hash,
            text: said_in_place(frame),
        }),
    };
    serde_json::to_string(&config).expect("strings and numbers are JSON")
}

/// The value of `data-text`.
pub(crate) fn sentences(frame: &Frame) -> String {
    serde_json::to_string(&frame.text.live).expect("strings are JSON")
}
