//! Links of encrypted chats, with the part behind the `#`.

use std::fmt;

use actors::domain::PairHash;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// A link to an encrypted chat: `…/demo/chat/user/{hash}#v1.<secret>`.
pub struct Link {
    pub(super) hash: PairHash,
    pub(super) secret: Zeroizing<[u8; 32]>,
}

/// Why a text is not such a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The fragment is missing. It never reaches the server, so a link copied from a log has none.
    #[error("The link is incomplete. Use the whole link, with what follows the #.")]
    Incomplete,
    /// The link is malformed.
    #[error(
        "This is no link to an encrypted chat. It looks like \
         https://chat.example.org/demo/chat/user/7YxPQdR2kVw9mJt4HnZb3c#v1.<43 characters>."
    )]
    Malformed,
}

impl Link {
    /// Composes a link from its two secret parts.
    pub fn new(hash: PairHash, secret: [u8; 32]) -> Self {
        Self {
            hash,
            secret: Zeroizing::new(secret),
        }
    }

    /// Parses a link. Only the last segment of its path and its fragment up to the first `&` matter: the link for
    /// another device continues with a code and a name.
    ///
    /// # Errors
    /// [`LinkError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let (address, fragment) = text.trim().split_once('#').ok_or(LinkError::Incomplete)?;
        let hash = address.rsplit('/').next().unwrap_or_default();
        let secret = fragment.split('&').next().unwrap_or_default();
        let secret = secret.strip_prefix("v1.").ok_or(LinkError::Malformed)?;
        let decoded = URL_SAFE_NO_PAD.decode(secret).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| LinkError::Malformed)?;
        let secret = decoded.as_slice().try_into();
        Ok(Self {
            hash: PairHash::parse(hash).map_err(|_| LinkError::Malformed)?,
            secret: Zeroizing::new(secret.map_err(|_| LinkError::Malformed)?),
        })
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:?})", self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn a_link_is_read_with_any_address_before_its_hash() {
        for address in ["", "http://127.0.0.1:8080/demo/chat/user/", "/user/"] {
            let link = Link::parse(&format!(" {address}abc123#v1.{SECRET}\n")).unwrap();
            assert_eq!(link.hash.as_str(), "abc123");
            assert_eq!(link.secret[..3], [0, 1, 2]);
        }
    }

    #[test]
    fn the_link_for_another_device_is_a_link() {
        let link = format!("http://x/user/abc123#v1.{SECRET}&device=a-code&user=Anny");
        assert_eq!(Link::parse(&link).unwrap().secret[..3], [0, 1, 2]);
    }

    #[test]
    fn a_link_without_its_fragment_is_incomplete_and_others_are_malformed() {
        let error = |text: &str| Link::parse(text).unwrap_err();
        assert_eq!(
            error("http://x/demo/chat/user/abc123"),
            LinkError::Incomplete
        );
        for bad in [
            "abc123#".into(),
            format!("abc123#{SECRET}"),
            format!("abc123#v2.{SECRET}"),
            format!("abc123#v1.{}", &SECRET[1..]),
            format!("abc#v1.{SECRET}"),
            "abc123#v1.!".into(),
        ] {
            assert_eq!(error(&bad), LinkError::Malformed, "{bad}");
        }
    }
}
