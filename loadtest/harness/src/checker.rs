//! The checker: what every acknowledgement, stream and history said, and whether it all agrees.
//!
//! A [`Ledger`] only writes down while a run lasts, so that it costs little; [`Ledger::verdict`] judges at the end. The
//! promises it judges by:
//!
//! - what was acknowledged is seen in every [`View`], under the acknowledged `seq`, with the text that was sent;
//! - what one person was shown, both are shown, even if its acknowledgement never arrived (the sender may have given up
//!   on it, yet it is stored);
//! - each view shows each message once, in ascending `seq`, with no number left out.
//!
//! Only fingerprints of texts are kept: a run of a million messages of 16 KiB must not need 16 GiB to be checked.

mod chat;
mod verdict;

use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use chat::{Chat, Fact};
pub use verdict::Verdict;

/// One of the two places in a chat.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "u8", into = "u8")]
pub enum Seat {
    /// Seat 1, of the one who made the chat.
    One,
    /// Seat 2.
    Two,
}

impl Seat {
    /// Both seats, in order.
    pub const BOTH: [Self; 2] = [Self::One, Self::Two];

    /// The other person's seat.
    pub fn other(self) -> Self {
        match self {
            Self::One => Self::Two,
            Self::Two => Self::One,
        }
    }
}

impl TryFrom<u8> for Seat {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err(format!("there is no seat {number}")),
        }
    }
}

impl From<Seat> for u8 {
    fn from(seat: Seat) -> Self {
        match seat {
            Seat::One => 1,
            Seat::Two => 2,
        }
    }
}

/// A place where messages are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The stream of the person in this seat.
    Stream(Seat),
    /// `GET …/messages`, read from the beginning to the end once.
    History,
}

impl View {
    /// Everything a chat can be seen by.
    pub const ALL: [Self; 3] = [
        Self::Stream(Seat::One),
        Self::Stream(Seat::Two),
        Self::History,
    ];

    fn index(self) -> usize {
        match self {
            Self::Stream(Seat::One) => 0,
            Self::Stream(Seat::Two) => 1,
            Self::History => 2,
        }
    }
}

/// What was acknowledged and what was seen, chat by chat. Chats are numbered from 0 by whoever drives them; all methods
/// panic on a number that the ledger was not made for.
#[derive(Debug)]
pub struct Ledger {
    chats: Vec<Mutex<Chat>>,
    required: Vec<View>,
}

impl Ledger {
    /// A ledger for this many chats, whose messages must be seen in all three views.
    pub fn new(chats: usize) -> Self {
        Self::requiring(chats, &View::ALL)
    }

    /// A ledger that requires the given views alone: a test that opens no stream at seat 2 leaves that one out. What is
    /// written down for other views is judged for order, repeats and texts, but nothing has to be there.
    pub fn requiring(chats: usize, views: &[View]) -> Self {
        Self {
            chats: (0..chats).map(|_| Mutex::default()).collect(),
            required: views.to_vec(),
        }
    }

    /// Says that a view begins behind this `seq`: a stream that was opened at the present of a chat with a past.
    pub fn begins_after(&self, chat: usize, view: View, seq: u64) {
        self.chat(chat).begins_after(view, seq);
    }

    /// A send was answered with success.
    pub fn acknowledged(&self, chat: usize, seq: u64, id: Uuid, text: &str) {
        self.chat(chat).acknowledged(Fact::new(seq, id, text));
    }

    /// A message arrived on the stream of the person in `seat`.
    pub fn delivered(&self, chat: usize, seat: Seat, seq: u64, id: Uuid, text: &str) {
        self.chat(chat)
            .seen(View::Stream(seat), Fact::new(seq, id, text));
    }

    /// A message stood in the history, which is read from the beginning to the end once.
    pub fn remembered(&self, chat: usize, seq: u64, id: Uuid, text: &str) {
        self.chat(chat)
            .seen(View::History, Fact::new(seq, id, text));
    }

    /// The history could not be read: nothing can be said of what is in it.
    pub fn unread(&self, chat: usize, why: impl ToString) {
        self.chat(chat).unread(why.to_string());
    }

    /// How many appearances on required streams are still to come, judged by `seq` alone and cheap enough to ask
    /// often: wait for zero (with a deadline) before reading the history and asking for the verdict.
    pub fn outstanding(&self) -> u64 {
        (0..self.chats.len())
            .map(|chat| self.chat(chat).outstanding(&self.required))
            .sum()
    }

    /// Judges everything written down so far.
    pub fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        for chat in 0..self.chats.len() {
            self.chat(chat).judge(chat, &self.required, &mut verdict);
        }
        verdict
    }

    fn chat(&self, chat: usize) -> MutexGuard<'_, Chat> {
        // A test that panicked elsewhere must not hide its own message behind a poisoned lock here.
        self.chats[chat]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
