//! What goes over Redis. It carries a version, so that instances of two releases can tell what
//! they do not understand: that is read from the store instead.

use std::sync::Arc;

use actors::{
    domain::{AskWord, Marks, Message, MessageText, Seat, SeatChange, Seq, Timestamp},
    ports::Notice,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version that this release writes and understands.
const VERSION: u8 = 1;

/// Names one run of one instance.
pub(super) type Boot = Uuid;

#[derive(Serialize, Deserialize)]
struct Parcel {
    v: u8,
    /// Who published it: nobody takes what they sent themselves.
    from: Boot,
    /// The notice.
    n: Wire,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Wire {
    Message {
        seq: Seq,
        id: Uuid,
        seat: u8,
        text: String,
        at: i64,
    },
    Typing {
        seat: u8,
    },
    Marks {
        seat: u8,
        delivered: Seq,
        read: Seq,
    },
    Presence {
        seat: u8,
        online: bool,
        last_seen: Option<i64>,
    },
    Seat {
        seat: u8,
        change: Change,
    },
    Sessions,
    Ended {
        by: Option<u8>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Named,
    Taken,
    Asking(AskWord),
    Replaced,
    Left,
}

/// What arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// Somebody else's notice.
    Notice(Notice),
    /// One's own.
    Nothing,
    /// Something that this release does not understand.
    Unknown,
}

/// A notice as bytes.
pub(super) fn write(from: Boot, notice: &Notice) -> Vec<u8> {
    let parcel = Parcel {
        v: VERSION,
        from,
        n: to_wire(notice),
    };
    serde_json::to_vec(&parcel).expect("strings and numbers are JSON")
}

/// Reads what [`write`] wrote, in this release or another.
pub(super) fn read(bytes: &[u8], own: Boot) -> Arrived {
    match serde_json::from_slice::<Parcel>(bytes) {
        Ok(parcel) if parcel.from == own => Arrived::Nothing,
        Ok(Parcel {
            v: VERSION,
            n: wire,
            ..
        }) => from_wire(wire).map_or(Arrived::Unknown, Arrived::Notice),
        Ok(_) | Err(_) => Arrived::Unknown,
    }
}

fn to_wire(notice: &Notice) -> Wire {
    match notice {
        Notice::Message(message) => Wire::Message {
            seq: message.seq,
            id: message.id,
            seat: message.seat.number(),
            text: message.text.as_str().to_owned(),
            at: message.at.unix_ms(),
        },
        Notice::Typing(seat) => Wire::Typing {
            seat: seat.number(),
        },
        Notice::Marks(seat, marks) => Wire::Marks {
            seat: seat.number(),
            delivered: marks.delivered,
            read: marks.read,
        },
        Notice::Presence {
            seat,
            online,
            last_seen,
        } => Wire::Presence {
            seat: seat.number(),
            online: *online,
            last_seen: last_seen.map(Timestamp::unix_ms),
        },
        Notice::Seat(seat, change) => Wire::Seat {
            seat: seat.number(),
            change: match change {
                SeatChange::Named => Change::Named,
                SeatChange::Taken => Change::Taken,
                SeatChange::Asking(word) => Change::Asking(*word),
                SeatChange::Replaced => Change::Replaced,
                SeatChange::Left => Change::Left,
            },
        },
        Notice::Sessions => Wire::Sessions,
        Notice::Ended { by } => Wire::Ended {
            by: by.map(Seat::number),
        },
    }
}

fn from_wire(wire: Wire) -> Option<Notice> {
    let seat = |number: u8| Seat::try_from(i64::from(number)).ok();
    Some(match wire {
        Wire::Message {
            seq,
            id,
            seat: number,
            text,
            at,
        } => Notice::Message(Arc::new(Message {
            seq,
            id,
            seat: seat(number)?,
            text: MessageText::from_store(text),
            at: Timestamp::from_unix_ms(at),
        })),
        Wire::Typing { seat: number } => Notice::Typing(seat(number)?),
        Wire::Marks {
            seat: number,
            delivered,
            read,
        } => Notice::Marks(seat(number)?, Marks { delivered, read }),
        Wire::Presence {
            seat: number,
            online,
            last_seen,
        } => Notice::Presence {
            seat: seat(number)?,
            online,
            last_seen: last_seen.map(Timestamp::from_unix_ms),
        },
        Wire::Seat {
            seat: number,
            change,
        } => {
            let change = match change {
                Change::Named => SeatChange::Named,
                Change::Taken => SeatChange::Taken,
                Change::Asking(word) => SeatChange::Asking(word),
                Change::Replaced => SeatChange::Replaced,
                Change::Left => SeatChange::Left,
            };
            Notice::Seat(seat(number)?, change)
        }
        Wire::Sessions => Notice::Sessions,
        Wire::Ended { by } => Notice::Ended {
            by: match by {
                Some(number) => Some(seat(number)?),
                None => None,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_own_notices_are_nothing_and_strange_ones_are_unknown() {
        let (own, other) = (Boot::new_v4(), Boot::new_v4());
        let notice = Notice::Typing(Seat::Two);
        assert_eq!(
            read(&write(other, &notice), own),
            Arrived::Notice(notice.clone())
        );
        assert_eq!(read(&write(own, &notice), own), Arrived::Nothing);
        let newer = format!("{{\"v\":2,\"from\":\"{other}\",\"n\":{{\"t\":\"song\"}}}}");
        for strange in ["", "{}", "[1]", &newer] {
            assert_eq!(read(strange.as_bytes(), own), Arrived::Unknown, "{strange}");
        }
    }
}
