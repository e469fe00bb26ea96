//! Appending and reading messages.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    domain::{ChatKey, Draft, Marks, Page, Seat, Seq, SessionId, Timestamp},
    ports::{Access, HistoryPage, Principal},
};

/// Appending and reading messages.
#[async_trait]
pub trait Messages: Send + Sync + 'static {
    /// The best number of concurrent [`append`](Self::append) calls per partition.
    fn lanes(&self) -> usize;

    /// Stores drafts in this order, in one transaction; returns an outcome for each. An id that the seat has used
    /// before is not stored again.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when one of the drafts can never be stored. Nothing of the batch was stored then, and
    /// the caller finds the offending draft by splitting the batch.
    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError>;

    /// The same for drafts of one chat, but waits for the lock where `append` returns [`Appended::Locked`].
    ///
    /// # Errors
    /// As [`append`](Self::append); [`StoreError::Unavailable`] when the chat stays locked.
    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        self.append(drafts, room).await
    }

    /// A page of history of at most `limit` messages, fewer where their texts are long. It must be built with
    /// [`HistoryPage::read`], which bounds the memory.
    async fn history(
        &self,
        by: Principal,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError>;

    /// Stores deferred writes. Marks and times only move forward; marks of a session that has ended are ignored.
    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError>;
}

/// The limits of one chat.
#[derive(Debug, Clone, Copy)]
pub struct ChatRoom {
    /// The number of its messages.
    pub messages_max: u64,
    /// The bytes of its texts. A chat below this takes one more message of any length.
    pub bytes_max: u64,
}

/// The outcome of one draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It was stored.
    Stored {
        /// Its sequence number.
        seq: Seq,
        /// When it was stored, by the store's clock.
        at: Timestamp,
    },
    /// The same message was stored before.
    Duplicate {
        /// The sequence number it got then.
        seq: Seq,
        /// When it was stored.
        at: Timestamp,
    },
    /// The seat has used this id with another text.
    OtherText,
    /// The sender's session is not alive.
    NoSession,
    /// The chat takes no more messages.
    Full,
    /// The chat is over.
    Ended,
    /// There is no such chat.
    Missing,
    /// The chat is locked by another transaction. Nothing was stored, and the lock was not waited for.
    Locked,
}

/// A write that may be a moment late, or lost in a crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeferredWrite {
    /// A session moved its seat's marks. It was checked then, and may have ended since.
    Marks(Seat, Marks),
    /// A seat's last stream closed.
    LastSeen(Seat, Timestamp),
    /// A session was used.
    Used(SessionId, Timestamp),
}
