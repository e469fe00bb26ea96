//! Tokens and codes. The store keeps only their digests, and they are wiped from memory when dropped.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand::{CryptoRng, RngExt};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use super::{ChatKey, Invalid, PairHash, Seat};

/// A secret that contains its chat's key: `<chat tag>.<256 random bits>` in base64url. Bearer tokens,
/// cookies and ask ids are of this form. Shown to its owner once and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    key: ChatKey,
    secret: [u8; 32],
}

impl Token {
    /// A fresh token for a chat.
    pub fn generate(key: ChatKey, rng: &mut impl CryptoRng) -> Self {
        Self {
            key,
            secret: rng.random(),
        }
    }

    /// Parses a token.
    pub fn parse(text: &str) -> Option<Self> {
        let (tag, secret) = text.split_once('.')?;
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret).ok()?);
        Some(Self {
            key: ChatKey::from_tag(tag)?,
            secret: secret.as_slice().try_into().ok()?,
        })
    }

    /// The chat that it claims to belong to.
    pub fn key(&self) -> ChatKey {
        self.key
    }

    /// The digest that is stored. 256 random bits need no slow hash.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.secret).into())
    }

    /// The token as text.
    pub fn reveal(&self) -> String {
        format!("{}.{}", self.key.tag(), URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.key.fingerprint())
    }
}

/// The SHA-256 digest of a random secret; compared in constant time.
#[derive(Clone, Copy)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// As stored: 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As stored: 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretDigest {}

/// A code that a person can read out and type: 80 random bits as 16 characters of Crockford's
/// base32 (<https://www.crockford.com/base32.html>), in groups of four.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessCode([u8; 16]);

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl AccessCode {
    /// A fresh code.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(std::array::from_fn(|_| CROCKFORD[rng.random_range(0..32)]))
    }

    /// Parses what a person typed: case, spaces and dashes do not matter, and O, I and L count as digits.
    ///
    /// # Errors
    /// [`Invalid`] when it is not a code.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let plain: Vec<u8> = text
            .bytes()
            .filter(|byte| !matches!(byte, b' ' | b'-'))
            .map(|byte| match byte.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            })
            .collect();
        match <[u8; 16]>::try_from(plain) {
            Ok(code) if code.iter().all(|byte| CROCKFORD.contains(byte)) => Ok(Self(code)),
            _ => Err(Invalid(
                "A code is 16 letters and digits, like 7K2M-Q9XW-4R8T-B3ZH.",
            )),
        }
    }

    /// The digest that is stored: HMAC-SHA256 keyed with the link's hash. The store does not have the hash, so codes
    /// cannot even be guessed from a stolen database.
    pub fn digest(&self, hash: &PairHash, seat: Seat) -> CodeDigest {
        let mac = Hmac::<Sha256>::new_from_slice(hash.as_str().as_bytes());
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(&[seat.number()]);
        mac.update(&self.0);
        SecretDigest(mac.finalize().into_bytes().into())
    }

    /// The code as it is shown.
    pub fn reveal(&self) -> String {
        let groups: Vec<&str> = self
            .0
            .chunks(4)
            .map(|group| std::str::from_utf8(group).expect("Crockford's alphabet is ASCII"))
            .collect();
        groups.join("-")
    }
}

impl Drop for AccessCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The keyed digest of an [`AccessCode`].
pub type CodeDigest = SecretDigest;

/// The public id of an ask, which the other person answers by. It lets nobody in: the asker has a secret [`Token`]
/// (`askId` on the wire).
pub type AskRef = Uuid;

/// The idempotency key of a registration or login. It decrypts the stored link, so only its digest is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RegistrationId(Uuid);

impl RegistrationId {
    /// Takes a client's UUID.
    pub fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The digest that is stored.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.0.as_bytes()).into())
    }

    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

debug_by_name!(SecretDigest, AccessCode, RegistrationId);

#[cfg(test)]
mod tests {
    use super::*;

    fn hash() -> PairHash {
        PairHash::parse("abc123").unwrap()
    }

    #[test]
    fn tokens_read_back_and_name_their_chat() {
        let key = ChatKey::of(&hash());
        let token = Token::generate(key, &mut rand::rng());
        let read = Token::parse(&token.reveal()).unwrap();
        assert_eq!(read.key(), key);
        assert_eq!(read.digest(), token.digest());
        for bad in ["", ".", "abc", "a.b", &format!("{}.", key.tag())] {
            assert_eq!(Token::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = AccessCode::parse("o0iI-lL11 abcd-EFGH").unwrap();
        assert_eq!(code.reveal(), "0011-1111-ABCD-EFGH");
        for bad in ["", "7K2M", "7K2M-Q9XW-4R8T-B3ZU", "7K2M-Q9XW-4R8T-B3Z!"] {
            assert!(AccessCode::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_code_is_refused_at_another_seat_or_chat() {
        let code = AccessCode::generate(&mut rand::rng());
        let other = PairHash::parse("abc124").unwrap();
        let digest = code.digest(&hash(), Seat::One);
        assert_eq!(code.digest(&hash(), Seat::One), digest);
        assert_ne!(code.digest(&hash(), Seat::Two), digest);
        assert_ne!(code.digest(&other, Seat::One), digest);
    }
}
