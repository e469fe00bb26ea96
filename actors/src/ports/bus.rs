use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

use super::Inbox;
use crate::domain::{BySeat, ChatKey, Notice};

/// Carries notices between instances. It may lose anything, but reports losses to the [`Inbox`], and the notices'
/// content is read from the store then.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Subscribes to a chat's notices. After this returns, everything that another instance publishes is delivered or
    /// reported as missed.
    ///
    /// # Errors
    /// [`BusError`] when the bus is unreachable. The chat is subscribed, and reported as missed, when it is back.
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError>;

    /// Ends a subscription.
    fn unsubscribe(&self, key: ChatKey);

    /// Publishes a notice to every other instance that has subscribed. Returns at once. Notices of one chat arrive in
    /// the order in which they were published.
    fn publish(&self, key: ChatKey, notice: Notice);

    /// Records at which seats of a chat this instance has a stream open.
    fn set_open(&self, key: ChatKey, open: BySeat<bool>);

    /// At which seats of a chat any other instance has a stream open.
    ///
    /// # Errors
    /// [`BusError`] while that is unknown.
    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError>;

    /// Ends a chat's subscription and deletes everything about it from the bus, of all instances: the chat is over.
    fn forget(&self, key: ChatKey);

    /// Sets where notices are delivered; called once, before the first subscription.
    fn listen(&self, inbox: Inbox);

    /// Tells every other instance that this one stops, so that they need not detect it. Called last.
    async fn leave(&self);

    /// Whether the bus answers.
    ///
    /// # Errors
    /// [`BusError`] when it does not.
    async fn ping(&self) -> Result<(), BusError>;

    /// Whether a chat's notices get through, as far as is known without asking.
    fn state(&self, key: ChatKey) -> BusState;

    /// The worst state of any chat's notices.
    fn worst_state(&self) -> BusState;

    /// Which instances are heard; `None` where there can be no others.
    fn membership(&self) -> Option<BusMembership> {
        None
    }
}

/// Whether notices get through, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BusState {
    /// They do.
    Up,
    /// Perhaps not: the store is polled as well.
    Doubtful,
    /// They do not. Presence is unknown, and nobody waits for the bus.
    Away,
}

/// Which instances an instance hears through its bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusMembership {
    /// Its own id.
    pub own: Uuid,
    /// The address of its bus, for logs.
    pub address: String,
    /// The ids of the others that it hears.
    pub heard: HashSet<Uuid>,
    /// Whether the bus has the presence of all of them. After it has lost its memory it takes a moment.
    pub is_complete: bool,
}

/// The bus is unreachable: why, for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the bus is out of reach: {0}")]
pub struct BusError(pub String);
