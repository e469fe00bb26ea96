//! The format of notices on Redis: a version, so that an instance of another release can skip what it does not
//! understand and read the store instead; the publisher's boot id, so that it can ignore its own; and the notice as JSON.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use actors::{
    domain::{
        Activity, AskNumber, AskRef, Marks, Message, MessageText, Seat, SeatChange, Seq, Timestamp,
    },
    ports::Notice,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version that this release writes and understands.
const VERSION: u8 = 1;
/// The version, and a boot's bytes.
const HEAD_LEN: usize = 1 + 16;
/// The size of a notice without its text, at most.
const NOTICE_LEN: usize = 128;

/// Identifies one run of one instance.
pub type Boot = Uuid;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireNotice<'a> {
    Message {
        seq: Seq,
        id: Uuid,
        seat: u8,
        #[serde(borrow)]
        text: Cow<'a, str>,
        at: i64,
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

/// The value in an object whose key is the word of an activity.
#[derive(Serialize, Deserialize)]
struct WireActivity {
    seat: u8,
}

/// What is written. What is read is first taken for a notice: an enum of both would have to copy every text.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Notice(WireNotice<'a>),
    Activity(BTreeMap<&'static str, WireActivity>),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Named,
    Taken,
    Asking(AskRef, u8),
    Replaced,
    Left,
}

/// A payload, decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrived {
    /// A notice of another instance.
    Notice(Notice),
    /// This instance's own notice.
    Own,
    /// Something that this release cannot decode.
    Unknown,
}

/// Encodes a notice.
pub fn write(from: Boot, notice: &Notice) -> Vec<u8> {
    let text_len = match notice {
        Notice::Message(message) => message.text.as_str().len(),
        _ => 0,
    };
    let mut payload = Vec::with_capacity(HEAD_LEN + NOTICE_LEN + text_len);
    payload.push(VERSION);
    payload.extend_from_slice(from.as_bytes());
    serde_json::to_writer(&mut payload, &to_wire(notice)).expect("strings and numbers are JSON");
    payload
}

/// Decodes what [`write()`] encoded, in this release or another.
pub fn read(payload: &[u8], own: Boot) -> Arrived {
    let Some((head, notice)) = payload.split_first_chunk::<HEAD_LEN>() else {
        return Arrived::Unknown;
    };
    match head.split_at(1) {
        (_, from) if from == own.as_bytes() => Arrived::Own,
        ([VERSION], _) => {
            let wire = serde_json::from_slice(notice).ok();
            let notice = wire.map_or_else(|| read_activity(notice), from_wire);
            notice.map_or(Arrived::Unknown, Arrived::Notice)
        }
        _ => Arrived::Unknown,
    }
}

fn read_activity(notice: &[u8]) -> Option<Notice> {
    let wire: BTreeMap<String, WireActivity> = serde_json::from_slice(notice).ok()?;
    let (word, WireActivity { seat }) = wire.into_iter().next()?;
    let seat = Seat::try_from(i64::from(seat)).ok()?;
    Some(Notice::Activity(seat, Activity::from_word(&word)?))
}

fn to_wire(notice: &Notice) -> Written<'_> {
    Written::Notice(match notice {
        Notice::Message(message) => WireNotice::Message {
            seq: message.seq,
            id: message.id,
            seat: message.seat.number(),
            text: message.text.as_str().into(),
            at: message.at.unix_ms(),
        },
        Notice::Activity(seat, activity) => {
            let seat = seat.number();
            return Written::Activity([(activity.word(), WireActivity { seat })].into());
        }
        Notice::Marks(seat, marks) => WireNotice::Marks {
            seat: seat.number(),
            delivered: marks.delivered,
            read: marks.read,
        },
        Notice::Presence {
            seat,
            online,
            last_seen,
        } => WireNotice::Presence {
            seat: seat.number(),
            online: *online,
            last_seen: last_seen.map(Timestamp::unix_ms),
        },
        Notice::Seat(seat, change) => WireNotice::Seat {
            seat: seat.number(),
            change: match change {
                SeatChange::Named => Change::Named,
                SeatChange::Taken => Change::Taken,
                SeatChange::Asking(word, number) => Change::Asking(*word, number.get()),
                SeatChange::Replaced => Change::Replaced,
                SeatChange::Left => Change::Left,
            },
        },
        Notice::Sessions => WireNotice::Sessions,
        Notice::Ended { by } => WireNotice::Ended {
            by: by.map(Seat::number),
        },
    })
}

fn from_wire(wire: WireNotice<'_>) -> Option<Notice> {
    let seat = |number: u8| Seat::try_from(i64::from(number)).ok();
    Some(match wire {
        WireNotice::Message {
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
        WireNotice::Marks {
            seat: number,
            delivered,
            read,
        } => Notice::Marks(seat(number)?, Marks { delivered, read }),
        WireNotice::Presence {
            seat: number,
            online,
            last_seen,
        } => Notice::Presence {
            seat: seat(number)?,
            online,
            last_seen: last_seen.map(Timestamp::from_unix_ms),
        },
        WireNotice::Seat {
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
        WireNotice::Sessions => Notice::Sessions,
        WireNotice::Ended { by } => Notice::Ended {
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
    fn own_notices_are_recognised_and_foreign_formats_are_unknown() {
        let (own, other) = (Boot::new_v4(), Boot::new_v4());
        let notice = Notice::Activity(Seat::Two, Activity::Typing);
        assert_eq!(
            read(&write(other, &notice), own),
            Arrived::Notice(notice.clone())
        );
        assert_eq!(read(&write(own, &notice), own), Arrived::Own);
        // As releases before this one write and read it.
        let written = &write(own, &notice)[HEAD_LEN..];
        assert_eq!(written, br#"{"typing":{"seat":2}}"#);
        let mut newer = write(other, &notice);
        newer[0] += 1;
        let song = [&write(other, &notice)[..HEAD_LEN], b"{\"song\":{}}"].concat();
        for strange in [&b""[..], b"{}", &[VERSION; HEAD_LEN], &newer, &song] {
            assert_eq!(read(strange, own), Arrived::Unknown, "{strange:?}");
        }
    }
}
