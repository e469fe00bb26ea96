//! A link that is stored encrypted.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use rand::{CryptoRng, RngExt};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{ChatKey, PairHash, RegistrationId};

/// A link's hash, encrypted with the [`RegistrationId`] that made the chat, so that a repeated registration can be
/// answered with the same link.
///
/// A version byte 1, a nonce of 24 bytes, and the hash, padded with zero bytes to 64 so that its length
/// does not show, under XChaCha20-Poly1305. The key is SHA-256("duet sealed hash v1" ‖ id), the
/// associated data the chat's key.
///
/// Chats made by 0.1.0 have another format, which is only read: 16 bytes of salt, then the padded hash
/// XORed with HMAC-SHA256(id, salt ‖ 0) ‖ HMAC-SHA256(id, salt ‖ 1). It has 80 bytes, and the one above
/// 105.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedHash(Vec<u8>);

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const PADDED_BYTES: usize = 64;
const FIRST_SALT_BYTES: usize = 16;
const FIRST_BYTES: usize = FIRST_SALT_BYTES + PADDED_BYTES;

impl SealedHash {
    /// Encrypts a hash with an id.
    pub fn seal(hash: &PairHash, id: RegistrationId, rng: &mut impl CryptoRng) -> Self {
        let nonce: [u8; NONCE_BYTES] = rng.random();
        let mut padded = Zeroizing::new([0; PADDED_BYTES]);
        padded[..hash.as_str().len()].copy_from_slice(hash.as_str().as_bytes());
        let key = ChatKey::of(hash);
        let payload = Payload {
            msg: &padded[..],
            aad: key.as_bytes(),
        };
        let sealed = cipher(id)
            .encrypt(&XNonce::from(nonce), payload)
            .expect("64 bytes are far below the cipher's bound");
        Self([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Decrypts it; `None` when the id or the chat is another.
    pub fn open(&self, id: RegistrationId, key: ChatKey) -> Option<PairHash> {
        let padded = match self.0.len() {
            FIRST_BYTES => self.open_first(id),
            _ => self.open_sealed(id, key)?,
        };
        let text = std::str::from_utf8(&padded).ok()?;
        let hash = PairHash::parse(text.trim_end_matches('\0')).ok()?;
        (ChatKey::of(&hash) == key).then_some(hash)
    }

    fn open_sealed(&self, id: RegistrationId, key: ChatKey) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = self.0.split_first()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        if *version != VERSION {
            return None;
        }
        let payload = Payload {
            msg: sealed,
            aad: key.as_bytes(),
        };
        let padded = cipher(id).decrypt(&XNonce::from(*nonce), payload).ok()?;
        Some(Zeroizing::new(padded))
    }

    /// The format of 0.1.0. No chat has it 30 days after the last instance of that version has stopped.
    fn open_first(&self, id: RegistrationId) -> Zeroizing<Vec<u8>> {
        let (salt, sealed) = self.0.split_at(FIRST_SALT_BYTES);
        let block = |number: u8| -> [u8; 32] {
            let mac = Hmac::<Sha256>::new_from_slice(id.as_bytes());
            let mut mac = mac.expect("HMAC takes keys of any length");
            mac.update(salt);
            mac.update(&[number]);
            mac.finalize().into_bytes().into()
        };
        let pad = block(0).into_iter().chain(block(1));
        Zeroizing::new(sealed.iter().zip(pad).map(|(a, b)| a ^ b).collect())
    }

    /// As stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

debug_by_name!(SealedHash);

fn cipher(id: RegistrationId) -> XChaCha20Poly1305 {
    let key: [u8; 32] = Sha256::new()
        .chain_update("duet sealed hash v1")
        .chain_update(id.as_bytes())
        .finalize()
        .into();
    XChaCha20Poly1305::new(&Key::from(key))
}

#[cfg(test)]
mod tests {
    use uuid::{Uuid, uuid};

    use super::*;

    fn hash() -> PairHash {
        PairHash::parse("abc123").unwrap()
    }

    #[test]
    fn a_sealed_hash_opens_under_its_own_id_and_for_its_own_chat_alone() {
        let id = RegistrationId::new(Uuid::new_v4());
        let sealed = SealedHash::seal(&hash(), id, &mut rand::rng());
        let key = ChatKey::of(&hash());
        assert_eq!(sealed.open(id, key), Some(hash()));
        assert_eq!(sealed.open(RegistrationId::new(Uuid::new_v4()), key), None);
        let other = ChatKey::of(&PairHash::parse("abc124").unwrap());
        assert_eq!(sealed.open(id, other), None);
        assert!(!sealed.as_bytes().windows(6).any(|part| part == b"abc123"));
    }

    #[test]
    fn a_changed_or_cut_hash_does_not_open() {
        let id = RegistrationId::new(Uuid::new_v4());
        let sealed = SealedHash::seal(&hash(), id, &mut rand::rng());
        let key = ChatKey::of(&hash());
        for place in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[place] ^= 1;
            assert_eq!(SealedHash::from_bytes(bytes).open(id, key), None);
            let cut = sealed.as_bytes()[..place].to_vec();
            assert_eq!(SealedHash::from_bytes(cut).open(id, key), None);
        }
    }

    #[test]
    fn a_hash_that_0_1_0_sealed_opens() {
        let id = RegistrationId::new(uuid!("0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11"));
        let stored = concat!(
            "000102030405060708090a0b0c0d0e0f689f10ce63ae9a9ee5b028a1f23b1bd2a19a578727ee64dd",
            "1439f10d74a1bd6d223d6a4a01ef8a87fd56668cd88d09bbd0db6912b888e9f8c60562b82bcdde6f",
        );
        let bytes = (0..stored.len()).step_by(2);
        let bytes = bytes.map(|place| u8::from_str_radix(&stored[place..place + 2], 16).unwrap());
        let sealed = SealedHash::from_bytes(bytes.collect());
        let key = ChatKey::of(&hash());
        assert_eq!(sealed.open(id, key), Some(hash()));
        assert_eq!(sealed.open(RegistrationId::new(Uuid::new_v4()), key), None);
    }
}
