//! Server-sent events, parsed as their bytes arrive (WHATWG HTML, section 9.2.6).
//!
//! The parser holds only what is not finished yet: an idle stream costs a few dozen bytes. It keeps the two things that
//! outlive a connection, the last event id and the reconnection time, so one parser serves a stream across reconnects.

use std::time::Duration;

/// A buffer that grew past this for one long message is given back afterwards, or ten thousand streams would each keep
/// room for the longest text they ever saw.
const KEPT_LEN_MAX: usize = 2 << 10;

/// One event, borrowed from the parser for as long as it is handled.
#[derive(Debug, PartialEq)]
pub struct Event<'a> {
    /// The `event` field, `message` where there was none.
    pub kind: &'a str,
    /// The `data` lines, joined by line feeds.
    pub data: &'a str,
    /// The last event id in force, this event's own included; empty where none was ever sent.
    pub last_event_id: &'a str,
}

/// An incremental parser of one event stream.
#[derive(Debug, Default)]
pub struct Parser {
    /// The unfinished line at the end of the last read.
    line: Vec<u8>,
    /// A carriage return ended the last line, so a line feed that comes next belongs to it.
    after_return: bool,
    /// Whether the first line, which may start with a byte order mark, is behind us.
    started: bool,
    kind: String,
    data: Vec<u8>,
    /// The id that becomes the last event id when the event is complete: an event that is cut off after its `id` line
    /// has not arrived, and must be asked for again.
    id: String,
    last_event_id: String,
    retry: Option<Duration>,
}

impl Parser {
    /// The parser of a stream that was lost with this last event id.
    pub fn resumed(last_event_id: String) -> Self {
        Self {
            id: last_event_id.clone(),
            last_event_id,
            ..Self::default()
        }
    }

    /// The id to come back with; empty where there is none.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// How long the server asked to wait before coming back.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Forgets what a lost connection left unfinished; the last event id and the reconnection time stay.
    pub fn reconnected(&mut self) {
        self.line.clear();
        self.after_return = false;
        self.started = false;
        self.kind.clear();
        self.data.clear();
        self.id.clone_from(&self.last_event_id);
    }

    /// Takes the next bytes and hands every event they complete to `on_event`.
    pub fn feed(&mut self, mut bytes: &[u8], mut on_event: impl FnMut(Event<'_>)) {
        if self.after_return && !bytes.is_empty() {
            self.after_return = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, by_return) = (&bytes[..end], bytes[end] == b'\r');
            bytes = &bytes[end + 1..];
            if by_return {
                self.after_return = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
            if self.line.is_empty() {
                self.take_line(line, &mut on_event);
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.take_line(&whole, &mut on_event);
                empty(&mut whole);
                self.line = whole;
            }
        }
        self.line.extend_from_slice(bytes);
    }

    fn take_line(&mut self, mut line: &[u8], on_event: &mut impl FnMut(Event<'_>)) {
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(on_event);
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => replace(&mut self.kind, value),
            b"id" if !value.contains(&0) => replace(&mut self.id, value),
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                let milliseconds = str::from_utf8(value)
                    .ok()
                    .and_then(|digits| digits.parse().ok());
                self.retry = milliseconds.map(Duration::from_millis).or(self.retry);
            }
            // Comments (an empty field name) and what later versions may add.
            _ => {}
        }
    }

    fn dispatch(&mut self, on_event: &mut impl FnMut(Event<'_>)) {
        if self.last_event_id != self.id {
            self.last_event_id.clone_from(&self.id);
        }
        if self.data.pop().is_some() {
            on_event(Event {
                kind: if self.kind.is_empty() {
                    "message"
                } else {
                    &self.kind
                },
                data: &String::from_utf8_lossy(&self.data),
                last_event_id: &self.last_event_id,
            });
        }
        self.kind.clear();
        empty(&mut self.data);
    }
}

fn replace(held: &mut String, value: &[u8]) {
    held.clear();
    held.push_str(&String::from_utf8_lossy(value));
}

fn empty(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT_LEN_MAX {
        *buffer = Vec::new();
    } else {
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything `bytes` says, as (kind, data, last event id), in reads of `step` bytes.
    fn events(bytes: &[u8], step: usize) -> Vec<(String, String, String)> {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        for read in bytes.chunks(step) {
            parser.feed(read, |event| {
                events.push((
                    event.kind.to_owned(),
                    event.data.to_owned(),
                    event.last_event_id.to_owned(),
                ));
            });
        }
        events
    }

    fn event(kind: &str, data: &str, id: &str) -> (String, String, String) {
        (kind.to_owned(), data.to_owned(), id.to_owned())
    }

    #[test]
    fn a_stream_says_the_same_wherever_its_reads_are_cut_and_however_its_lines_end() {
        let text = "\u{feff}retry: 1500\n\n: comment\nid: 41\nevent: hello\ndata: {\"you\":\"Zoë\"}\n\n\
                    id:42\ndata: one\ndata:  two\ndata\n\n:\n\nevent: typing\ndata: {}\n\nid: 43\ndata: never finished\n";
        let said = vec![
            event("hello", "{\"you\":\"Zoë\"}", "41"),
            event("message", "one\n two\n", "42"),
            event("typing", "{}", "42"),
        ];
        for line_end in ["\n", "\r\n", "\r"] {
            let bytes = text.replace('\n', line_end).into_bytes();
            for step in 1..=bytes.len() {
                assert_eq!(
                    events(&bytes, step),
                    said,
                    "lines end in {line_end:?}, reads of {step}"
                );
            }
        }
    }

    #[test]
    fn an_event_that_was_cut_off_does_not_move_the_id_to_come_back_with() {
        let mut parser = Parser::default();
        parser.feed(b"id: 7\ndata: x\n\nid: 8\ndata: hal", |_| {});
        parser.reconnected();
        assert_eq!(parser.last_event_id(), "7");
        let mut seen = Vec::new();
        parser.feed(b"data: y\n\n", |event| {
            seen.push((event.data.to_owned(), event.last_event_id.to_owned()))
        });
        assert_eq!(
            seen,
            [("y".to_owned(), "7".to_owned())],
            "nothing of the lost connection is left in it"
        );
    }

    #[test]
    fn an_id_without_data_counts_but_is_no_event() {
        let mut parser = Parser::default();
        parser.feed(b"id: 9\n\n", |event| panic!("{event:?}"));
        assert_eq!(parser.last_event_id(), "9");
        parser.feed(b"id: 1\x000\n\n", |_| {});
        assert_eq!(parser.last_event_id(), "9", "an id with a NUL is ignored");
        parser.feed(b"id\n\n", |_| {});
        assert_eq!(parser.last_event_id(), "", "an empty id resets it");
    }

    #[test]
    fn only_digits_set_the_reconnection_time() {
        let mut parser = Parser::default();
        parser.feed(
            b"retry: 250\nretry: soon\nretry: -1\nretry: 1.5\nretry:\n",
            |_| {},
        );
        assert_eq!(parser.retry(), Some(Duration::from_millis(250)));
        parser.reconnected();
        assert_eq!(parser.retry(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn room_made_for_a_long_message_is_given_back() {
        let mut parser = Parser::default();
        let long = format!("data: {}\n\n", "x".repeat(16 << 10));
        for read in long.as_bytes().chunks(1000) {
            parser.feed(read, |_| {});
        }
        assert!(parser.data.capacity() <= KEPT_LEN_MAX && parser.line.capacity() <= KEPT_LEN_MAX);
    }
}
