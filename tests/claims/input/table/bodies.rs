//! Bodies that are no JSON object of the wanted kind, wherever they go.

use super::{Expect, KIB, LOGIN, MALFORMED, REGISTER, Row, SEND, missing, row, wrong};

/// The rows.
pub fn rows() -> Vec<Row> {
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let nested = deep("[", "]");
    let objects = deep("{\"a\":", "}").replace(":}", ":{}}");
    let mut rows = Vec::new();
    for path in [REGISTER, LOGIN, SEND, "/chat-server/user/HASH/receipt"] {
        let bad: [(&str, Vec<u8>); 14] = [
            ("an empty document", b" ".into()),
            ("half an object", br#"{"data": {"user": "#.into()),
            ("an array", b"[]".into()),
            ("an array in an array", nested.clone().into()),
            ("a string", br#""data""#.into()),
            ("a number", b"5".into()),
            ("true", b"true".into()),
            ("null", b"null".into()),
            ("two documents", b"{}{}".into()),
            ("a comment", b"{} // done".into()),
            ("single quotes", b"{'data': {}}".into()),
            ("not a number", br#"{"data": {"read": NaN}}"#.into()),
            (
                "UTF-16",
                "{\"data\":{}}"
                    .encode_utf16()
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            ),
            (
                "invalid UTF-8",
                b"{\"data\":{\"message\":\"\xff\xfe\"}}".into(),
            ),
        ];
        rows.extend(bad.map(|(what, body)| row(what, path, body, MALFORMED)));
        for (what, body) in [
            ("data is a number", r#"{"data":5}"#),
            ("data is an array", r#"{"data":[{}]}"#),
            ("data is a string", r#"{"data":"{}"}"#),
            ("data is false", r#"{"data":false}"#),
        ] {
            rows.push(row(what, path, body, wrong("data")));
        }
        rows.push(row(
            "an overlong document",
            path,
            " ".repeat(64 * KIB + 1),
            Expect::Fails(413, "body_too_large", None),
        ));
        for (what, kind) in [
            ("text", "text/plain"),
            ("a form", "application/x-www-form-urlencoded"),
        ] {
            let unsupported = Expect::Fails(415, "unsupported_media_type", None);
            let row = row(what, path, "{}", unsupported);
            rows.push(Row { kind, ..row });
        }
    }
    rows.push(row("objects in objects", SEND, objects, missing("message")));
    let deep_text = format!(r#"{{"message":{nested}}}"#);
    rows.push(row("a deep text", SEND, deep_text, wrong("message")));
    let ignored = format!(r#"{{"message":"good: deep","unknown":{nested}}}"#);
    rows.push(row("deep in an unknown field", SEND, ignored, Expect::Ok));
    rows
}
