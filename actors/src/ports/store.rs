//! The store: four traits, and [`Store`] for all of them together.

mod chats;
mod messages;
mod seats;
mod upkeep;

pub use chats::*;
pub use messages::*;
pub use seats::*;
pub use upkeep::*;

/// The durable store. Every method is atomic across all instances, and what it returned survives the loss of any
/// process. All times are by the store's clock, except when somebody was last seen and a session last used, which are
/// by the instance's. Methods about one chat take its key and touch no other chat's rows.
///
/// The store decides who may do what: a method that takes a [`Caller`](crate::domain::Caller) or [`Principal`](super::Principal)
/// checks that the session is alive in the same statement or transaction that reads or changes something. A dead
/// session reads and changes nothing.
///
/// [`StoreError`] is for failures only; outcomes that a person can act on are part of the result.
pub trait Store: Chats + Messages + Seats + Upkeep {}

impl<T: Chats + Messages + Seats + Upkeep> Store for T {}

/// The results of a call about many chats, in the order of the request. A partition that is unreachable fails its own
/// chats only.
pub type BatchResult<T> = Vec<Result<T, StoreError>>;

/// The results of a store that answers all or nothing; `asked` is their number.
pub fn batch_result<T>(asked: usize, answers: Result<Vec<T>, StoreError>) -> BatchResult<T> {
    match answers {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(failure) => vec![failure; asked].into_iter().map(Err).collect(),
    }
}

/// Why a call of the store failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store is unreachable or overloaded; the outcome may be unknown.
    #[error("the store is out of reach: {0}")]
    Unavailable(String),
    /// The store is full: it takes nothing that makes it grow. Ends and deletions still work.
    #[error("the store has no room: {0}")]
    NoRoom(String),
    /// The store will never accept this.
    #[error("the store refused: {0}")]
    Refused(String),
}
