use std::fmt;

use uuid::Uuid;

use super::{Caller, ChatKey, Invalid, Seat, SecretDigest, Timestamp, visible::is_blank};

/// The longest text, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The longest sealed text, in bytes of its encoding: what [`TEXT_BYTES_MAX`] come to, with room.
pub const SEALED_BYTES_MAX: usize = 32 * 1024;

/// A message's place in its chat: 1, 2, 3 … with no gap and no repeat.
pub type Seq = u64;

/// The place before the first message.
pub const SEQ_NONE: Seq = 0;

/// A message's name, unique per seat for the chat's life; the sender's own or the server's.
pub type ClientId = Uuid;

/// The text of a message: 1 byte to 16 KiB of UTF-8, something of it visible, without U+0000. In an
/// encrypted chat it is sealed: `v1.` and up to 32 KiB of base64url, which the server cannot read.
#[derive(Clone, PartialEq, Eq)]
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
    /// Parses what a person wrote; nothing is changed or trimmed.
    ///
    /// # Errors
    /// [`TextError`] says which rule it breaks.
    pub fn parse(text: String) -> Result<Self, TextError> {
        check_plain(&text)?;
        Ok(Self(text.into()))
    }

    /// Takes a text back that was parsed before it was stored.
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

/// A text must never reach a log, so it prints as its length.
impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// A text as it came: whether its chat takes plain texts or sealed ones, the pair knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentText {
    text: MessageText,
    plain: Result<(), TextError>,
    sealed: Result<(), TextError>,
}

impl SentText {
    /// Parses a text.
    ///
    /// # Errors
    /// [`TextError`] when no chat would take it.
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

    /// The text for a chat of this kind.
    ///
    /// # Errors
    /// [`TextError`] when the chat does not take it.
    pub fn fit(self, encrypted: bool) -> Result<MessageText, TextError> {
        let fits = if encrypted { self.sealed } else { self.plain };
        fits.map(|()| self.text)
    }
}

/// A message on its way to the store, which gives it its `seq` and its time.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The chat it belongs to.
    pub key: ChatKey,
    /// Who sends it.
    pub seat: Seat,
    /// The digest of the sender's token.
    pub session: SecretDigest,
    /// Its name: sending the same again stores nothing.
    pub id: ClientId,
    /// What it says.
    pub text: MessageText,
    /// The sender's clock, where the sender gave it.
    pub sent_at: Option<Timestamp>,
}

impl Draft {
    /// Who must be alive for it to be stored.
    pub fn caller(&self) -> Caller {
        Caller {
            key: self.key,
            seat: self.seat,
            session: self.session,
        }
    }

    /// The message this draft became.
    pub fn placed(&self, seq: Seq, at: Timestamp) -> Message {
        Message {
            seq,
            id: self.id,
            seat: self.seat,
            text: self.text.clone(),
            at,
        }
    }
}

/// A message as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place in the chat.
    pub seq: Seq,
    /// Its name.
    pub id: ClientId,
    /// Who sent it.
    pub seat: Seat,
    /// What it says.
    pub text: MessageText,
    /// The store's clock when it was stored.
    pub at: Timestamp,
}

/// Which part of the history is asked for; the answer ascends in `seq` in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The last messages.
    Newest,
    /// The first messages behind this place.
    After(Seq),
    /// The last messages ahead of this place.
    Before(Seq),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_every_character() {
        for text in [" hi ", "a\u{202E}b", "<b>", &"é".repeat(TEXT_BYTES_MAX / 2)] {
            assert_eq!(MessageText::parse(text.into()).unwrap().as_str(), text);
        }
    }

    #[test]
    fn empty_blank_and_nul_texts_are_refused_and_long_ones_are_too_long() {
        for bad in [
            "",
            " \n\t\u{3000}",
            "\u{200B}",
            "\u{3164}",
            "\u{2800}",
            "a\0b",
        ] {
            assert!(matches!(
                MessageText::parse(bad.into()),
                Err(TextError::Invalid(_))
            ));
        }
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(MessageText::parse(long), Err(TextError::TooLong));
    }

    #[test]
    fn a_sealed_text_fits_an_encrypted_chat_and_a_plain_one_does_not() {
        let sent = |text: &str| SentText::parse(text.into()).unwrap();
        assert!(sent("v1.AB_-9").fit(true).is_ok());
        // In a plain chat anybody may say so.
        assert!(sent("v1.AB_-9").fit(false).is_ok());
        for plain in [
            "Hello",
            "v1.",
            "v1.AB=",
            "v1.A B",
            "v2.AAAA",
            " v1.AAAA",
            "v1.AAAA\n",
        ] {
            let invalid = |fitted| matches!(fitted, Err(TextError::Invalid(_)));
            assert!(invalid(sent(plain).fit(true)), "{plain}");
            assert!(sent(plain).fit(false).is_ok(), "{plain}");
        }
        let longest = format!("v1.{}", "A".repeat(SEALED_BYTES_MAX - 3));
        assert!(sent(&longest).fit(true).is_ok());
        assert_eq!(sent(&longest).fit(false), Err(TextError::TooLong));
        assert_eq!(SentText::parse(longest + "A"), Err(TextError::TooLong));
    }
}
