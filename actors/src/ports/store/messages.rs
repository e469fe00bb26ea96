//! Messages: appended, read, and how far they were read.

use async_trait::async_trait;

use super::StoreError;
use crate::{
    domain::{Caller, ChatKey, Draft, Marks, Page, Seat, Seq, SessionId, Timestamp},
    ports::{Access, By, HistoryPage},
};

/// What is said in the chats.
#[async_trait]
pub trait Messages: Send + Sync + 'static {
    /// How many [`append`](Self::append) calls are worth having in flight at once for the chats of one
    /// partition.
    fn lanes(&self) -> usize;

    /// Places drafts, in the order given, in one transaction with one commit; an outcome for each.
    /// An id that a seat has used before is not stored again.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when one of the drafts cannot be stored at all; nothing of the
    /// batch was then stored, and the caller finds the guilty one by splitting.
    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError>;

    /// The same for drafts of one chat, and waits a while for it where `append` answers
    /// [`Appended::Locked`].
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

    /// A page of the history, ascending, of at most `limit` messages; fewer where their texts are
    /// long. No more than one page is read, however long they are: [`HistoryPage::read`].
    async fn history(
        &self,
        by: By,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError>;

    /// Writes down what may be a moment late. Marks and times only move forward; marks of a
    /// session that has ended are let pass.
    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError>;
}

/// How much one chat may hold.
#[derive(Debug, Clone, Copy)]
pub struct ChatRoom {
    /// Its messages.
    pub messages_max: u64,
    /// The UTF-8 bytes of its texts. A chat that has fewer takes one more message, of any length.
    pub bytes_max: u64,
}

/// What became of one draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It has its place.
    Stored {
        /// The place.
        seq: Seq,
        /// The store's clock.
        at: Timestamp,
    },
    /// It was there already, with the same text.
    Before {
        /// The place it got then.
        seq: Seq,
        /// The store's clock then.
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
    /// Somebody else holds the chat for the moment; nothing is stored, nor was anything waited for.
    Locked,
}

/// Something that may reach the store a moment late, or, after a crash, not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeferredWrite {
    /// A session moved its seat's marks.
    Marks(Caller, Marks),
    /// A seat's last stream closed.
    LastSeen(Seat, Timestamp),
    /// A session was used.
    Used(SessionId, Timestamp),
}
