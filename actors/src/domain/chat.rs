use std::{fmt, time::Duration};

use rand::{Rng, RngExt};
use uuid::Uuid;

use super::{
    AskWord, BySeat, ChatKey, Device, Encryption, Invalid, Seat, SecretDigest, Seq, Timestamp,
    UserName,
};

/// How long a chat lives, fixed when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime(Duration);

impl Lifetime {
    /// From whole hours, 1 to 720.
    ///
    /// # Errors
    /// [`Invalid`] outside of that.
    pub fn from_hours(hours: i64) -> Result<Self, Invalid> {
        match u64::try_from(hours) {
            Ok(hours @ 1..=720) => Ok(Self(Duration::from_secs(hours * 3600))),
            _ => Err(Invalid("A chat lives for 1 to 720 hours.")),
        }
    }

    /// Any length: the store's suite lets chats expire within moments.
    #[cfg(feature = "testing")]
    pub fn of(duration: Duration) -> Self {
        Self(duration)
    }

    /// The length.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// A chat as the store knows it, messages aside.
#[derive(Debug, Clone)]
pub struct Chat {
    /// Its name inside the system.
    pub key: ChatKey,
    /// When it goes by itself, by the store's clock.
    pub expires_at: Timestamp,
    /// The `seq` of its last message.
    pub last_seq: Seq,
    /// Goes up with every change of its names, seats, sessions and asks.
    pub revision: u64,
    /// Whether its texts are sealed, and what proves having its whole link.
    pub encryption: Option<Encryption>,
    /// The two places.
    pub seats: BySeat<SeatState>,
    /// Who is logged in, at either seat.
    pub sessions: Vec<Session>,
    /// Who waits to be let in.
    pub asks: Vec<Ask>,
}

/// What the store knows of one seat.
#[derive(Debug, Clone, Default)]
pub struct SeatState {
    /// Seat 2 may be unnamed for a while.
    pub name: Option<UserName>,
    /// Whether somebody has ever sat down here.
    pub taken: bool,
    /// When somebody first sat down here; `None` also where an earlier version let them in.
    pub joined_at: Option<Timestamp>,
    /// What its owner has received and seen.
    pub marks: Marks,
    /// When its last stream closed.
    pub last_seen: Option<Timestamp>,
    /// When somebody else was last let in here, which ended all that was known of it before.
    pub replaced_at: Option<Timestamp>,
}

/// A seat's high-water marks; they never move back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Everything up to here reached one of the seat's browsers.
    pub delivered: Seq,
    /// Everything up to here stood in a visible page.
    pub read: Seq,
}

impl Marks {
    /// Moves both marks forward, never back.
    pub fn raise(&mut self, to: Marks) {
        self.read = self.read.max(to.read);
        self.delivered = self.delivered.max(to.delivered).max(self.read);
    }
}

/// What one logged-in browser is called where its owner sees the list.
pub type SessionId = Uuid;

/// One logged-in browser or client.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its name in the owner's list.
    pub id: SessionId,
    /// Where it sits.
    pub seat: Seat,
    /// What it proves itself with.
    pub digest: SecretDigest,
    /// What it logged in with.
    pub device: Device,
    /// When it logged in.
    pub since: Timestamp,
    /// When it was last used, to the minute; `None` until then.
    pub last_seen: Option<Timestamp>,
}

/// A session that asks for something in its chat, as its token proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The chat.
    pub key: ChatKey,
    /// Where it sits.
    pub seat: Seat,
    /// The digest of its token.
    pub session: SecretDigest,
}

/// Somebody without a code who waits at the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Its name, as the people in the chat see it.
    pub word: AskWord,
    /// The seat that is wished for.
    pub seat: Seat,
    /// What the asker sees as well.
    pub number: AskNumber,
    /// Until when it waits for an answer, by the store's clock: for people to read. No instance's
    /// clock is compared with it.
    pub expires_at: Timestamp,
    /// How long it had left when the store was read.
    pub left: Duration,
}

/// Two digits that the asker and both people in the chat see, so that they can tell one ask from
/// another: 10 to 99.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    /// From the store's column; two digits of whatever is there.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_never_move_back_and_what_is_read_was_delivered() {
        let mut marks = Marks {
            delivered: 5,
            read: 2,
        };
        marks.raise(Marks {
            delivered: 3,
            read: 7,
        });
        assert_eq!(
            marks,
            Marks {
                delivered: 7,
                read: 7
            }
        );
        marks.raise(Marks {
            delivered: 1,
            read: 1,
        });
        assert_eq!(
            marks,
            Marks {
                delivered: 7,
                read: 7
            }
        );
    }
}
