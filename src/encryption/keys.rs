//! Derives the keys of a link, and seals and opens texts with them.

use actors::domain::{BySeat, PairHash, Seat};
use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Contents, Link};

/// The bytes of the random salt at the start of each sealed text.
pub const SALT_BYTES: usize = 16;

const VERSION: &str = "duet/v1";
/// How every sealed text begins.
pub(super) const PREFIX: &str = "v1.";

/// A sealed text does not open: it was changed, belongs to another chat, seat or id, or was sealed with
/// another link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text does not open")]
pub struct CannotOpen;

type Key = Zeroizing<[u8; 32]>;

/// The keys of a chat.
pub struct Keys {
    auth: Key,
    seats: BySeat<Key>,
    hash_digest: [u8; 32],
}

impl Keys {
    /// Derives the keys of a link.
    pub fn of(link: &Link) -> Self {
        let salt = Sha256::new_with_prefix(VERSION)
            .chain_update(link.hash.as_str())
            .finalize();
        let prk = Hkdf::<Sha256>::new(Some(&salt), &link.secret[..]);
        let key = |info: &str| expand(&prk, info);
        Self {
            auth: key("auth"),
            seats: BySeat([key("seat 1"), key("seat 2")]),
            hash_digest: hash_digest(&link.hash),
        }
    }

    /// The proof of having the link, for `auth` in the API.
    pub fn auth(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.auth[..])
    }

    /// Seals a text; `salt` must be random and never reused. `None` if the text is empty or too long.
    pub fn seal(
        &self,
        seat: Seat,
        id: Uuid,
        contents: &Contents,
        salt: [u8; SALT_BYTES],
    ) -> Option<String> {
        let plain = contents.encode()?;
        let (cipher, nonce) = self.cipher(seat, &salt);
        let payload = Payload {
            msg: &plain,
            aad: &self.associated_data(seat, id),
        };
        let sealed = cipher.encrypt(&nonce.into(), payload).ok()?;
        let bytes = [&salt[..], &sealed].concat();
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens a sealed text that, according to the server, has this seat and id.
    ///
    /// # Errors
    /// [`CannotOpen`] for any reason: no part of such a text may be shown.
    pub fn open(&self, seat: Seat, id: Uuid, sealed: &str) -> Result<Contents, CannotOpen> {
        let encoded = sealed.strip_prefix(PREFIX).ok_or(CannotOpen)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| CannotOpen)?;
        let (salt, sealed) = bytes.split_first_chunk::<SALT_BYTES>().ok_or(CannotOpen)?;
        let (cipher, nonce) = self.cipher(seat, salt);
        let payload = Payload {
            msg: sealed,
            aad: &self.associated_data(seat, id),
        };
        let opened = cipher.decrypt(&nonce.into(), payload);
        let plain = Zeroizing::new(opened.map_err(|_| CannotOpen)?);
        Contents::decode(&plain).ok_or(CannotOpen)
    }

    fn cipher(&self, seat: Seat, salt: &[u8]) -> (Aes256Gcm, [u8; 12]) {
        let prk = Hkdf::<Sha256>::new(Some(salt), &self.seats[seat][..]);
        let key: Key = expand(&prk, "key");
        let nonce = expand::<12>(&prk, "nonce");
        (Aes256Gcm::new((&*key).into()), *nonce)
    }

    /// The associated data: 56 bytes, with fields of fixed length.
    fn associated_data(&self, seat: Seat, id: Uuid) -> Vec<u8> {
        [
            VERSION.as_bytes(),
            &self.hash_digest,
            &[seat.number()],
            id.as_bytes(),
        ]
        .concat()
    }
}

fn hash_digest(hash: &PairHash) -> [u8; 32] {
    Sha256::digest(hash.as_str()).into()
}

fn expand<const N: usize>(prk: &Hkdf<Sha256>, info: &str) -> Zeroizing<[u8; N]> {
    let mut key = Zeroizing::new([0; N]);
    prk.expand(info.as_bytes(), &mut key[..])
        .expect("HKDF-SHA-256 gives up to 8,160 bytes");
    key
}

#[cfg(test)]
mod tests;
