use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Activity, Ask, AskNumber, AskRef, BySeat, Marks, Message, Seat, Seq, Timestamp, UserName,
};

/// An event of a stream, in the order in which things happened.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "()")]
pub enum Event {
    /// The store has lost messages that were delivered: the state now, and the `seq` from which the stream goes on.
    Rewound(Arc<Hello>),
    /// The state of everything but the messages; replaces what the client knew.
    Hello(Arc<Hello>),
    /// Something happened, in a chat of these people.
    Notice(Notice, Arc<Names>),
    /// Not for clients: the stream's mailbox was full, so it must pull pages from the store and attach again.
    Behind,
    /// Not for clients: the instance drains, so the stream ends and its client reconnects elsewhere.
    Moved,
}

/// What happened in a chat, as streams and other instances are told. Its JSON is the format of the bus: instances of
/// other releases read it, so names stay, and a new field needs a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A message was stored.
    Message(Arc<Message>),
    /// Somebody is doing something. On the bus it has the word of the activity.
    #[serde(skip)]
    Activity {
        /// Who.
        seat: Seat,
        /// What.
        activity: Activity,
    },
    /// A seat's marks moved.
    Marks {
        /// Whose.
        seat: Seat,
        /// The new marks.
        #[serde(flatten)]
        marks: Marks,
    },
    /// A seat came online or went offline.
    Presence {
        /// Whose presence changed.
        seat: Seat,
        /// Whether a stream of theirs is open: anywhere, or to other instances, on the one that tells them.
        online: bool,
        /// When their last stream closed.
        last_seen: Option<Timestamp>,
    },
    /// Something about a seat changed. Other instances must read names, sessions and asks again.
    Seat {
        /// Which.
        seat: Seat,
        /// What happened.
        change: SeatChange,
    },
    /// Only for other instances: sessions or asks changed, and must be read again.
    Sessions,
    /// The chat is over; the last event of a stream.
    Ended {
        /// Who ended it; `None` when it expired.
        by: Option<Seat>,
    },
}

/// The two names of a chat.
pub type Names = BySeat<Option<UserName>>;

/// What happened at a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeatChange {
    /// It got its name.
    Named,
    /// Somebody logged in where nobody was logged in.
    Taken,
    /// Somebody without a code asks to be let in. An earlier ask for the same seat has ended.
    Asking(AskRef, AskNumber),
    /// A newcomer was let in: the seat's former sessions are over.
    Replaced,
    /// Its last session logged out.
    Left,
}

/// The state of a chat for one seat, without the messages.
#[derive(Debug, Clone)]
pub struct Hello {
    /// Whose state this is.
    pub seat: Seat,
    /// Both names.
    pub names: Names,
    /// Whether the other person has a name and has logged in.
    pub peer_state: PeerState,
    /// Whether the other person has a stream open; `None` while that is unknown.
    pub online: Option<bool>,
    /// When the other person's last stream closed.
    pub last_seen: Option<Timestamp>,
    /// When the other person first logged in, or the start of their oldest session where that was not stored.
    pub peer_joined_at: Option<Timestamp>,
    /// The `seq` that the stream goes on after.
    pub position: Seq,
    /// The `seq` of the last message.
    pub last_seq: Seq,
    /// Both seats' marks.
    pub marks: BySeat<Marks>,
    /// When the chat expires.
    pub expires_at: Timestamp,
    /// The asks that wait for an answer.
    pub asks: Vec<Ask>,
    /// Whether the chat is encrypted.
    pub encrypted: bool,
    /// When somebody else was last let in at each seat.
    pub replaced_at: BySeat<Option<Timestamp>>,
}

/// The other person's seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// Seat 2 has no name yet.
    Unnamed,
    /// Named, and nobody has logged in yet.
    Named,
    /// Somebody is logged in.
    Taken,
    /// Somebody was logged in, and logged out everywhere.
    Left,
}
