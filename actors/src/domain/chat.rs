use std::{fmt, time::Duration};

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AskRef, BySeat, ChatKey, Device, Encryption, Invalid, Position, Seat, SecretDigest, Timestamp,
    UserName,
};

/// How long a chat lives; fixed when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(Duration);

impl Lifetime {
    /// From hours, 1 to 720.
    ///
    /// # Errors
    /// [`Invalid`] outside that range.
    pub fn from_hours(hours: i64) -> Result<Self, Invalid> {
        match u64::try_from(hours) {
            Ok(hours @ 1..=720) => Ok(Self(Duration::from_secs(hours * 3600))),
            _ => Err(Invalid("A chat lives for 1 to 720 hours.")),
        }
    }

    /// Any length, for tests with chats that expire within moments.
    #[cfg(feature = "testing")]
    pub fn of(duration: Duration) -> Self {
        Self(duration)
    }

    /// The lifetime.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// A chat as the store has it, without its messages.
#[derive(Debug, Clone)]
pub struct Chat {
    /// Its key.
    pub key: ChatKey,
    /// When it expires, by the store's clock.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub position: Position,
    /// Set for an encrypted chat: what proves having its whole link.
    pub encryption: Option<Encryption>,
    /// Both seats.
    pub seats: BySeat<SeatState>,
    /// The live sessions of both seats.
    pub sessions: Vec<Session>,
    /// The asks that wait for an answer.
    pub asks: Vec<Ask>,
}

/// The stored state of a seat.
#[derive(Debug, Clone, Default)]
pub struct SeatState {
    /// `None` while the second person has not chosen a name.
    pub name: Option<UserName>,
    /// Whether somebody has ever logged in here.
    pub taken: bool,
    /// When somebody first logged in here; also `None` if that was under a version that did not store it.
    pub joined_at: Option<Timestamp>,
    /// When its last stream closed.
    pub last_seen: Option<Timestamp>,
    /// When somebody else was last let in here, which ended the sessions and codes from before.
    pub replaced_at: Option<Timestamp>,
}

/// The public id of a session, in the owner's list.
pub type SessionId = Uuid;

/// One logged-in browser or client.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its public id.
    pub id: SessionId,
    /// Its seat.
    pub seat: Seat,
    /// The digest of its token.
    pub digest: SecretDigest,
    /// The device that it logged in with.
    pub device: Device,
    /// When it logged in.
    pub since: Timestamp,
    /// When it was last used, to the minute; `None` until then.
    pub last_seen: Option<Timestamp>,
}

/// The session on whose behalf something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The chat.
    pub key: ChatKey,
    /// Its seat.
    pub seat: Seat,
    /// The digest of its token.
    pub session: SecretDigest,
}

/// An open ask: somebody without a code waits to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Its public id.
    pub ask_ref: AskRef,
    /// The seat asked for.
    pub seat: Seat,
    /// The number that the asker sees too.
    pub number: AskNumber,
    /// When it lapses, by the store's clock. Only for display: it is not compared with an instance's clock.
    pub expires_at: Timestamp,
    /// How long it had left when the store was read.
    pub left: Duration,
}

/// Two digits that the asker and both people in the chat see, so that they can tell one ask from
/// another: 10 to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskNumber(u8);

impl AskNumber {
    /// A random number that is none of `others`.
    pub fn generate(rng: &mut impl Rng, others: &[AskNumber]) -> Self {
        loop {
            let number = Self(rng.random_range(10..100));
            if !others.contains(&number) {
                return number;
            }
        }
    }

    /// From the store's column; only its last two digits count.
    pub fn from_store(number: i64) -> Self {
        Self(number.rem_euclid(100) as u8)
    }

    /// The number itself.
    pub fn get(self) -> u8 {
        self.0
    }
}

/// Always two digits.
impl fmt::Display for AskNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}
