use serde::{Deserialize, Serialize};

use super::{BySeat, Seat, Seq};

/// How far a chat has come: enough to see whether a copy in memory is out of date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The `seq` of its last message.
    pub last_seq: Seq,
    /// Goes up with every change of its names, seats, sessions and asks.
    pub revision: u64,
    /// How far each seat has received and read.
    pub marks: BySeat<Marks>,
}

impl Position {
    /// Whether this position, from the store, has something that a pair does not know. `asked` is the pair's position
    /// when the store was asked, `known` its position now.
    pub(crate) fn is_ahead(&self, asked: &Position, known: &Position) -> bool {
        let raises = |seat: Seat| known.marks[seat].raised(self.marks[seat]) != known.marks[seat];
        self.last_seq > known.last_seq
            || self.was_rewound(asked)
            || self.was_revised(asked, known)
            || Seat::BOTH.into_iter().any(raises)
    }

    /// Whether the store has fewer messages than the pair had when the store was asked: after a failover to a standby
    /// that lagged.
    pub(crate) fn was_rewound(&self, asked: &Position) -> bool {
        self.last_seq < asked.last_seq
    }

    /// Whether names, seats, sessions or asks differ: newer than the pair knows, or older than it knew when the store
    /// was asked, after a failover to a standby that lagged.
    pub(crate) fn was_revised(&self, asked: &Position, known: &Position) -> bool {
        self.revision > known.revision || self.revision < asked.revision
    }
}

/// A seat's high-water marks; they never move back. One that another release does not know is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// The last `seq` that reached one of the seat's clients.
    pub delivered: Seq,
    /// The last `seq` that was in a visible page.
    pub read: Seq,
}

impl Marks {
    /// These marks, moved forward to others, and never back.
    #[must_use]
    pub fn raised(self, to: Marks) -> Marks {
        let read = self.read.max(to.read);
        Marks {
            delivered: self.delivered.max(to.delivered).max(read),
            read,
        }
    }

    /// These marks, but none above a chat's last message.
    #[must_use]
    pub fn capped(self, last: Seq) -> Marks {
        Marks {
            delivered: self.delivered.min(last),
            read: self.read.min(last),
        }
    }

    /// The name of a mark that lies above a chat's last message.
    pub(crate) fn beyond(self, last: Seq) -> Option<&'static str> {
        let marks = [("read", self.read), ("delivered", self.delivered)];
        let beyond = marks.into_iter().find(|(_, seq)| *seq > last);
        beyond.map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_never_move_back_and_what_is_read_was_delivered() {
        let marks = |delivered, read| Marks { delivered, read };
        let raised = marks(5, 2).raised(marks(3, 7));
        assert_eq!(raised, marks(7, 7));
        assert_eq!(raised.raised(marks(1, 1)), marks(7, 7));
    }
}
