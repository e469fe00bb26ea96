//! The format of notices on Redis: a version, so that an instance of another release can skip what it does not
//! understand and read the store instead; the publisher's boot id, so that it can ignore its own; and the notice as JSON.

use std::collections::BTreeMap;

use actors::domain::{Activity, Notice, Seat};
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

/// An activity: the value in an object whose key is the activity's word.
#[derive(Serialize, Deserialize)]
struct ActivityAt {
    seat: Seat,
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
    let written = match *notice {
        Notice::Activity { seat, activity } => {
            let by_word = BTreeMap::from([(activity.word(), ActivityAt { seat })]);
            serde_json::to_writer(&mut payload, &by_word)
        }
        _ => serde_json::to_writer(&mut payload, notice),
    };
    written.expect("strings and numbers are JSON");
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
            let known = serde_json::from_slice(notice).ok();
            let notice = known.or_else(|| read_activity(notice));
            notice.map_or(Arrived::Unknown, Arrived::Notice)
        }
        _ => Arrived::Unknown,
    }
}

fn read_activity(notice: &[u8]) -> Option<Notice> {
    let by_word: BTreeMap<String, ActivityAt> = serde_json::from_slice(notice).ok()?;
    let (word, ActivityAt { seat }) = by_word.into_iter().next()?;
    let activity = Activity::from_word(&word)?;
    Some(Notice::Activity { seat, activity })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::domain::{AskNumber, Marks, Message, MessageText, SeatChange, Timestamp};

    use super::*;

    #[test]
    fn own_notices_are_recognised_and_foreign_formats_are_unknown() {
        let (own, other) = (Boot::new_v4(), Boot::new_v4());
        let notice = Notice::Sessions;
        assert_eq!(
            read(&write(other, &notice), own),
            Arrived::Notice(notice.clone())
        );
        assert_eq!(read(&write(own, &notice), own), Arrived::Own);
        let mut newer = write(other, &notice);
        newer[0] += 1;
        let song = [&write(other, &notice)[..HEAD_LEN], b"{\"song\":{}}"].concat();
        for strange in [&b""[..], b"{}", &[VERSION; HEAD_LEN], &newer, &song] {
            assert_eq!(read(strange, own), Arrived::Unknown, "{strange:?}");
        }
    }

    #[test]
    fn notices_are_written_and_read_as_in_other_releases() {
        let (own, other) = (Boot::new_v4(), Boot::new_v4());
        let (seat, id) = (Seat::Two, Uuid::nil());
        let at = Timestamp::from_unix_ms(1_767_225_600_001);
        let message = Message {
            seq: 7,
            id,
            seat,
            text: MessageText::from_store("a \"b\"\n".into()),
            at,
        };
        let activity = Activity::Typing;
        let marks = Marks {
            delivered: 5,
            read: 3,
        };
        let asking = SeatChange::Asking(id, AskNumber::from_store(47));
        let presence = |online, last_seen| Notice::Presence {
            seat,
            online,
            last_seen,
        };
        let change = |change| Notice::Seat { seat, change };
        for (notice, json) in [
            (
                Notice::Message(Arc::new(message)),
                r#"{"message":{"seq":7,"id":"00000000-0000-0000-0000-000000000000","seat":2,"text":"a \"b\"\n","at":1767225600001}}"#,
            ),
            (
                Notice::Activity { seat, activity },
                r#"{"typing":{"seat":2}}"#,
            ),
            (
                Notice::Marks { seat, marks },
                r#"{"marks":{"seat":2,"delivered":5,"read":3}}"#,
            ),
            (
                presence(true, None),
                r#"{"presence":{"seat":2,"online":true,"last_seen":null}}"#,
            ),
            (
                presence(false, Some(at)),
                r#"{"presence":{"seat":2,"online":false,"last_seen":1767225600001}}"#,
            ),
            (
                change(SeatChange::Left),
                r#"{"seat":{"seat":2,"change":"left"}}"#,
            ),
            (
                change(asking),
                r#"{"seat":{"seat":2,"change":{"asking":["00000000-0000-0000-0000-000000000000",47]}}}"#,
            ),
            (Notice::Sessions, r#""sessions""#),
            (Notice::Ended { by: None }, r#"{"ended":{"by":null}}"#),
            (Notice::Ended { by: Some(seat) }, r#"{"ended":{"by":2}}"#),
        ] {
            let written = write(other, &notice);
            assert_eq!(str::from_utf8(&written[HEAD_LEN..]), Ok(json));
            assert_eq!(read(&written, own), Arrived::Notice(notice));
        }
    }

    #[test]
    fn a_field_that_this_release_does_not_know_is_skipped_and_a_mark_that_is_not_there_is_0() {
        let (own, other) = (Boot::new_v4(), Boot::new_v4());
        let mut written = write(other, &Notice::Sessions);
        written.truncate(HEAD_LEN);
        written.extend(br#"{"marks":{"seat":1,"read":3,"heard":2}}"#);
        let marks = Marks {
            delivered: 0,
            read: 3,
        };
        let seat = Seat::One;
        let notice = Notice::Marks { seat, marks };
        assert_eq!(read(&written, own), Arrived::Notice(notice));
    }
}
