//! Whether a conversation is whole: nothing missing, repeated or moved.

use std::collections::{HashMap, HashSet};

use actors::domain::{Seat, Seq, Timestamp};
use uuid::Uuid;

use super::Contents;

/// How far the server's time of a message may be from its writer's clock before it is worth a
/// word, in milliseconds.
const CLOCKS_APART_MS: i64 = 300_000;

/// Something that the server did to a conversation, or let happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// So many messages of this sender are missing before this one.
    Missing(u32),
    /// What the sender had read when writing this is not there, or not before it.
    Moved,
    /// The same message stood here before.
    Repeated,
    /// It was written at this time, by its sender's clock; the server says otherwise.
    WrittenAt(Timestamp),
}

/// Looks at the opened messages of a chat, in the order the server gives.
#[derive(Debug)]
pub struct History {
    /// Whether it began with the chat's first message. Otherwise what is referred to may lie
    /// before the part at hand, and is not missed.
    from_start: bool,
    seen: HashSet<(Seat, Uuid)>,
    known: HashSet<Uuid>,
    numbers: HashMap<(Seat, [u8; 8]), u32>,
}

impl History {
    /// Begins with a message of this `seq`.
    pub fn beginning_at(seq: Seq) -> Self {
        Self {
            from_start: seq <= 1,
            seen: HashSet::new(),
            known: HashSet::new(),
            numbers: HashMap::new(),
        }
    }

    /// Takes note of a message that does not open, so that whoever had read it is not blamed.
    pub fn skip(&mut self, id: Uuid) {
        self.known.insert(id);
    }

    /// What is to be said of the next message.
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
            // It stands after one that was sent later.
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
    use zeroize::Zeroizing;

    use super::*;

    struct Sent {
        seat: Seat,
        id: Uuid,
        contents: Contents,
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_764_000_000_000 + seconds * 1_000)
    }

    fn sent(seat: Seat, session: u8, number: u32, after: Option<&Sent>) -> Sent {
        Sent {
            seat,
            id: Uuid::new_v4(),
            contents: Contents {
                session: [session; 8],
                number,
                after: after.map(|sent| sent.id),
                written_at: at(0),
                text: Zeroizing::new("Hello".into()),
            },
        }
    }

    fn findings(of: &[&Sent]) -> Vec<Vec<Finding>> {
        let mut history = History::beginning_at(1);
        of.iter()
            .map(|sent| history.check(sent.seat, sent.id, &sent.contents, at(1)))
            .collect()
    }

    const NONE: Vec<Finding> = Vec::new();

    #[test]
    fn a_whole_conversation_raises_nothing() {
        let first = sent(Seat::One, 1, 1, None);
        let answer = sent(Seat::Two, 2, 1, Some(&first));
        let second = sent(Seat::One, 1, 2, Some(&first));
        let elsewhere = sent(Seat::One, 3, 1, Some(&second));
        let all = [&first, &answer, &second, &elsewhere];
        assert_eq!(findings(&all), vec![NONE; 4]);
    }

    #[test]
    fn a_dropped_message_is_missed_by_number_or_by_who_had_read_it() {
        let first = sent(Seat::One, 1, 1, None);
        let second = sent(Seat::One, 1, 2, Some(&first));
        let third = sent(Seat::One, 1, 3, Some(&second));
        assert_eq!(
            findings(&[&first, &third]),
            [NONE, vec![Finding::Missing(1)]]
        );
        // All of a session is missing, and the next one, or the answer, had read it.
        let lone = sent(Seat::Two, 7, 1, Some(&second));
        assert_eq!(findings(&[&first, &lone]), [NONE, vec![Finding::Moved]]);
    }

    #[test]
    fn messages_that_are_repeated_or_swapped_are_told() {
        let question = sent(Seat::One, 1, 1, None);
        let answer = sent(Seat::Two, 2, 1, Some(&question));
        let next = sent(Seat::One, 1, 2, Some(&answer));
        assert_eq!(
            findings(&[&question, &question]),
            [NONE, vec![Finding::Repeated]]
        );
        assert_eq!(
            findings(&[&answer, &question]),
            [vec![Finding::Moved], NONE]
        );
        let swapped = findings(&[&next, &question, &answer]);
        assert_eq!(swapped[0], [Finding::Missing(1)]);
        assert_eq!(swapped[1], [Finding::Moved]);
    }

    #[test]
    fn a_part_of_a_conversation_is_not_blamed_for_where_it_begins() {
        let earlier = sent(Seat::One, 1, 1, None);
        let later = sent(Seat::One, 1, 2, Some(&earlier));
        let last = sent(Seat::One, 1, 4, Some(&later));
        let mut history = History::beginning_at(2);
        let mut check = |sent: &Sent| history.check(sent.seat, sent.id, &sent.contents, at(1));
        assert_eq!(check(&later), NONE);
        assert_eq!(check(&last), [Finding::Missing(1)]);
    }

    #[test]
    fn a_time_that_the_server_made_up_is_told() {
        let sent = sent(Seat::One, 1, 1, None);
        let said = |seconds| {
            let mut history = History::beginning_at(1);
            history.check(sent.seat, sent.id, &sent.contents, at(seconds))
        };
        assert_eq!(said(299), NONE);
        for off in [301, -301] {
            assert_eq!(said(off), [Finding::WrittenAt(at(0))]);
        }
    }
}
