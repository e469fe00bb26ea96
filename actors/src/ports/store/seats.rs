//! Seats: sessions, logins, codes and asks.

use std::time::Duration;

use async_trait::async_trait;

use super::{BatchResult, StoreError};
use crate::{
    domain::{
        AskRef, Caller, ChatKey, CodeDigest, Device, Seat, SecretDigest, Seq, SessionId, Timestamp,
        UserName,
    },
    ports::{Access, AnswerOutcome, AskAnswer, NewAsk, Replaced, StoredAsk},
};

/// Sessions, logins, codes and asks.
#[async_trait]
pub trait Seats: Send + Sync + 'static {
    /// Checks many sessions in one statement; for a live one, the `seq` of its chat's last message.
    async fn check_sessions(&self, callers: &[Caller]) -> BatchResult<Access<Seq>>;

    /// Makes a session, if the proof is valid or the seat is free, and names the seat where the claim does. Of concurrent
    /// claims of a free seat exactly one wins.
    async fn take_seat(&self, claim: Claim) -> Result<Access<Claimed>, StoreError>;

    /// Ends a session of the caller's seat; `false` when there is no such session.
    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError>;

    /// Replaces the return code of the caller's seat, and ends the seat's device code and unused asks.
    async fn set_return_code(&self, by: Caller, code: CodeDigest)
    -> Result<Access<()>, StoreError>;

    /// Replaces the device code of the caller's seat. It can be used once, within `valid` and while the caller's
    /// session is alive. Returns when it lapses.
    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError>;

    /// Records an ask, and ends an open one for the same seat.
    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Access<()>, StoreError>;

    /// An ask by its secret; `None` when it does not exist or was deleted long after it ended.
    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Access<Option<StoredAsk>>, StoreError>;

    /// Answers an ask. Allowing it ends the seat's sessions, codes and other asks, whose digests are kept for
    /// [`replaced`](Self::replaced). An allowed ask can be used while the caller's session is alive.
    async fn answer(
        &self,
        by: Caller,
        ask_ref: AskRef,
        answer: AskAnswer,
    ) -> Result<Access<AnswerOutcome>, StoreError>;

    /// Whether a token, return code or device code stopped working because somebody else was let in at its seat.
    /// Known for the life of the chat.
    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError>;
}

/// A claim of a seat.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The chat.
    pub key: ChatKey,
    /// The seat.
    pub seat: Seat,
    /// The name that the seat gets with the session. It must have none yet.
    pub new_name: Option<UserName>,
    /// Required when the seat is taken.
    pub proof: Option<Proof>,
    /// The session to make.
    pub session: NewSession,
    /// The return code to set when the seat is first taken, or taken over.
    pub return_code: CodeDigest,
    /// The most sessions of a seat; the longest unused ones are ended to make room.
    pub sessions_max: usize,
}

/// A session to make.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its public id.
    pub id: SessionId,
    /// The digest of its token.
    pub digest: SecretDigest,
    /// The digest of the login's idempotency key. While the session it made is unused, repeating the login replaces
    /// that session's token, and the return code that it set.
    pub login: Option<SecretDigest>,
    /// The device it logs in with.
    pub device: Device,
}

/// What lets somebody in at a seat that is taken.
#[derive(Debug, Clone, Copy)]
pub enum Proof {
    /// The seat's return code.
    ReturnCode(CodeDigest),
    /// The seat's device code; works once.
    DeviceCode(CodeDigest),
    /// The secret of an allowed ask; works once.
    Ask(SecretDigest),
}

/// The outcome of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The session was made.
    Seated {
        /// Whether the claim's return code was set.
        code_set: bool,
    },
    /// The claim has a name for the seat, which has one already.
    NamedBefore,
    /// The seat is taken, and there was no proof.
    Taken {
        /// When somebody else was last let in there.
        replaced_at: Option<Timestamp>,
    },
    /// The proof is wrong, used or lapsed.
    WrongProof {
        /// When it stopped working because somebody else was let in.
        replaced_at: Option<Timestamp>,
    },
}

/// One of the sessions of a caller's seat.
#[derive(Debug, Clone, Copy)]
pub enum SessionChoice {
    /// The caller's own.
    Own,
    /// By its public id.
    Id(SessionId),
}
