//! Opens a downloaded conversation offline.

use std::io::{self, Write};

use actors::domain::{BySeat, Seat, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contents, Finding, History, Keys, keys::PREFIX};
use crate::escaping;

/// Why a file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// It is not a conversation.
    #[error(
        "This is no conversation that duet wrote: {0}. Save what /demo/chat/user/{{hash}}/{{seat}}/download?format=json \
         or /chat-server/user/{{hash}}/messages answers."
    )]
    Malformed(#[from] serde_json::Error),
    /// It has messages, and none of them is sealed: nothing in it can be checked.
    #[error(
        "No message in this file is encrypted. A page's download is opened already; this file may be one, or of a \
         plain chat. Whether somebody changed it cannot be checked. Save what \
         /demo/chat/user/{{hash}}/{{seat}}/download?format=json answers."
    )]
    NotSealed,
}

/// A downloaded conversation with sealed texts.
pub struct Transcript(Page);

/// What there is to know about an opened conversation besides its messages.
#[derive(Debug)]
pub struct Report<'a> {
    /// How many messages have findings, which are written beside them.
    pub wrong: usize,
    /// Whether the server said that it had more messages.
    pub is_part: bool,
    /// The name that the server gave to each seat. The texts prove the seat, not the name.
    pub names: BySeat<Option<&'a str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    seq: u64,
    id: Uuid,
    sender_name: String,
    /// Null in a page's download if the text did not open.
    message: Option<String>,
    timestamp: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Download(Vec<Sealed>),
    Answer { data: Page },
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Sealed>,
    #[serde(default)]
    more: bool,
}

/// A message with its text, or with the reason why there is none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened<'a> {
    seq: u64,
    id: Uuid,
    /// 1 for who made the chat, 2 for who was invited, by the key that opens the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    seat: Option<u8>,
    sender_name: &'a str,
    /// Null if the text does not open.
    message: Option<&'a str>,
    timestamp: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Transcript {
    /// Parses a download in JSON, or a page of the API's history.
    ///
    /// # Errors
    /// [`TranscriptError`] says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, TranscriptError> {
        let page = match serde_json::from_slice::<File>(bytes)? {
            File::Download(messages) => Page {
                messages,
                more: false,
            },
            File::Answer { data } => data,
        };
        let messages = &page.messages;
        if !messages.is_empty() && !messages.iter().any(Sealed::is_sealed) {
            return Err(TranscriptError::NotSealed);
        }
        Ok(Self(page))
    }

    /// Writes the opened conversation as text or JSON.
    ///
    /// # Errors
    /// The error of the writer.
    pub fn write(&self, keys: &Keys, json: bool, mut out: impl Write) -> io::Result<Report<'_>> {
        let mut reader = Reader::of(self);
        let mut wrong = 0;
        let mut before = if json { "[\n" } else { "" };
        for sealed in &self.0.messages {
            let (seat, contents, warnings) = reader.read(keys, sealed);
            wrong += usize::from(!warnings.is_empty());
            let text = contents.as_ref().map(|contents| contents.text.as_str());
            out.write_all(before.as_bytes())?;
            if json {
                let opened = Opened {
                    seq: sealed.seq,
                    id: sealed.id,
                    seat: seat.map(Seat::number),
                    sender_name: &sealed.sender_name,
                    message: text,
                    timestamp: &sealed.timestamp,
                    warnings,
                };
                let opened = serde_json::to_string(&opened)?;
                out.write_all(escaping::json(&opened).as_bytes())?;
                before = ",\n";
            } else {
                write_text(&mut out, sealed, text, &warnings)?;
            }
        }
        match (json, self.0.messages.is_empty()) {
            (true, true) => out.write_all(b"[]\n")?,
            (true, false) => out.write_all(b"\n]\n")?,
            (false, _) => {}
        }
        out.flush()?;
        Ok(Report {
            wrong,
            is_part: self.0.more,
            names: reader.names,
        })
    }
}

impl Sealed {
    fn is_sealed(&self) -> bool {
        let text = self.message.as_deref();
        text.is_some_and(|text| text.starts_with(PREFIX))
    }
}

fn write_text(
    out: &mut impl Write,
    sealed: &Sealed,
    text: Option<&str>,
    warnings: &[String],
) -> io::Result<()> {
    for warning in warnings {
        writeln!(out, "*** {}", escaping::text(warning))?;
    }
    let Some(text) = text else { return Ok(()) };
    // The text is a stranger's, and the rest is what the server made of it.
    let line = format!("[{}] {}: {text}", sealed.timestamp, sealed.sender_name);
    writeln!(out, "{}", escaping::text(&line))
}

/// The file has no seats, but the sealed texts do: each name keeps the seat of its first text.
struct Reader<'a> {
    history: History,
    names: BySeat<Option<&'a str>>,
}

impl<'a> Reader<'a> {
    fn of(transcript: &Transcript) -> Self {
        // The lowest rather than the first: the order may have been changed.
        let seqs = transcript.0.messages.iter().map(|message| message.seq);
        let first = seqs.min().unwrap_or(1);
        Self {
            history: History::beginning_at(first),
            names: BySeat([None; 2]),
        }
    }

    /// The seat that sealed a message if it opens, its contents if they are to be shown, and what is wrong with it.
    fn read(
        &mut self,
        keys: &Keys,
        sealed: &'a Sealed,
    ) -> (Option<Seat>, Option<Contents>, Vec<String>) {
        let Some((seat, contents)) = self.open(keys, sealed) else {
            self.history.skip(sealed.id);
            let warning = format!(
                "Message {} from {} does not open. It was changed on its way, or written for \
                 another chat.",
                sealed.seq, sealed.sender_name
            );
            return (None, None, vec![warning]);
        };
        // An unreadable time never matches the sender's clock.
        let at = Timestamp::parse_rfc3339(&sealed.timestamp)
            .unwrap_or_else(|_| Timestamp::from_unix_ms(0));
        let findings = self.history.check(seat, sealed.id, &contents, at);
        let shown = !findings.contains(&Finding::Repeated);
        let warnings = findings
            .into_iter()
            .map(|finding| warning(sealed, finding))
            .collect();
        (Some(seat), Some(contents).filter(|_| shown), warnings)
    }

    /// Opens a message with the key of its sender's seat.
    fn open(&mut self, keys: &Keys, sealed: &'a Sealed) -> Option<(Seat, Contents)> {
        let name = sealed.sender_name.as_str();
        let text = sealed.message.as_deref()?;
        Seat::BOTH.into_iter().find_map(|seat| {
            let contents = keys.open(seat, sealed.id, text).ok()?;
            let is_free = self.names[seat].is_none() && self.names[seat.other()] != Some(name);
            if is_free {
                self.names[seat] = Some(name);
            }
            (self.names[seat] == Some(name)).then_some((seat, contents))
        })
    }
}

fn warning(sealed: &Sealed, finding: Finding) -> String {
    let Sealed {
        seq, sender_name, ..
    } = sealed;
    match finding {
        Finding::Missing(1) => format!("A message from {sender_name} is missing before {seq}."),
        Finding::Missing(count) => {
            format!("{count} messages from {sender_name} are missing before {seq}.")
        }
        Finding::Moved => format!(
            "Message {seq} is not where it was written: the order was changed, or a message \
             before it is missing."
        ),
        Finding::Repeated => format!("Message {seq} repeats an earlier one and is left out."),
        Finding::WrittenAt(at) => {
            format!("Message {seq} was written at {at} by {sender_name}'s clock.")
        }
    }
}
