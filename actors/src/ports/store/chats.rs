//! Making, finding and ending chats.

use std::time::Duration;

use async_trait::async_trait;

use super::{BatchResult, StoreError};
use crate::{
    domain::{
        Chat, ChatKey, Encryption, Lifetime, Position, SealedHash, SecretDigest, Timestamp,
        UserName,
    },
    ports::{Access, Principal},
};

/// Making, finding and ending chats.
#[async_trait]
pub trait Chats: Send + Sync + 'static {
    /// The number of partitions, which fail independently. A call about many chats should contain those of one
    /// partition only, so that it does not wait for another one that may be unreachable.
    fn partitions(&self) -> usize {
        1
    }

    /// The partition of a chat, below [`partitions`](Self::partitions).
    fn partition(&self, key: ChatKey) -> usize {
        let _ = key;
        0
    }

    /// Whether a new chat with this generated key, and this digest of the registration's `id` if any, would be in a
    /// reachable partition. Otherwise the server generates another key.
    fn accepts_key(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        let _ = (key, registration);
        true
    }

    /// Whether a registration with this generated `id` would be in a reachable partition. Otherwise the server
    /// generates another one.
    fn accepts_registration(&self, registration: &SecretDigest) -> bool {
        let _ = registration;
        true
    }

    /// Reserves a key for a while; `false` when it was used before.
    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError>;

    /// Makes a chat, or finds the one that the same registration made before.
    async fn register(&self, new: NewChat) -> Result<Registered, StoreError>;

    /// Names seat 2, once; `false` when it has a name already.
    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Access<bool>, StoreError>;

    /// Whether there is such a chat.
    async fn status(&self, key: ChatKey) -> Result<Access<()>, StoreError>;

    /// A chat with its seats, sessions and open asks.
    async fn load(&self, key: ChatKey) -> Result<Access<Chat>, StoreError>;

    /// The positions of many chats, in one statement; `None` for a chat that is not live.
    async fn positions(&self, keys: &[ChatKey]) -> BatchResult<Option<Position>>;

    /// Ends a chat, unless it had ended already. When this returns nothing of it can be read any more.
    async fn end(&self, by: Principal) -> Result<Access<()>, StoreError>;
}

/// A chat to be made.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Its key.
    pub key: ChatKey,
    /// Whether the key was just generated at random, so that no other chat can have it.
    pub fresh_key: bool,
    /// The first person's name.
    pub name_one: UserName,
    /// The second person's name, if the first one chooses it.
    pub name_two: Option<UserName>,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// The digest of the registration's id, and the link encrypted with the id.
    pub registration: Option<(SecretDigest, SealedHash)>,
    /// Whether the key must have been reserved.
    pub must_be_reserved: bool,
    /// Set for an encrypted chat: what proves having its whole link.
    pub encryption: Option<Encryption>,
}

impl NewChat {
    /// Whether an existing chat was registered with the same names. `two` is the second person's name now, and
    /// `both_named` whether the registration contained it; if that was not stored (`None`), the names are compared.
    pub fn same_names(
        &self,
        one: Option<&UserName>,
        two: Option<&UserName>,
        both_named: Option<bool>,
    ) -> bool {
        let same_two = match (both_named, &self.name_two) {
            (Some(false), None) => true,
            (Some(false), Some(_)) | (Some(true), None) => false,
            (Some(true) | None, name) => two == name.as_ref(),
        };
        one == Some(&self.name_one) && same_two
    }
}

/// The outcome of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The chat was made.
    Made {
        /// When it expires.
        expires_at: Timestamp,
    },
    /// The same registration made this live chat before.
    Duplicate {
        /// Its key.
        key: ChatKey,
        /// Its encrypted link.
        sealed: SealedHash,
        /// When it expires.
        expires_at: Timestamp,
        /// Whether it was registered with the same names.
        same_names: bool,
        /// How it is encrypted.
        encryption: Option<Encryption>,
    },
    /// The key is in use or was used before.
    Taken,
    /// The key was not reserved, but had to be.
    NotReserved,
    /// Nothing was made: the partition of this key or this registration's `id` is unreachable. Others may work.
    PartitionUnavailable,
}
