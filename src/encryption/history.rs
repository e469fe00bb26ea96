//! Checks that a conversation is complete: no message missing, repeated or moved.

use std::collections::{HashMap, HashSet};

use actors::domain::{Seat, Seq, Timestamp};
use uuid::Uuid;

use super::Contents;

/// How far the server's time of a message may differ from its sender's clock before that is reported, in
/// milliseconds.
const CLOCKS_APART_MS: i64 = 300_000;

/// An inconsistency that the server caused or allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// This many messages of the sender are missing before this one.
    Missing(u32),
    /// The message that the sender had last read is missing, or comes later.
    Moved,
    /// The same message came before.
    Repeated,
    /// The time by the sender's clock, which differs from the server's.
    WrittenAt(Timestamp),
}

/// Checks the opened messages of a chat in the server's order.
#[derive(Debug)]
pub struct History {
    /// Whether it starts at the chat's first message. Otherwise references may point before the part at hand,
    /// and are not reported.
    from_start: bool,
    seen: HashSet<(Seat, Uuid)>,
    known: HashSet<Uuid>,
    numbers: HashMap<(Seat, [u8; 8]), u32>,
}

impl History {
    /// Starts at the message with this `seq`.
    pub fn beginning_at(seq: Seq) -> Self {
        Self {
            from_start: seq <= 1,
            seen: HashSet::new(),
            known: HashSet::new(),
            numbers: HashMap::new(),
        }
    }

    /// Records a message that does not open, so that those who had read it are not reported.
    pub fn skip(&mut self, id: Uuid) {
        self.known.insert(id);
    }

    /// The findings about the next message.
    pub fn check(
        &mut self,
        seat: Seat,
        id: Uuid,
        contents: &Contents,
        at: Timestamp,
    ) -> Vec<Finding> {
        if !self.seen.insert((seat, id)) {
            return vec![Finding::Repeated];
        }
        let mut findings = Vec::new();
        let before = if self.from_start {
            0
        } else {
            contents.number - 1
        };
        let numbers = &mut self.numbers;
        let last = numbers.entry((seat, contents.session)).or_insert(before);
        if contents.number <= *last {
            // It comes after a message that was sent later.
            findings.push(Finding::Moved);
        } else {
            match contents.number - *last - 1 {
                0 => {}
                missing => findings.push(Finding::Missing(missing)),
            }
            *last = contents.number;
        }
        let unknown = |after: Uuid| self.from_start && !self.known.contains(&after);
        if findings.is_empty() && contents.after.is_some_and(unknown) {
            findings.push(Finding::Moved);
        }
        self.known.insert(id);
        let apart = at.unix_ms() - contents.written_at.unix_ms();
        if apart.abs() > CLOCKS_APART_MS {
            findings.push(Finding::WrittenAt(contents.written_at));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use zeroize::Zeroizing;

    use super::*;

    /// The same conversations as in `views/tests/seal.test.mjs`.
    const VECTORS: &str = include_str!("../../docs/encryption/vectors.json");

    #[derive(Deserialize)]
    struct Vectors {
        conversations: Vec<Conversation>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Conversation {
        why: String,
        first_seq: Seq,
        messages: Vec<Said>,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Opened(Opened),
        Sealed { id: Uuid, opens: bool },
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Opened {
        seat: i64,
        id: Uuid,
        session: String,
        number: u32,
        after: Option<Uuid>,
        written_at: i64,
        at: i64,
        findings: Vec<String>,
    }

    fn told(finding: &Finding) -> String {
        match finding {
            Finding::Missing(count) => format!("missing {count}"),
            Finding::Moved => "moved".into(),
            Finding::Repeated => "repeated".into(),
            Finding::WrittenAt(at) => format!("written {}", at.unix_ms()),
        }
    }

    #[test]
    fn a_conversation_is_complete_or_each_finding_is_reported_in_its_place() {
        let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
        assert!(!vectors.conversations.is_empty());
        for conversation in vectors.conversations {
            let mut history = History::beginning_at(conversation.first_seq);
            for said in conversation.messages {
                let said = match said {
                    Said::Opened(said) => said,
                    Said::Sealed { id, opens } => {
                        assert!(!opens, "{} is not understood", conversation.why);
                        history.skip(id);
                        continue;
                    }
                };
                let session = u64::from_str_radix(&said.session, 16).unwrap();
                let contents = Contents {
                    session: session.to_be_bytes(),
                    number: said.number,
                    after: said.after,
                    written_at: Timestamp::from_unix_ms(said.written_at),
                    text: Zeroizing::new("Hello".into()),
                };
                let seat = Seat::try_from(said.seat).unwrap();
                let at = Timestamp::from_unix_ms(said.at);
                let found = history.check(seat, said.id, &contents, at);
                let found: Vec<String> = found.iter().map(told).collect();
                assert_eq!(found, said.findings, "{}", conversation.why);
            }
        }
    }
}
