//! Names, wherever a name is given.

use serde_json::json;

use super::{LOGIN, REGISTER, Row, SEND, data, wrong};

/// The rows.
pub fn rows() -> Vec<Row> {
    let long = "x".repeat(41);
    let longer = "é".repeat(41);
    let bad = [
        "",
        " ",
        "\u{3000}\u{2003}",
        "a\u{0}b",
        "a\u{7}b",
        "a\nb",
        "a\u{7f}b",
        "a\u{85}b",
        "a\u{200b}b",
        "a\u{200d}b",
        "a\u{2060}b",
        "a\u{feff}b",
        "a\u{ad}b",
        "a\u{202e}b",
        "a\u{202a}b",
        "a\u{2066}b",
        "a\u{2069}b",
        "a\u{200e}b",
        "a\u{61c}b",
        "a\u{2028}b",
        "\u{e0041}",
        "\u{180e}",
        "\u{3164}",
        "\u{fffc}",
        "\u{16fe4}",
        "\u{301}",
        "\u{2800}",
        "\u{1d159}",
        "\u{fe0f}",
        "a\u{e0041}",
        "a\u{e000}",
        "a\u{fffc}b",
        "\u{feff}a b\u{feff}",
        "علی\u{200c}",
        &long,
        &longer,
    ];
    let mut rows = Vec::new();
    for name in bad {
        let what = format!("the name {name:?}");
        let both = |one: &str, two: &str| json!({"userOne": one, "userTwo": two});
        rows.push(data(&what, REGISTER, both(name, "Anny"), wrong("userOne")));
        rows.push(data(&what, REGISTER, both("Abhi", name), wrong("userTwo")));
        let user = json!({"user": name});
        rows.push(data(&what, "/chat-server/user1", user, wrong("user")));
        let user = json!({"user": name, "hash": "HASH"});
        rows.push(data(
            &what,
            "/chat-server/user2",
            user.clone(),
            wrong("user"),
        ));
        rows.push(data(&what, LOGIN, user.clone(), wrong("user")));
        rows.push(data(
            &what,
            "/chat-server/user/Anny/login/ask",
            user,
            wrong("user"),
        ));
        for field in ["senderName", "reciever", "receiver"] {
            let message = json!({"message": "x", field: name});
            rows.push(data(&what, SEND, message, wrong(field)));
        }
    }
    for (one, two) in [
        ("Abhi", "Abhi"),
        ("Abhi", " aBHI "),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
        ("A❤\u{fe0f}", "a❤"),
        ("👩\u{200d}💻", "👩💻"),
        ("Zoe\u{308}", "zoë"),
        ("A B", "A  B"),
        ("A B", "A\u{a0}B"),
        ("A B", "a \u{2003}\u{3000}b"),
        ("A B", "\u{3000}A\u{2009}\u{202f}B\u{1680}"),
        ("علی\u{200c}رضا", "علیرضا"),
    ] {
        let same = json!({"userOne": one, "userTwo": two});
        rows.push(data(
            &format!("{one} and {two}"),
            REGISTER,
            same,
            wrong("userTwo"),
        ));
    }
    rows
}
