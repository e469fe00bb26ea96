//! The plaintext of a sealed text.

use std::fmt;

use actors::domain::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Plaintexts are padded to one of these sizes, in bytes, so that only the size class is visible.
pub const PLAINTEXT_SIZES: [usize; 5] = [64, 256, 1_024, 4_096, 17_408];
/// The longest text, in bytes of UTF-8, as in a plain chat.
pub const TEXT_BYTES_MAX: usize = actors::domain::TEXT_BYTES_MAX;

/// The largest integer that JavaScript represents exactly, 2^53 - 1, as a time in ms since 1970.
const TIME_MS_MAX: i64 = 9_007_199_254_740_991;

/// The bytes before the text: session, number, after, time, length.
const HEAD_BYTES: usize = 8 + 4 + 16 + 8 + 2;

/// A text with the fields by which its reader detects missing, repeated and moved messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents {
    /// Drawn at random by the sender's page or program when it starts.
    pub session: [u8; 8],
    /// 1, 2, 3 … within the session.
    pub number: u32,
    /// The last message of the chat that the sender had opened; `None` before the first.
    pub after: Option<Uuid>,
    /// When it was written, by the sender's clock.
    pub written_at: Timestamp,
    /// 1 to [`TEXT_BYTES_MAX`] bytes.
    pub text: Zeroizing<String>,
}

impl Contents {
    /// The padded plaintext; `None` if the text is empty or too long, or the time is before 1970.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let length = self.text.len();
        if length == 0 || length > TEXT_BYTES_MAX {
            return None;
        }
        let written_at = u64::try_from(self.written_at.unix_ms()).ok()?;
        let size = padded_size(length)?;
        // Allocated at its full size: growing would leave copies of the text in memory.
        let mut plain = Zeroizing::new(Vec::with_capacity(size));
        plain.extend_from_slice(&self.session);
        plain.extend_from_slice(&self.number.to_be_bytes());
        plain.extend_from_slice(self.after.unwrap_or_default().as_bytes());
        plain.extend_from_slice(&written_at.to_be_bytes());
        plain.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
        plain.extend_from_slice(self.text.as_bytes());
        plain.resize(size, 0);
        Some(plain)
    }

    /// Parses a padded plaintext; `None` unless [`encode`](Self::encode) would produce the same bytes.
    pub(super) fn decode(plain: &[u8]) -> Option<Self> {
        let (session, rest) = plain.split_first_chunk::<8>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (after, rest) = rest.split_first_chunk::<16>()?;
        let (written_at, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (text, padding) = rest.split_at_checked(length)?;
        let fits = (1..=TEXT_BYTES_MAX).contains(&length)
            && padded_size(length) == Some(plain.len())
            && padding.iter().all(|byte| *byte == 0);
        let number = u32::from_be_bytes(*number);
        if !fits || number == 0 {
            return None;
        }
        let after = Uuid::from_bytes(*after);
        let written_at = u64::from_be_bytes(*written_at);
        let written_at = i64::try_from(written_at)
            .ok()
            .filter(|ms| *ms <= TIME_MS_MAX)?;
        Some(Self {
            session: *session,
            number,
            after: (!after.is_nil()).then_some(after),
            written_at: Timestamp::from_unix_ms(written_at),
            text: Zeroizing::new(std::str::from_utf8(text).ok()?.to_owned()),
        })
    }
}

fn padded_size(text_bytes: usize) -> Option<usize> {
    let needed = HEAD_BYTES + text_bytes;
    PLAINTEXT_SIZES.into_iter().find(|size| *size >= needed)
}

/// Prints the length only, because texts must never reach a log.
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Contents {
        Contents {
            session: [7; 8],
            number: 1,
            after: None,
            written_at: Timestamp::from_unix_ms(1_764_000_000_000),
            text: Zeroizing::new(text.into()),
        }
    }

    #[test]
    fn every_text_of_a_plain_chat_fits_and_reads_back() {
        for (length, size) in [
            (1, 64),
            (26, 64),
            (27, 256),
            (218, 256),
            (219, 1_024),
            (986, 1_024),
            (987, 4_096),
            (4_058, 4_096),
            (4_059, 17_408),
            (TEXT_BYTES_MAX, 17_408),
        ] {
            let contents = contents(&"\n".repeat(length));
            let plain = contents.encode().unwrap();
            assert_eq!(plain.len(), size);
            assert_eq!(Contents::decode(&plain), Some(contents));
        }
        assert!(contents("").encode().is_none());
        assert!(contents(&"x".repeat(TEXT_BYTES_MAX + 1)).encode().is_none());
    }

    #[test]
    fn a_plaintext_that_is_written_otherwise_is_refused() {
        let good = contents("Hello").encode().unwrap().to_vec();
        let mut larger = good.clone();
        larger.resize(256, 0);
        let changed = |place: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[place] = to;
            bytes
        };
        for (why, bytes) in [
            ("another class", larger),
            ("no class", good[..63].to_vec()),
            ("padding", changed(63, 1)),
            ("length beyond the end", changed(36, 1)),
            ("no text", changed(37, 0)),
            ("number 0", changed(11, 0)),
            ("not UTF-8", changed(38, 0xff)),
        ] {
            assert_eq!(Contents::decode(&bytes), None, "{why}");
        }
    }
}
