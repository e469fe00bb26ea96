//! Server-sent events.

use std::{borrow::Cow, fmt::Write as _};

use actors::domain::{
    Activity, BySeat, Event, Hello, Marks, Names, Notice, PeerState, Seat, SeatChange, Seq,
};
use bytes::Bytes;
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

use super::{at, encryption, messages::MessageView, shown};
use crate::http::schema::{
    DateTime, EncryptionVersion, Id, MessageSeq, Name, SeatNumber, TwoDigits,
};

/// The state of the chat apart from its messages: the data of `hello`, which comes when a stream begins and whenever all
/// of it has to be sent again. It replaces what was known before.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Hello)]
pub struct HelloView<'a> {
    /// The seat whose stream this is.
    #[schema(value_type = SeatNumber)]
    seat: Seat,
    /// The name of the stream's owner.
    #[schema(required, value_type = Name)]
    you: Option<&'a str>,
    /// The other person's name; null while nobody has chosen it.
    #[schema(required, value_type = Option<Name>)]
    peer: Option<&'a str>,
    /// The other seat: `unnamed`, `named` (nobody has taken it yet), `taken`, or `left` (logged out everywhere).
    #[schema(pattern = "^(unnamed|named|taken|left)$", example = "taken")]
    peer_state: &'static str,
    /// Whether the other person has a stream open on any instance; null while that is unknown.
    #[schema(required)]
    online: Option<bool>,
    /// When the other person last went offline; null when they never did.
    #[schema(required, value_type = Option<DateTime>)]
    last_seen: Option<String>,
    /// The `seq` of the chat's last message; 0 when there is none.
    #[schema(value_type = MessageSeq)]
    last_seq: Seq,
    /// The last `seq` received at each seat.
    delivered: PerSeat,
    /// The last `seq` read at each seat.
    read: PerSeat,
    /// When the chat deletes itself.
    #[schema(value_type = DateTime)]
    expires_at: String,
    /// The open asks, at most one for each seat.
    asks: Vec<AskView<'a>>,
    /// `v1` in an encrypted chat; absent in a plain one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EncryptionVersion, nullable = false)]
    encryption: Option<&'static str>,
    /// When somebody else was last let in at each seat; absent if that never happened.
    #[serde(skip_serializing_if = "ReplacedAt::is_empty")]
    #[schema(required = false)]
    replaced_at: ReplacedAt,
}

/// An open ask.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OpenAsk)]
pub struct AskView<'a> {
    /// What `answer` takes.
    #[schema(value_type = Id)]
    ask: Uuid,
    /// The seat that they ask for.
    #[schema(value_type = SeatNumber)]
    seat: Seat,
    /// That seat's name.
    #[schema(required, value_type = Name)]
    user: Option<&'a str>,
    /// Two digits that the asker sees as well.
    #[schema(value_type = TwoDigits)]
    number: String,
    /// When it expires.
    #[schema(value_type = DateTime)]
    expires_at: String,
}

/// When somebody else was last let in at each seat.
#[derive(Serialize, ToSchema)]
pub struct ReplacedAt {
    /// At seat 1.
    #[serde(rename = "1", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DateTime, nullable = false)]
    one: Option<String>,
    /// At seat 2.
    #[serde(rename = "2", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = DateTime, nullable = false)]
    two: Option<String>,
}

impl ReplacedAt {
    fn is_empty(&self) -> bool {
        self.one.is_none() && self.two.is_none()
    }
}

/// A place for each seat.
#[derive(Serialize, ToSchema)]
pub struct PerSeat {
    /// Seat 1.
    #[serde(rename = "1")]
    #[schema(value_type = MessageSeq)]
    one: Seq,
    /// Seat 2.
    #[serde(rename = "2")]
    #[schema(value_type = MessageSeq)]
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
            seat: hello.seat,
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
                    ask: ask.ask_ref,
                    seat: ask.seat,
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

/// Somebody went online or offline.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Presence)]
pub struct PresenceView<'a> {
    /// The seat whose presence changed.
    #[schema(value_type = SeatNumber)]
    seat: Seat,
    /// That seat's name.
    #[schema(required, value_type = Name)]
    user: Option<&'a str>,
    /// Whether they have a stream open on any instance.
    online: bool,
    /// When they last went offline; may be null while they are online.
    #[schema(required, value_type = Option<DateTime>)]
    last_seen: Option<String>,
}

/// Somebody is doing what the event is named after. Sent at most every two seconds; clients show it for a few.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity)]
pub struct ActivityView<'a> {
    /// The seat that does it.
    #[schema(value_type = SeatNumber)]
    seat: Seat,
    /// That seat's name.
    #[schema(required, value_type = Name)]
    user: Option<&'a str>,
}

/// How far a person has received and read. Marks never move back.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
pub struct ReceiptView {
    /// The seat whose marks moved.
    #[schema(value_type = SeatNumber)]
    seat: Seat,
    /// The last `seq` that arrived.
    #[schema(value_type = MessageSeq)]
    delivered: Seq,
    /// The last `seq` that was seen.
    #[schema(value_type = MessageSeq)]
    read: Seq,
}

