use std::sync::Arc;

use super::{Ask, AskNumber, AskWord, BySeat, Marks, Message, Seat, Seq, Timestamp, UserName};

/// What an open stream is told, in the order in which it happened.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "()")]
pub enum Event {
    /// The store has lost messages that were shown: how things stand now, and from where the stream
    /// goes on.
    Rewound(Arc<Hello>),
    /// The state of everything but the messages; replaces what was known.
    Hello(Arc<Hello>),
    /// The next message, with its sender's and recipient's names.
    Message(Arc<Message>, Arc<Names>),
    /// Somebody came or went.
    Presence {
        /// Whose presence changed.
        seat: Seat,
        /// Their name.
        user: Option<UserName>,
        /// Whether a stream of theirs is open anywhere.
        online: bool,
        /// When their last stream closed.
        last_seen: Option<Timestamp>,
    },
    /// Somebody is writing.
    Typing {
        /// Who.
        seat: Seat,
        /// Their name.
        user: Option<UserName>,
    },
    /// A seat's marks moved.
    Receipt {
        /// Whose.
        seat: Seat,
        /// To where.
        marks: Marks,
    },
    /// Something about a seat changed.
    Seat {
        /// Which.
        seat: Seat,
        /// The name at it.
        user: Option<UserName>,
        /// What happened.
        change: SeatChange,
    },
    /// The line is up, though nothing happened for a while.
    Quiet,
    /// There is more than this stream took: it reads on from the store, and attaches again.
    Behind,
    /// This instance is on its way out: the stream ends, and is opened again elsewhere.
    Moved,
    /// The chat is over; nothing follows.
    Ended {
        /// Who ended it; `None` when it expired.
        by: Option<UserName>,
    },
}

/// The two names of a chat as they are shown.
pub type Names = BySeat<Option<UserName>>;

/// What happened at a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatChange {
    /// It got its name.
    Named,
    /// Somebody sat down for the first time, or came back.
    Taken,
    /// Somebody without a code wants in. Who asked for the same seat before does not any more.
    Asking(AskWord, AskNumber),
    /// A newcomer was let in: the seat's former sessions are over.
    Replaced,
    /// Its last session logged out.
    Left,
}

/// How things stand when a stream opens.
#[derive(Debug, Clone)]
pub struct Hello {
    /// The seat this stream belongs to.
    pub seat: Seat,
    /// Both names.
    pub names: Names,
    /// How far the other person has come.
    pub peer_state: PeerState,
    /// Whether the other person has a stream open; `None` while the bus cannot say.
    pub online: Option<bool>,
    /// When the other person's last stream closed.
    pub last_seen: Option<Timestamp>,
    /// When the other person first sat down; where that is not known, how long they have been
    /// logged in somewhere.
    pub peer_joined_at: Option<Timestamp>,
    /// The place the stream goes on from.
    pub position: Seq,
    /// The place of the chat's last message.
    pub last_seq: Seq,
    /// Both seats' marks.
    pub marks: BySeat<Marks>,
    /// When the chat goes by itself.
    pub expires_at: Timestamp,
    /// Who waits to be let in.
    pub asks: Vec<Ask>,
    /// Whether the chat's texts are sealed.
    pub encrypted: bool,
    /// When somebody else was last let in at each seat.
    pub replaced_at: BySeat<Option<Timestamp>>,
}

/// How far the other person has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerState {
    /// Seat 2 has no name yet.
    Unnamed,
    /// Named, and nobody has sat down yet.
    Named,
    /// Somebody sits there.
    Taken,
    /// Somebody sat there and logged out everywhere.
    Left,
}
