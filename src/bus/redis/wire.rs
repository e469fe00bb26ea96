//! What goes over Redis: a version, so that instances of two releases can tell what they do not
//! understand and read it from the store instead; who published it, so that nobody reads what they
//! said themselves; and the notice as JSON.

use std::{borrow::Cow, sync::Arc};

use actors::{
    domain::{AskNumber, AskWord, Marks, Message, MessageText, Seat, SeatChange, Seq, Timestamp},
    ports::Notice,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version that this release writes and understands.
const VERSION: u8 = 1;
/// The version, and a boot's bytes.
const HEAD_LEN: usize = 1 + 16;
/// What a notice takes beside its text.
const NOTICE_LEN: usize = 128;

/// Names one run of one instance.
pub type Boot = Uuid;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wire<'a> {
    Message {
        seq: Seq,
        id: Uuid,
        seat: u8,
        #[serde(borrow)]
        text: Cow<'a, str>,
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
    Asking(AskWord, u8),
    Replaced,
    Left,
}

/// What arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrived {
    /// Somebody else's notice.
    Notice(Notice),
    /// One's own.
    Nothing,
    /// Something that this release does not understand.
    Unknown,
}

/// A notice as bytes.
pub fn write(from: Boot, notice: &Notice) -> Vec<u8> {
    let text_len = match notice {
        Notice::Message(message) => message.text.as_str().len(),
        _ => 0,
    };
    let mut parcel = Vec::with_capacity(HEAD_LEN + NOTICE_LEN + text_len);
    parcel.push(VERSION);
    parcel.extend_from_slice(from.as_bytes());
    serde_json::to_writer(&mut parcel, &to_wire(notice)).expect("strings and numbers are JSON");
    parcel
}

/// Reads what [`write()`] wrote, in this release or another.
pub fn read(parcel: &[u8], own: Boot) -> Arrived {
    let Some((head, notice)) = parcel.split_first_chunk::<HEAD_LEN>() else {
        return Arrived::Unknown;
    };
    match head.split_at(1) {
        (_, from) if from == own.as_bytes() => Arrived::Nothing,
        ([VERSION], _) => {
            let wire = serde_json::from_slice(notice).ok();
            let notice = wire.and_then(from_wire);
            notice.map_or(Arrived::Unknown, Arrived::Notice)
        }
        _ => Arrived::Unknown,
    }
}

fn to_wire(notice: &Notice) -> Wire<'_> {
    match notice {
        Notice::Message(message) => Wire::Message {
            seq: message.seq,
            id: message.id,
            seat: message.seat.number(),
            text: message.text.as_str().into(),
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
                SeatChange::Asking(word, number) => Change::Asking(*word, number.get()),
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

fn from_wire(wire: Wire<'_>) -> Option<Notice> {
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
            text: MessageText::from_store(text.into_owned()),
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
                Change::Asking(word, number) => {
                    SeatChange::Asking(word, AskNumber::from_store(number.into()))
                }
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
        let mut newer = write(other, &notice);
        newer[0] += 1;
        let song = [&write(other, &notice)[..HEAD_LEN], b"{\"song\":{}}"].concat();
        for strange in [&b""[..], b"{}", &[VERSION; HEAD_LEN], &newer, &song] {
            assert_eq!(read(strange, own), Arrived::Unknown, "{strange:?}");
        }
    }
}
