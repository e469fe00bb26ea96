use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::{Invalid, SecretDigest};

/// The encryption of a chat, fixed when it is made. The server has no key. It recognises the chat's people by a proof
/// that is derived from the link's fragment, which is never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encryption {
    /// The digest of the [`LinkProof`] that naming, logins and asks require.
    pub auth: SecretDigest,
}

impl Encryption {
    /// The only format, as the wire and the store write it.
    pub const VERSION: &str = "v1";

    /// Checks a format's name.
    ///
    /// # Errors
    /// [`Invalid`] for a format that this server does not know.
    pub fn check_version(text: &str) -> Result<(), Invalid> {
        match text {
            Self::VERSION => Ok(()),
            _ => Err(Invalid(
                "The only encryption is \"v1\". Leave it out for a chat that is not encrypted.",
            )),
        }
    }
}

/// Proof of having the whole link of an encrypted chat: 32 bytes in base64url.
#[derive(Clone)]
pub struct LinkProof([u8; 32]);

impl LinkProof {
    /// Parses a proof.
    ///
    /// # Errors
    /// [`Invalid`] for anything but 32 bytes of base64url.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let decoded = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).ok();
        let bytes = decoded.and_then(|bytes| bytes.as_slice().try_into().ok());
        bytes.map(Self).ok_or(Invalid(
            "This is not the proof of a link: 32 bytes as 43 characters of base64url.",
        ))
    }

    /// The digest that is stored. 256 pseudorandom bits need no slow hash.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::from_bytes(Sha256::digest(self.0).into())
    }
}

impl Drop for LinkProof {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

debug_by_name!(LinkProof);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_32_bytes_in_one_spelling() {
        let good = "GaSrUu7JBw96sWnT4m4khgxuV4oi8f7dDJmuEk4LNs0";
        let digest = LinkProof::parse(good).unwrap().digest();
        assert_eq!(digest, LinkProof::parse(good).unwrap().digest());
        for bad in ["", "abc", &good[1..], &good.replace("s0", "s1")] {
            assert!(LinkProof::parse(bad).is_err(), "{bad:?}");
        }
    }
}
