//! Opens a downloaded conversation offline.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use actors::domain::{Seat, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Contents, Finding, History, Keys};
use crate::escaping;

/// Why a file is not a conversation.
#[derive(Debug, thiserror::Error)]
#[error(
    "This is no conversation that duet wrote: {0}. Download it as JSON, or save what \
     /chat-server/user/{{hash}}/messages answers."
)]
pub struct TranscriptError(serde_json::Error);

/// A downloaded conversation with sealed texts.
pub struct Transcript(Vec<Sealed>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    seq: u64,
    id: Uuid,
    sender_name: String,
    message: String,
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
}

/// A message with its text, or with the reason why there is none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Opened<'a> {
    seq: u64,
    id: Uuid,
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
        let file: File = serde_json::from_slice(bytes).map_err(TranscriptError)?;
        Ok(Self(match file {
            File::Download(messages) => messages,
            File::Answer { data } => data.messages,
        }))
    }

    /// Writes the opened conversation as text or JSON. Returns how many messages have findings, which are
    /// written beside them.
    ///
    /// # Errors
    /// The error of the writer.
    pub fn write(&self, keys: &Keys, json: bool, mut out: impl Write) -> io::Result<usize> {
        let mut reader = Reader::of(self);
        let mut wrong = 0;
        let mut before = if json { "[\n" } else { "" };
        for sealed in &self.0 {
            let (contents, warnings) = reader.read(keys, sealed);
            wrong += usize::from(!warnings.is_empty());
            let text = contents.as_ref().map(|contents| contents.text.as_str());
            out.write_all(before.as_bytes())?;
            if json {
                let opened = Opened {
                    seq: sealed.seq,
                    id: sealed.id,
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
        match (json, self.0.is_empty()) {
            (true, true) => out.write_all(b"[]\n")?,
            (true, false) => out.write_all(b"\n]\n")?,
            (false, _) => {}
        }
        out.flush()?;
        Ok(wrong)
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

/// The seat of each name. The file has no seats, but the sealed texts do; each name keeps its first.
struct Reader<'a> {
    history: History,
    seats: HashMap<&'a str, Seat>,
}

impl<'a> Reader<'a> {
    fn of(transcript: &Transcript) -> Self {
        // The lowest rather than the first: the order may have been changed.
        let seqs = transcript.0.iter().map(|message| message.seq);
        let first = seqs.min().unwrap_or(1);
        Self {
            history: History::beginning_at(first),
            seats: HashMap::new(),
        }
    }

    fn read(&mut self, keys: &Keys, sealed: &'a Sealed) -> (Option<Contents>, Vec<String>) {
        let opened = Seat::BOTH.into_iter().find_map(|seat| {
            let contents = keys.open(seat, sealed.id, &sealed.message).ok()?;
            let at_other_name = self
                .seats
                .iter()
                .any(|(name, at)| *at == seat && *name != sealed.sender_name);
            let own = *self.seats.entry(&sealed.sender_name).or_insert(seat);
            (own == seat && !at_other_name).then_some((seat, contents))
        });
        let Some((seat, contents)) = opened else {
            self.history.skip(sealed.id);
            let warning = format!(
                "Message {} from {} does not open. It was changed on its way, or written for \
                 another chat.",
                sealed.seq, sealed.sender_name
            );
            return (None, vec![warning]);
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
        (Some(contents).filter(|_| shown), warnings)
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
