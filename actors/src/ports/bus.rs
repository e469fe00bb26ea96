use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use uuid::Uuid;

use super::Inbox;
use crate::domain::{BySeat, ChatKey, Marks, Message, Seat, SeatChange, Timestamp};

/// The courier between instances. It may lose anything: whatever it loses is found again in the
/// store, after it has reported the loss to the [`Inbox`].
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Asks for a chat's notices. When this returns, everything published from now on by another
    /// instance will be delivered or reported as missed.
    ///
    /// # Errors
    /// [`BusError`] when the bus is out of reach; it will then be subscribed, and reported as
    /// missed, when it is back.
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError>;

    /// Ends a subscription.
    fn unsubscribe(&self, key: ChatKey);

    /// Tells every other instance that has subscribed. Returns at once; notices of one chat
    /// arrive in the order in which they were published.
    fn publish(&self, key: ChatKey, notice: Notice);

    /// Makes known at which seats of a chat this instance has a stream open.
    fn set_open(&self, key: ChatKey, open: BySeat<bool>);

    /// At which seats of a chat any other instance has a stream open.
    ///
    /// # Errors
    /// [`BusError`] while the bus cannot say.
    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError>;

    /// A chat is over: ends its subscription, and leaves nothing about it on the bus, whichever
    /// instance it came from.
    fn forget(&self, key: ChatKey);

    /// Names where to put what arrives; called once, before the first subscription.
    fn listen(&self, inbox: Inbox);

    /// Tells every other instance that this one is gone, so that nobody has to find out; the last
    /// thing it says.
    async fn leave(&self);

    /// Whether the bus answers.
    ///
    /// # Errors
    /// [`BusError`] when it does not.
    async fn ping(&self) -> Result<(), BusError>;

    /// Whether a chat's notices cross, as far as can be told without asking.
    fn state(&self, key: ChatKey) -> BusState;

    /// Whether the notices of all chats cross.
    fn is_up(&self) -> bool;

    /// Which instances are heard; `None` where there can be no others.
    fn roll_call(&self) -> Option<RollCall> {
        None
    }
}

/// Whether notices cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusState {
    /// They do.
    Up,
    /// Perhaps they do not: the store is asked for news, to be sure.
    Doubtful,
    /// They do not. Nobody can say who is there, and nothing is waited for.
    Away,
}

/// Which instances an instance hears through its bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollCall {
    /// Its own name, by which the others know it.
    pub own: Uuid,
    /// Where it listens, for people to read.
    pub address: String,
    /// The others that it hears.
    pub heard: HashSet<Uuid>,
    /// Whether the bus knows of all of them who is at them. One that has lost its memory learns it again.
    pub is_complete: bool,
}

/// What one instance tells the others about a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A message was stored.
    Message(Arc<Message>),
    /// Somebody is writing.
    Typing(Seat),
    /// A seat's marks moved.
    Marks(Seat, Marks),
    /// Somebody came or went.
    Presence {
        /// Whose presence changed.
        seat: Seat,
        /// Whether a stream of theirs is open on the publishing instance.
        online: bool,
        /// When their last stream there closed.
        last_seen: Option<Timestamp>,
    },
    /// Something about a seat changed: names, sessions and asks are to be read again.
    Seat(Seat, SeatChange),
    /// A session ended without its seat being left.
    Sessions,
    /// The chat is over.
    Ended {
        /// Who ended it; `None` when it expired.
        by: Option<Seat>,
    },
}

/// The bus is out of reach: why, for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the bus is out of reach: {0}")]
pub struct BusError(pub String);