/// A seat has changed.
#[derive(Serialize, ToSchema)]
#[schema(as = SeatChanged)]
pub struct SeatView<'a> {
    /// The seat that changed.
    #[schema(value_type = SeatNumber)]
    seat: Seat,
    /// Its name.
    #[schema(required, value_type = Name)]
    user: Option<&'a str>,
    /// `named`, `taken` (somebody logged in where nobody was), `asking` (somebody wants to be let in), `replaced` (somebody was),
    /// or `left` (logged out everywhere).
    #[schema(pattern = "^(named|taken|asking|replaced|left)$", example = "asking")]
    state: &'static str,
    /// With `asking`: what `answer` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Id, nullable = false)]
    ask: Option<Uuid>,
    /// With `asking`: two digits that the asker sees as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TwoDigits, nullable = false)]
    number: Option<String>,
}

/// The chat is over and nothing of it is left. The stream ends with it.
#[derive(Serialize, ToSchema)]
#[schema(as = Ended)]
pub struct EndedView<'a> {
    /// Who ended it; null when it expired, or when the server does not know.
    #[schema(required, value_type = Option<Name>)]
    by: Option<&'a str>,
}

/// Nothing has happened for fifteen seconds, and the connection lives.
#[derive(ToSchema)]
pub struct Ping {}

/// A kind of event, for the API's description.
pub struct Kind {
    /// The event's name.
    pub event: &'static str,
    /// Whether it has an id to resume from.
    pub has_id: bool,
    /// The name of the schema of its data.
    pub data: Cow<'static, str>,
    /// Adds that schema, and those that it refers to.
    pub add_schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
}

/// All kinds of events, as [`event_frame`] writes them.
pub fn kinds() -> Vec<Kind> {
    fn kind<T: ToSchema>(event: &'static str, has_id: bool) -> Kind {
        Kind {
            event,
            has_id,
            data: T::name(),
            add_schemas: |schemas| {
                schemas.push((T::name().into(), T::schema()));
                T::schemas(schemas);
            },
        }
    }
    let mut all = vec![
        kind::<HelloView>("hello", true),
        kind::<MessageView>("message", true),
        kind::<PresenceView>("presence", false),
    ];
    all.extend(Activity::ALL.map(|one| kind::<ActivityView>(one.word(), false)));
    all.extend([
        kind::<ReceiptView>("receipt", false),
        kind::<SeatView>("seat", false),
        kind::<EndedView>("ended", false),
        kind::<Ping>("ping", false),
    ]);
    all
}

impl<'a> SeatView<'a> {
    fn of(seat: Seat, user: Option<&'a str>, change: SeatChange) -> Self {
        let (state, asking) = match change {
            SeatChange::Named => ("named", None),
            SeatChange::Taken => ("taken", None),
            SeatChange::Asking(ask, number) => ("asking", Some((ask, number))),
            SeatChange::Replaced => ("replaced", None),
            SeatChange::Left => ("left", None),
        };
        Self {
            seat,
            user,
            state,
            ask: asking.map(|(ask, _)| ask),
            number: asking.map(|(_, number)| number.to_string()),
        }
    }
}

/// Encodes an event as a server-sent event
/// (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
pub fn event_frame(event: &Event) -> Bytes {
    match event {
        Event::Hello(hello) | Event::Rewound(hello) => {
            write("hello", Some(hello.position), &HelloView::of(hello))
        }
        Event::Notice(notice, names) => notice_frame(notice, names),
        // For the stream actor only.
        Event::Behind | Event::Moved => Bytes::new(),
    }
}

/// Encodes what happened in a chat of these people as a server-sent event.
pub fn notice_frame(notice: &Notice, names: &Names) -> Bytes {
    let name = |seat: Seat| shown(&names[seat]);
    match *notice {
        Notice::Message(ref message) => {
            let view = MessageView::of(message, names);
            write("message", Some(message.seq), &view)
        }
        Notice::Presence {
            seat,
            online,
            last_seen,
        } => {
            let (user, last_seen) = (name(seat), at(&last_seen));
            let view = PresenceView {
                seat,
                user,
                online,
                last_seen,
            };
            write("presence", None, &view)
        }
        Notice::Activity { seat, activity } => {
            let user = name(seat);
            write(activity.word(), None, &ActivityView { seat, user })
        }
        Notice::Marks { seat, marks } => {
            let Marks { delivered, read } = marks;
            let view = ReceiptView {
                seat,
                delivered,
                read,
            };
            write("receipt", None, &view)
        }
        Notice::Seat { seat, change } => {
            write("seat", None, &SeatView::of(seat, name(seat), change))
        }
        Notice::Ended { by } => {
            let by = by.and_then(name);
            write("ended", None, &EndedView { by })
        }
        // For other instances only.
        Notice::Sessions => Bytes::new(),
    }
}

/// A ping. An event and not a comment: scripts see events only, and take a silent stream for lost.
pub fn ping_frame() -> Bytes {
    Bytes::from_static(b"event: ping\ndata: {}\n\n")
}

/// The `retry` field: the reconnection time in milliseconds.
pub fn retry_frame(ms: u64) -> Bytes {
    Bytes::from(format!("retry: {ms}\n\n"))
}

fn write(name: &str, id: Option<Seq>, data: &impl Serialize) -> Bytes {
    let mut frame = String::with_capacity(256);
    if let Some(id) = id {
        writeln!(frame, "id: {id}").expect("writing to a string cannot fail");
    }
    write!(frame, "event: {name}\ndata: ").expect("writing to a string cannot fail");
    // serde_json writes no line breaks, so the data is one line.
    frame += &serde_json::to_string(data).expect("strings and numbers are JSON");
    frame += "\n\n";
    Bytes::from(frame)
}
