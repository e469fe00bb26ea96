//! Texts.

use serde_json::json;

use super::{Expect, KIB, MALFORMED, Row, SEND, data, row, wrong};

/// The rows.
pub fn rows() -> Vec<Row> {
    let text = |text: &str| json!({ "message": text });
    let long = Expect::Fails(413, "message_too_long", Some("message"));
    let filled = |length: usize| {
        let body = r#"{"data":{"message":"good: full"}}"#;
        body.to_owned() + &" ".repeat(length - body.len())
    };
    let kib16 = |last: &str| "good".to_owned() + &"x".repeat(16 * KIB - 5) + last;
    vec![
        data("empty", SEND, text(""), wrong("message")),
        data(
            "blank",
            SEND,
            text(" \t\r\n\u{3000}\u{a0}"),
            wrong("message"),
        ),
        data("only U+200B", SEND, text("\u{200b}"), wrong("message")),
        data(
            "only U+3164",
            SEND,
            text("\u{3164} \u{3164}"),
            wrong("message"),
        ),
        data("only U+2800", SEND, text("\u{2800}"), wrong("message")),
        data(
            "only marks that hide",
            SEND,
            text("\u{202e}\u{2066}\u{feff}\u{fffc}"),
            wrong("message"),
        ),
        data(
            "only controls",
            SEND,
            text("\u{1b}\u{7}\n"),
            wrong("message"),
        ),
        data("U+0000", SEND, text("a\u{0}b"), wrong("message")),
        row(
            "a lone surrogate",
            SEND,
            r#"{"message":"\ud800"}"#,
            wrong("message"),
        ),
        row(
            "a lone surrogate",
            SEND,
            r#"{"message":"\udc00 x"}"#,
            wrong("message"),
        ),
        row(
            "swapped",
            SEND,
            r#"{"message":"\udc00\ud800"}"#,
            wrong("message"),
        ),
        row(
            "a pair",
            SEND,
            r#"{"message":"good: \ud83d\ude42"}"#,
            Expect::Ok,
        ),
        row("a bad escape", SEND, r#"{"message":"\x41"}"#, MALFORMED),
        row(
            "a raw line break",
            SEND,
            "{\"message\":\"a\nb\"}",
            MALFORMED,
        ),
        data("16 KiB", SEND, text(&kib16("x")), Expect::Ok),
        data("16 KiB and 1", SEND, text(&kib16("xx")), long),
        data("16 KiB and a half character", SEND, text(&kib16("é")), long),
        row("a body of 64 KiB", SEND, filled(64 * KIB), Expect::Ok),
        row(
            "a body of 64 KiB and 1",
            SEND,
            filled(64 * KIB + 1),
            Expect::Fails(413, "body_too_large", None),
        ),
        data(
            "two recipients",
            SEND,
            json!({"message": "x", "reciever": "Anny",
            "receiver": "Abhi"}),
            wrong("receiver"),
        ),
        data(
            "unknown fields",
            SEND,
            json!({"message": "good: x", "seq": 99, "admin": true,
            "data": {"message": "inner"}}),
            Expect::Ok,
        ),
        row(
            "a field twice",
            SEND,
            r#"{"message":"a","message":"b"}"#,
            MALFORMED,
        ),
        row(
            "invalid UTF-8",
            SEND,
            b"{\"message\":\"a\xc3\x28\"}",
            MALFORMED,
        ),
        row(
            "overlong UTF-8",
            SEND,
            b"{\"message\":\"\xc0\x80\"}",
            MALFORMED,
        ),
        row(
            "a surrogate in UTF-8",
            SEND,
            b"{\"message\":\"\xed\xa0\x80\"}",
            MALFORMED,
        ),
    ]
}
