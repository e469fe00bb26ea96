use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Access, Answered, AskFound, By, HistoryPage, Lookup, NewAsk, Position, Replaced, Verdict,
};
use crate::domain::{
    AskWord, Caller, Chat, ChatKey, CodeDigest, Device, Draft, Encryption, Lifetime, Marks, Page,
    SealedHash, Seat, SecretDigest, Seq, SessionId, Timestamp, UserName,
};

/// What lasts. Every method is atomic across all instances, and what it has answered survives
/// the loss of any process. All time is the store's own clock. Methods that concern one chat
/// name it by its key and touch no other chat's rows.
///
/// The store decides who may do what: a method that takes a [`Caller`](crate::domain::Caller) or
/// [`By`] looks whether the session is alive in the same statement or transaction that reads or
/// changes something, and a dead session reads and changes nothing.
///
/// Every method fails with [`StoreError`] alone; what a person may do about an outcome is part
/// of the answer.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// How many [`append`](Self::append) calls are worth having in flight at once for the chats of one
    /// partition.
    fn lanes(&self) -> usize;

    /// In how many parts the store can fail. Whoever asks for many chats at once asks for those of one
    /// partition together, so that a part which is out of reach fails nobody else's question.
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

    /// What of the store is out of reach while the rest of it answers.
    fn away(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the store does what it promises: it writes something, and says that it is on the disk.
    async fn ping(&self) -> Result<(), StoreError>;

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

    /// Which of many sessions are alive, in one statement and in the order asked for, and the
    /// `seq` of the last message of their chats.
    async fn check_sessions(&self, callers: &[Caller]) -> Result<Vec<Access<Seq>>, StoreError>;

    /// How far many chats are, in one statement and in the order asked for; `None` where there is
    /// no living chat.
    async fn positions(&self, keys: &[ChatKey]) -> Result<Vec<Option<Position>>, StoreError>;

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

    /// Seats somebody, if the proof is right or the seat is free. Exactly one of many racing
    /// first claims wins.
    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError>;

    /// Ends a session of the caller's seat; false when there is none such.
    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError>;

    /// Replaces the return code of the caller's seat. The seat's device code and its asks that were
    /// not used end with the old one.
    async fn set_return_code(&self, by: Caller, code: CodeDigest)
    -> Result<Access<()>, StoreError>;

    /// Replaces the device code of the caller's seat, good once, for `valid` and while the caller's
    /// session lives; answers when it lapses.
    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError>;

    /// Records that somebody asks to be let in, and ends the ask that was open for the same seat.
    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Lookup<()>, StoreError>;

    /// How an ask stands; `None` when there never was one, or it is long over.
    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<AskFound>, StoreError>;

    /// Answers an ask. Allowing it ends the seat's sessions, codes and other asks, and remembers
    /// for [`replaced`](Self::replaced) what they were. What the caller allowed is good while the
    /// caller's session lives.
    async fn answer(
        &self,
        by: Caller,
        word: AskWord,
        verdict: Verdict,
    ) -> Result<Access<Answered>, StoreError>;

    /// What became of a token, return code or device code that ended because somebody else was let
    /// in at its seat; `None` for every other. Known for as long as the chat lives.
    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError>;

    /// Writes down what may be a moment late. Marks and times only move forward; marks of a
    /// session that has ended are let pass.
    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError>;

    /// Ends a chat: when this returns nothing of it can be read any more.
    async fn end(&self, by: By) -> Result<Ending, StoreError>;

    /// Ends up to `limit` chats whose time is over, and says which.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError>;

    /// Deletes up to `limit` rows of what is over: messages of ended chats, lapsed reservations,
    /// codes and wishes, tombstones older than `tombstone_life`. Answers how many there were.
    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError>;

    /// Writes down that an instance lives, and answers which others do. Where one process alone can
    /// use the store there are none.
    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        let _ = (own, bus_address);
        Ok(Vec::new())
    }

    /// How many chats live.
    async fn count_chats(&self) -> Result<u64, StoreError>;
}

/// Another instance on the same store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The name of its boot, which it has on the bus as well.
    pub boot: Uuid,
    /// Where it listens for the others.
    pub bus_address: String,
    /// How often it has written down that it lives.
    pub beats: u64,
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

/// A chat to be made.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Its key.
    pub key: ChatKey,
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

/// Somebody who wants to sit down.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where.
    pub key: ChatKey,
    /// Where.
    pub seat: Seat,
    /// What lets them in when the seat is taken.
    pub proof: Option<Proof>,
    /// The session to be made.
    pub session: NewSession,
    /// The return code to be set when the seat is first taken, or taken over.
    pub return_code: CodeDigest,
    /// How many sessions a seat may have; the longest unused ones make room.
    pub sessions_max: usize,
}

/// A session to be made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its name in the owner's list.
    pub id: SessionId,
    /// The digest of its token.
    pub digest: SecretDigest,
    /// What the same login is recognised by: while the session it made is unused, the same again
    /// replaces that session's token and the return code it set.
    pub login: Option<SecretDigest>,
    /// What it logs in with.
    pub device: Device,
}

/// What lets somebody in at a seat that is taken.
#[derive(Debug, Clone, Copy)]
pub enum Proof {
    /// The seat's return code.
    ReturnCode(CodeDigest),
    /// The seat's device code; good once.
    DeviceCode(CodeDigest),
    /// A wish that was allowed; good once.
    Ask(SecretDigest),
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// They sit.
    Sat {
        /// Whether the claim's return code is now the seat's.
        code_set: bool,
    },
    /// The seat is taken, and no proof came.
    Taken {
        /// When somebody else was last let in there.
        replaced_at: Option<Timestamp>,
    },
    /// The proof is wrong, used or lapsed.
    WrongProof {
        /// When it stopped working, where that is because somebody else was let in.
        replaced_at: Option<Timestamp>,
    },
}

/// One of the sessions of a caller's seat.
#[derive(Debug, Clone, Copy)]
pub enum SessionChoice {
    /// The caller's.
    Own,
    /// By its name in the owner's list.
    Id(SessionId),
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
