use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Invalid, SecretDigest};

/// The encryption of a chat, fixed when it is made. The server has no key. It recognises the chat's people by a proof
/// that is derived from the link's fragment, which is never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encryption {
    /// The [`link_proof_digest`] that naming, logins and asks require.
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

/// The digest that is stored of the proof of having the whole link of an encrypted chat: 32 bytes in base64url. They are
/// pseudorandom, and need no slow hash.
///
/// # Errors
/// [`Invalid`] for anything but 32 bytes of base64url.
pub fn link_proof_digest(text: &str) -> Result<SecretDigest, Invalid> {
    match URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new) {
        Ok(proof) if proof.len() == 32 => {
            Ok(SecretDigest::from_bytes(Sha256::digest(&*proof).into()))
        }
        _ => Err(Invalid(
            "This is not the proof of a link: 32 bytes as 43 characters of base64url.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_32_bytes_in_one_spelling() {
        let good = "GaSrUu7JBw96sWnT4m4khgxuV4oi8f7dDJmuEk4LNs0";
        assert_eq!(link_proof_digest(good), link_proof_digest(good));
        assert!(link_proof_digest(good).is_ok());
        for bad in ["", "abc", &good[1..], &good.replace("s0", "s1")] {
            assert!(link_proof_digest(bad).is_err(), "{bad:?}");
        }
    }
}
