//! One message: its markup, which the scripts clone.

use std::mem;

use maud::{Markup, html};
use serde::Serialize;

use crate::{clock, page::Frame, rich, text};

/// A message of the history.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its place in the chat.
    pub seq: u64,
    /// Its UUID.
    pub id: String,
    /// Who wrote it: 1 or 2.
    pub seat: u8,
    /// The writer's name.
    pub sender: String,
    /// The text, as written; as it was sealed in an encrypted chat.
    pub text: String,
    /// The server's time, Unix milliseconds.
    pub at_ms: i64,
}

/// Something that happened between messages, told in a line of its own.
pub(crate) struct Line {
    pub(crate) at_ms: i64,
    pub(crate) words: Markup,
}

/// How far both people have received and read.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// How far the other person's browser has acknowledged.
    pub delivered: u64,
    /// How far the other person has seen.
    pub read: u64,
    /// How far the reader has seen, on any device: where the unread divider stands.
    pub you_read: u64,
}

/// Who is reading.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) seat: u8,
    /// Texts are sealed: the page's scripts open them, and no ciphertext is shown.
    pub(crate) sealed: bool,
    pub(crate) marks: Marks,
    /// The newest message of the reader's own: it shows its state in words.
    pub(crate) last_own: Option<u64>,
}

/// The whole list, with a heading for each day and a line above the unread part. Event lines are
/// sorted by time.
pub(crate) fn list(frame: &Frame, reader: Reader, messages: &[Message], lines: &[Line]) -> Markup {
    let is_unread =
        |message: &Message| message.seat != reader.seat && message.seq > reader.marks.you_read;
    let first_unread = messages.iter().position(is_unread);
    let join = |at: usize| {
        let (Some(message), Some(next)) = (messages.get(at), messages.get(at + 1)) else {
            return Join::default();
        };
        let minute = |message: &Message| message.at_ms.div_euclid(60_000);
        let is_between = |line: &Line| line.at_ms > message.at_ms && line.at_ms <= next.at_ms;
        let day = |message: &Message| clock::day_number(message.at_ms);
        let is_next = day(message) == day(next)
            && first_unread != Some(at + 1)
            && !lines.iter().any(is_between);
        let goes_on = message.seat == next.seat;
        Join {
            run: goes_on && minute(message) == minute(next),
            leans: goes_on && is_next,
        }
    };
    let mut last_day = None;
    let mut heading = |at_ms| {
        let day = Some(clock::day_number(at_ms));
        html! { @if mem::replace(&mut last_day, day) != day { (day_heading(&clock::day(at_ms, frame.text))) } }
    };
    let mut events = lines.iter().peekable();
    html! {
        ol #messages {
            @for (at, message) in messages.iter().enumerate() {
                @while let Some(line) = events.next_if(|line| line.at_ms <= message.at_ms) { (heading(line.at_ms)) (event(line)) }
                (heading(message.at_ms))
                @if first_unread == Some(at) { (unread_divider(frame)) }
                (item(frame, reader, message, join(at)))
            }
            @for line in events { (heading(line.at_ms)) (event(line)) }
        }
    }
}

/// How a message relates to the next one.
#[derive(Clone, Copy, Default)]
struct Join {
    /// The same person's next message is within the same minute, so only the later time is shown.
    run: bool,
    /// The same person's next message follows directly.
    leans: bool,
}

pub(crate) fn event(line: &Line) -> Markup {
    event_item(
        &line.words,
        &clock::time_of_day(line.at_ms),
        Some(line.at_ms),
    )
}

fn event_item(words: &Markup, time: &Markup, at_ms: Option<i64>) -> Markup {
    html! { li.event data-at=[at_ms] { span { (words) " · " (time) } } }
}

fn item(frame: &Frame, reader: Reader, message: &Message, join: Join) -> Markup {
    let mine = message.seat == reader.seat;
    let (state, word) = if message.seq <= reader.marks.read {
        ("seen", frame.text.live.seen)
    } else if message.seq <= reader.marks.delivered {
        ("delivered", frame.text.live.delivered)
    } else {
        ("sent", frame.text.live.sent)
    };
    html! {
        li.message.mine[mine].theirs[!mine].run[join.run].leans[join.leans].last[reader.last_own == Some(message.seq)] data-seq=(message.seq) data-id=(message.id) data-seat=(message.seat)
            data-at=(message.at_ms) data-state=[mine.then_some(state)] {
            (writer(&if mine { html! { (frame.text.chat.you) } } else { text::name(&message.sender) }))
            div.bubble dir="auto" {
                @if reader.sealed { div.text data-sealed=(message.text) {} }
                @else { div.text.big[rich::only_emoji(&message.text)] { (rich::markup(&message.text)) } }
                (foot(frame, &clock::time_of_day(message.at_ms), mine.then_some(word)))
            }
        }
    }
}

fn writer(name: &Markup) -> Markup {
    html! { span.visually-hidden { (name) ": " } }
}

/// It has a direction of its own, so that the message's is that of its text.
fn foot(frame: &Frame, time: &Markup, tick: Option<&str>) -> Markup {
    html! {
        p.meta dir=(frame.text.dir) {
            (time)
            @if let Some(word) = tick { " " span.tick { span.tick-word { (word) } } }
        }
    }
}

fn day_heading(time: &Markup) -> Markup {
    html! { li.day { (time) } }
}

fn unread_divider(frame: &Frame) -> Markup {
    html! { li.unread { span { (frame.text.chat.unread) } } }
}

/// The same elements, empty, for the scripts to clone, so that markup is written in one place.
pub(crate) fn templates(frame: &Frame) -> Markup {
    let words = &frame.text.chat;
    let time = html! { time data-show="time" {} };
    html! {
        template #mine {
            li.message.mine data-state="sending" {
                (writer(&html! { (words.you) }))
                div.bubble dir="auto" {
                    div.text {}
                    (foot(frame, &time, Some(frame.text.live.sending)))
                }
                div.failed hidden {
                    span.reason {}
                    button type="button" data-retry { (words.retry) }
                    button type="button" data-delete { (words.delete) }
                }
            }
        }
        template #theirs {
            li.message.theirs {
                (writer(&text::slot("peer")))
                div.bubble dir="auto" { div.text {} (foot(frame, &time, None)) }
            }
        }
        template #line { (event_item(&text::slot("words"), &time, None)) }
        template #day { (day_heading(&html! { time data-show="day" {} })) }
        template #unread { (unread_divider(frame)) }
    }
}
