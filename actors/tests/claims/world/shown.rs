//! What a stream is sent.

use actors::domain::{
    Activity, Event, Hello, Marks, Names, Notice, Seat, SeatChange, Seq, Timestamp,
};

/// What a stream was sent, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    Hello {
        position: Seq,
        online: Option<bool>,
    },
    Message(Seq, String),
    Presence {
        seat: Seat,
        online: bool,
        last_seen: Option<Timestamp>,
    },
    Typing(Seat),
    Receipt(Seat, Marks),
    Seat(Seat, SeatChange),
    Ended {
        by: Option<String>,
    },
}

impl Shown {
    pub(super) fn from(event: Event) -> Option<Self> {
        Some(match event {
            Event::Hello(hello) | Event::Rewound(hello) => Shown::of(&hello),
            Event::Notice(notice, names) => Shown::notice(notice, &names)?,
            Event::Behind | Event::Moved => return None,
        })
    }

    fn notice(notice: Notice, names: &Names) -> Option<Self> {
        Some(match notice {
            Notice::Message(message) => Shown::Message(message.seq, message.text.as_str().into()),
            Notice::Presence {
                seat,
                online,
                last_seen,
            } => Shown::Presence {
                seat,
                online,
                last_seen,
            },
            Notice::Activity {
                seat,
                activity: Activity::Typing,
            } => Shown::Typing(seat),
            Notice::Marks { seat, marks } => Shown::Receipt(seat, marks),
            Notice::Seat { seat, change } => Shown::Seat(seat, change),
            Notice::Sessions => return None,
            Notice::Ended { by } => Shown::Ended {
                by: by.and_then(|seat| Some(names[seat].as_ref()?.to_string())),
            },
        })
    }

    pub(super) fn of(hello: &Hello) -> Self {
        Shown::Hello {
            position: hello.position,
            online: hello.online,
        }
    }
}
