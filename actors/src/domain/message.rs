use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Caller, ChatKey, Invalid, Seat, SecretDigest, Timestamp, visible::is_blank};

/// The longest text, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The longest encrypted text, in encoded bytes: enough for [`TEXT_BYTES_MAX`] and the format's overhead.
pub const SEALED_BYTES_MAX: usize = 32 * 1024;

/// A message's sequence number in its chat: 1, 2, 3 … without gaps or repeats.
pub type Seq = u64;

/// A message's id, unique per seat within the chat, chosen by the client or the server.
pub type ClientId = Uuid;

/// The text of a message: 1 byte to 16 KiB of UTF-8 with a visible character and without U+0000. In an encrypted chat
/// `v1.` and base64url, up to 32 KiB, which the server cannot read.
///
/// Reading it as JSON checks nothing: that is for the bus.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageText(Box<str>);

/// Why a text cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Empty, blank, or holding U+0000.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Over [`TEXT_BYTES_MAX`], or sealed and over [`SEALED_BYTES_MAX`].
    #[error("A message has at most 16 KiB of UTF-8. Send it in parts.")]
    TooLong,
}

impl MessageText {
    /// Parses a plain text. Nothing is changed or trimmed.
    ///
    /// # Errors
    /// [`TextError`] says which rule it breaks.
    pub fn parse(text: String) -> Result<Self, TextError> {
        check_plain(&text)?;
        Ok(Self(text.into()))
    }

    /// From the store: a text that was parsed before it was stored.
    pub fn from_store(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_plain(text: &str) -> Result<(), TextError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(TextError::TooLong);
    }
    if text.contains('\0') {
        return Err(Invalid("A message cannot hold the character U+0000.").into());
    }
    if is_blank(text) {
        return Err(Invalid("A message has something to see.").into());
    }
    Ok(())
}

fn check_sealed(text: &str) -> Result<(), TextError> {
    let in_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let encoded = text.strip_prefix("v1.").unwrap_or_default();
    if encoded.is_empty() || !encoded.bytes().all(in_alphabet) {
        return Err(Invalid(
            "This chat is encrypted: a message is \"v1.\" and base64url, as its client seals it.",
        )
        .into());
    }
    if text.len() > SEALED_BYTES_MAX {
        return Err(TextError::TooLong);
    }
    Ok(())
}

/// Prints the length only: texts must never reach a log.
impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// A text from a request, checked for both kinds of chats, because only the pair knows whether its chat is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingText {
    text: MessageText,
    plain: Result<(), TextError>,
    sealed: Result<(), TextError>,
}

impl IncomingText {
    /// Parses a text.
    ///
    /// # Errors
    /// [`TextError`] when it is invalid in either kind of chat.
    pub fn parse(text: String) -> Result<Self, TextError> {
        let (plain, sealed) = (check_plain(&text), check_sealed(&text));
        if sealed.is_err() {
            plain.clone()?;
        }
        Ok(Self {
            text: MessageText(text.into()),
            plain,
            sealed,
        })
    }

    /// The text, if it is valid for this kind of chat.
    ///
    /// # Errors
    /// [`TextError`] when it is not.
    pub fn for_chat(self, encrypted: bool) -> Result<MessageText, TextError> {
        let checked = if encrypted { self.sealed } else { self.plain };
        checked.map(|()| self.text)
    }
}

/// A message that is not stored yet: the store assigns its `seq` and its time.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The chat it belongs to.
    pub key: ChatKey,
    /// Who sends it.
    pub seat: Seat,
    /// The digest of the sender's token.
    pub session: SecretDigest,
    /// Its id: a draft with an id that is stored already is not stored again.
    pub id: ClientId,
    /// Its text.
    pub text: MessageText,
    /// When it was sent by the client's clock, if the client said so.
    pub sent_at: Option<Timestamp>,
}

impl Draft {
    /// The sender, whose session must be alive.
    pub fn caller(&self) -> Caller {
        Caller {
            key: self.key,
            seat: self.seat,
            session: self.session,
        }
    }

    /// The stored message of this draft.
    pub fn stored_as(&self, seq: Seq, at: Timestamp) -> Message {
        Message {
            seq,
            id: self.id,
            seat: self.seat,
            text: self.text.clone(),
            at,
        }
    }
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its sequence number.
    pub seq: Seq,
    /// Its id.
    pub id: ClientId,
    /// Who sent it.
    pub seat: Seat,
    /// Its text.
    pub text: MessageText,
    /// When it was stored, by the store's clock.
    pub at: Timestamp,
}

/// Which page of the history to read. Every page is in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The last messages.
    Newest,
    /// The first messages after this `seq`.
    After(Seq),
    /// The last messages before this `seq`.
    Before(Seq),
}
