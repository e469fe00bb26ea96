//! Chats: made, found, ended.

use std::time::Duration;

use async_trait::async_trait;

use super::{Each, StoreError};
use crate::{
    domain::{Chat, ChatKey, Encryption, Lifetime, SealedHash, SecretDigest, Timestamp, UserName},
    ports::{By, Lookup, Position},
};

/// Which chats there are, and on which part of the store.
#[async_trait]
pub trait Chats: Send + Sync + 'static {
    /// In how many parts the store can fail. Whoever asks for many chats at once asks for those of one
    /// partition together, so that nobody waits for another part, which may be out of reach.
    fn partitions(&self) -> usize {
        1
    }

    /// Which partition a chat is in, below [`partitions`](Self::partitions).
    fn partition(&self, key: ChatKey) -> usize {
        let _ = key;
        0
    }

    /// Whether a new chat may get this key, which the server has made itself: it makes another one
    /// otherwise. With the digest of the registration's `id`, where there is one.
    fn suits(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        let _ = (key, registration);
        true
    }

    /// Whether a registration with this `id`, which the server has made itself, can be carried out now:
    /// it makes another one otherwise.
    fn suits_id(&self, registration: &SecretDigest) -> bool {
        let _ = registration;
        true
    }

    /// Keeps a key free for a registration for a while; false when it was used before.
    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError>;

    /// Makes a chat, or finds the one that the same registration made before.
    async fn register(&self, new: NewChat) -> Result<Registered, StoreError>;

    /// Names seat 2, once. False when it has a name.
    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Lookup<bool>, StoreError>;

    /// Whether there is such a chat.
    async fn status(&self, key: ChatKey) -> Result<Lookup<()>, StoreError>;

    /// A chat with its seats, its sessions and those who wait to be let in.
    async fn load(&self, key: ChatKey) -> Result<Lookup<Chat>, StoreError>;

    /// How far many chats are, in one statement; `None` where there is no living chat.
    async fn positions(&self, keys: &[ChatKey]) -> Each<Option<Position>>;

    /// Ends a chat: when this returns nothing of it can be read any more.
    async fn end(&self, by: By) -> Result<Ending, StoreError>;
}

/// A chat to be made.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Its key.
    pub key: ChatKey,
    /// Whether the server has just made the key at random, so that no other chat can have it.
    pub fresh_key: bool,
    /// The first person's name.
    pub name_one: UserName,
    /// The second person's, where the first one chooses it.
    pub name_two: Option<UserName>,
    /// How long it lives from now.
    pub lifetime: Lifetime,
    /// What the same registration is recognised by, and the link only it can open.
    pub registration: Option<(SecretDigest, SealedHash)>,
    /// Whether the key must have been reserved.
    pub must_be_reserved: bool,
    /// Whether its texts are sealed, and what proves having its whole link.
    pub encryption: Option<Encryption>,
}

impl NewChat {
    /// Whether a chat was registered with the same names: `two` is what the second person is called
    /// by now, `both_named` whether the registration said so. Where that is not known (`None`) the
    /// second name must be the same now.
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

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The chat was made.
    Made {
        /// When it goes by itself.
        expires_at: Timestamp,
    },
    /// The same registration made this living chat before.
    Before {
        /// Its key.
        key: ChatKey,
        /// Its link.
        sealed: SealedHash,
        /// When it goes by itself.
        expires_at: Timestamp,
        /// Whether the names are the same as well.
        same_names: bool,
        /// How it is encrypted.
        encryption: Option<Encryption>,
    },
    /// The key is in use or was used before.
    Taken,
    /// The key was not reserved, and had to be.
    NotReserved,
    /// Nothing was made: the part of the store is out of reach that this key or this registration's
    /// `id` belongs to. With others it may be done now.
    PartAway,
}

/// What became of ending a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is over from now on.
    Ended,
    /// It was over already.
    Before,
    /// It lives on: the session is dead that wanted to end it.
    NoSession,
    /// There is no such chat.
    Missing,
}
