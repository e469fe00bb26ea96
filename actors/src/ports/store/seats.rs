//! Seats: who sits there, with which sessions, and what lets somebody in.

use std::time::Duration;

use async_trait::async_trait;

use super::{Each, StoreError};
use crate::{
    domain::{
        AskWord, Caller, ChatKey, CodeDigest, Device, Seat, SecretDigest, Seq, SessionId, Timestamp,
    },
    ports::{Access, Answered, AskFound, Lookup, NewAsk, Replaced, Verdict},
};

/// Who may speak in the chats.
#[async_trait]
pub trait Seats: Send + Sync + 'static {
    /// Which of many sessions are alive, in one statement, and the `seq` of the last message of
    /// their chats.
    async fn check_sessions(&self, callers: &[Caller]) -> Each<Access<Seq>>;

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
