//! What lasts: four traits, one for each kind of question, and [`Store`] for all of them together.

mod chats;
mod messages;
mod seats;
mod upkeep;

pub use chats::{Chats, Ending, NewChat, Registered};
pub use messages::{Appended, ChatRoom, DeferredWrite, Messages};
pub use seats::{Claim, Claimed, NewSession, Proof, Seats, SessionChoice};
pub use upkeep::{Peer, Upkeep};

/// What lasts. Every method is atomic across all instances, and what it has answered survives
/// the loss of any process. All time is the store's own clock, but for when somebody was last seen and
/// when a session was last used, which an instance notes by its own. Methods that concern one chat
/// name it by its key and touch no other chat's rows.
///
/// The store decides who may do what: a method that takes a [`Caller`](crate::domain::Caller) or
/// [`By`](super::By) looks whether the session is alive in the same statement or transaction that reads or
/// changes something, and a dead session reads and changes nothing.
///
/// Every method fails with [`StoreError`] alone; what a person may do about an outcome is part
/// of the answer.
pub trait Store: Chats + Messages + Seats + Upkeep {}

impl<T: Chats + Messages + Seats + Upkeep> Store for T {}

/// The answers of a call about many chats, in the order asked for: a part of the store that is out of
/// reach fails the questions about its own chats and no others.
pub type Each<T> = Vec<Result<T, StoreError>>;

/// The answers of a store that answers all questions of a call or none; `asked` is how many there were.
pub fn for_each<T>(asked: usize, answers: Result<Vec<T>, StoreError>) -> Each<T> {
    match answers {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(failure) => vec![failure; asked].into_iter().map(Err).collect(),
    }
}

/// Why the store did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It is out of reach or overloaded; the outcome may be unknown.
    #[error("the store is out of reach: {0}")]
    Unavailable(String),
    /// It takes nothing that makes it grow, until there is room again; ends and deletions it does.
    #[error("the store has no room: {0}")]
    NoRoom(String),
    /// It will never take this.
    #[error("the store refused: {0}")]
    Refused(String),
}
