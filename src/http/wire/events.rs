//! What a stream says, as server-sent events.

use std::fmt::Write as _;

use actors::domain::{BySeat, Event, Hello, Marks, PeerState, Seat, SeatChange, Seq, UserName};
use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

use super::{at, encryption, messages::MessageView, shown};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HelloView<'a> {
    seat: u8,
    you: Option<&'a str>,
    peer: Option<&'a str>,
    peer_state: &'static str,
    online: Option<bool>,
    last_seen: Option<String>,
    last_seq: Seq,
    delivered: PerSeat,
    read: PerSeat,
    expires_at: String,
    asks: Vec<AskView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<&'static str>,
    #[serde(skip_serializing_if = "ReplacedAt::is_empty")]
    replaced_at: ReplacedAt,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AskView<'a> {
    ask: Uuid,
    seat: u8,
    user: Option<&'a str>,
    number: String,
    expires_at: String,
}

/// When somebody else was last let in at each seat.
#[derive(Serialize)]
struct ReplacedAt {
    #[serde(rename = "1", skip_serializing_if = "Option::is_none")]
    one: Option<String>,
    #[serde(rename = "2", skip_serializing_if = "Option::is_none")]
    two: Option<String>,
}

impl ReplacedAt {
    fn is_empty(&self) -> bool {
        self.one.is_none() && self.two.is_none()
    }
}

#[derive(Serialize)]
struct PerSeat {
    #[serde(rename = "1")]
    one: Seq,
    #[serde(rename = "2")]
    two: Seq,
}

impl PerSeat {
    fn of(marks: &BySeat<Marks>, which: impl Fn(&Marks) -> Seq) -> Self {
        Self {
            one: which(&marks[Seat::One]),
            two: which(&marks[Seat::Two]),
        }
    }
}

impl<'a> HelloView<'a> {
    fn of(hello: &'a Hello) -> Self {
        let peer = hello.seat.other();
        Self {
            seat: hello.seat.number(),
            you: shown(&hello.names[hello.seat]),
            peer: shown(&hello.names[peer]),
            peer_state: peer_state(hello.peer_state),
            online: hello.online,
            last_seen: at(&hello.last_seen),
            last_seq: hello.last_seq,
            delivered: PerSeat::of(&hello.marks, |marks| marks.delivered),
            read: PerSeat::of(&hello.marks, |marks| marks.read),
            expires_at: hello.expires_at.to_string(),
            asks: hello
                .asks
                .iter()
                .map(|ask| AskView {
                    ask: ask.word,
                    seat: ask.seat.number(),
                    user: shown(&hello.names[ask.seat]),
                    number: ask.number.to_string(),
                    expires_at: ask.expires_at.to_string(),
                })
                .collect(),
            encryption: encryption(hello.encrypted),
            replaced_at: ReplacedAt {
                one: at(&hello.replaced_at[Seat::One]),
                two: at(&hello.replaced_at[Seat::Two]),
            },
        }
    }
}

fn peer_state(state: PeerState) -> &'static str {
    match state {
        PeerState::Unnamed => "unnamed",
        PeerState::Named => "named",
        PeerState::Taken => "taken",
        PeerState::Left => "left",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PresenceView<'a> {
    seat: u8,
    user: Option<&'a str>,
    online: bool,
    last_seen: Option<String>,
}

#[derive(Serialize)]
struct TypingView<'a> {
    seat: u8,
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct ReceiptView {
    seat: u8,
    delivered: Seq,
    read: Seq,
}

#[derive(Serialize)]
struct SeatView<'a> {
    seat: u8,
    user: Option<&'a str>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
}

#[derive(Serialize)]
struct EndedView<'a> {
    by: Option<&'a str>,
}

impl<'a> SeatView<'a> {
    fn of(seat: Seat, user: &'a Option<UserName>, change: SeatChange) -> Self {
        let (state, asking) = match change {
            SeatChange::Named => ("named", None),
            SeatChange::Taken => ("taken", None),
            SeatChange::Asking(word, number) => ("asking", Some((word, number))),
            SeatChange::Replaced => ("replaced", None),
            SeatChange::Left => ("left", None),
        };
        Self {
            seat: seat.number(),
            user: shown(user),
            state,
            ask: asking.map(|(word, _)| word),
            number: asking.map(|(_, number)| number.to_string()),
        }
    }
}

/// An event as server-sent events have it
/// (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
pub fn frame(event: &Event) -> Bytes {
    match event {
        Event::Hello(hello) | Event::Rewound(hello) => {
            write("hello", Some(hello.position), &HelloView::of(hello))
        }
        Event::Message(message, names) => write(
            "message",
            Some(message.seq),
            &MessageView::of(message, names),
        ),
        Event::Presence {
            seat,
            user,
            online,
            last_seen,
        } => write(
            "presence",
            None,
            &PresenceView {
                seat: seat.number(),
                user: shown(user),
                online: *online,
                last_seen: at(last_seen),
            },
        ),
        Event::Typing { seat, user } => write(
            "typing",
            None,
            &TypingView {
                seat: seat.number(),
                user: shown(user),
            },
        ),
        Event::Receipt { seat, marks } => {
            let (delivered, read) = (marks.delivered, marks.read);
            write(
                "receipt",
                None,
                &ReceiptView {
                    seat: seat.number(),
                    delivered,
                    read,
                },
            )
        }
        Event::Seat { seat, user, change } => {
            write("seat", None, &SeatView::of(*seat, user, *change))
        }
        Event::Ended { by } => write("ended", None, &EndedView { by: shown(by) }),
        // Said to the stream itself.
        Event::Behind | Event::Moved => Bytes::new(),
        // An event and not a comment: a page's own script hears events alone, and takes a stream without any for lost.
        Event::Quiet => Bytes::from_static(b"event: ping\ndata: {}\n\n"),
    }
}

/// When a client that lost its stream should come back, in milliseconds.
pub fn retry(ms: u64) -> Bytes {
    Bytes::from(format!("retry: {ms}\n\n"))
}

fn write(name: &str, id: Option<Seq>, data: &impl Serialize) -> Bytes {
    let mut frame = String::with_capacity(256);
    if let Some(id) = id {
        writeln!(frame, "id: {id}").expect("writing to a string cannot fail");
    }
    write!(frame, "event: {name}\ndata: ").expect("writing to a string cannot fail");
    // JSON has no line breaks of its own, so the data is one line.
    frame += &serde_json::to_string(data).expect("strings and numbers are JSON");
    frame += "\n\n";
    Bytes::from(frame)
}
