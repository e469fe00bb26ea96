use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{CryptoRng, RngExt};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::Invalid;

/// The length of generated hashes: 22 characters of base58 hold 128.9 random bits.
const GENERATED_CHARS: usize = 22;

/// Letters and digits that are not easily confused
/// (<https://datatracker.ietf.org/doc/html/draft-msporny-base58-03>).
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The secret part of a chat's link. It stays in the HTTP layer: everything behind it, the store and the bus included,
/// knows the chat by its [`ChatKey`], so neither can give a link away.
#[derive(Clone, PartialEq, Eq)]
pub struct PairHash(Box<str>);

impl PairHash {
    /// Accepts `^[A-Za-z0-9_-]{6,64}$`.
    ///
    /// # Errors
    /// [`Invalid`] names the rule.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (6..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(Invalid(
                "A hash is 6 to 64 characters out of A-Z, a-z, 0-9, \"_\" and \"-\".",
            ))
        }
    }

    /// A fresh hash of 22 uniformly random base58 characters.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let text: String = (0..GENERATED_CHARS)
            .map(|_| char::from(BASE58[rng.random_range(0..BASE58.len())]))
            .collect();
        Self(text.into())
    }

    /// Whether it is at least as long as generated ones.
    pub fn is_long(&self) -> bool {
        self.0.len() >= GENERATED_CHARS
    }

    /// The hash as the link contains it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for PairHash {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Prints the fingerprint: hashes must never reach a log.
impl fmt::Debug for PairHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PairHash({})", ChatKey::of(self).fingerprint())
    }
}

/// A chat's internal id: the first 128 bits of the SHA-256 digest of its hash. The store, bus, registry, tokens and
/// tombstones all use it; the hash cannot be computed from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChatKey([u8; 16]);

impl ChatKey {
    /// The key of a hash.
    pub fn of(hash: &PairHash) -> Self {
        let digest = Sha256::digest(hash.as_str().as_bytes());
        Self::from_bytes(
            digest[..16]
                .try_into()
                .expect("a SHA-256 digest has 32 bytes"),
        )
    }

    /// As stored: 16 bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As stored: 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The key as text: 22 characters of base64url, the part of a token before the dot.
    pub fn tag(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Parses a [`tag`](Self::tag).
    pub fn from_tag(tag: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(tag).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// A short id for log lines.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(u32::from_be_bytes(
            self.0[..4].try_into().expect("a key has 16 bytes"),
        ))
    }

    /// A uniformly distributed number, to assign the chat to a lane or an arbiter.
    pub fn spread(&self) -> usize {
        usize::from(u16::from_be_bytes([self.0[4], self.0[5]]))
    }
}

impl fmt::Debug for ChatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChatKey({})", self.fingerprint())
    }
}

/// Eight hexadecimal digits that identify a chat in log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u32);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_hashes_are_22_base58_characters_and_parse() {
        let hash = PairHash::generate(&mut rand::rng());
        assert_eq!(hash.as_str().len(), 22);
        assert!(!hash.as_str().contains(['0', 'O', 'I', 'l']));
        assert_eq!(PairHash::parse(hash.as_str()), Ok(hash));
    }

    #[test]
    fn hashes_that_clients_choose_parse() {
        for good in ["abc123", "A_b-9z", &"x".repeat(64)] {
            assert!(PairHash::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_tag_reads_back_as_its_key() {
        let key = ChatKey::of(&PairHash::parse("abc123").unwrap());
        assert_eq!(ChatKey::from_tag(&key.tag()), Some(key));
        assert_eq!(key.tag().len(), 22);
        assert_eq!(ChatKey::from_tag("short"), None);
    }

    #[test]
    fn debug_output_holds_no_hash() {
        let hash = PairHash::parse("abc123").unwrap();
        assert!(!format!("{hash:?}").contains("abc123"));
    }
}
