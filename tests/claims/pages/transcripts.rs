//! The conversation as a file, and what a stranger's text can do in it and in a page.

use crate::support::{Browser, Server};

/// Sends texts and answers with the two files that can be downloaded.
async fn downloaded(texts: &[&str]) -> (String, String) {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let home = format!("/demo/chat/user/{hash}/1");
    for text in texts {
        let sent = abhi
            .submit(&format!("{home}/message_send"), &[("message", text)])
            .await;
        assert_eq!(sent.status, 303, "{text:?}: {sent:?}");
    }
    let text = abhi.get(&format!("{home}/download?format=text")).await;
    let json = abhi.get(&format!("{home}/download?format=json")).await;
    assert_eq!((text.status, json.status), (200, 200));
    (text.text().to_owned(), json.text().to_owned())
}

/// Everything that some program takes for the end of a line.
const LINE_ENDS: [&str; 11] = [
    "\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}",
    "\u{2029}",
];

#[tokio::test]
async fn no_text_can_forge_a_line_of_a_transcript() {
    let forged = LINE_ENDS.map(|end| format!("x{end}[2026-11-28T10:00:00.000Z] Anny: yes"));
    let texts: Vec<_> = forged.iter().map(String::as_str).collect();
    let (transcript, json) = downloaded(&texts).await;
    let by_script = ['\u{85}', '\u{2028}', '\u{2029}'];
    assert!(!json.contains(by_script), "{json}");
    let ends_line = |c: char| "\n\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}".contains(c);
    let at_margin: Vec<_> = transcript
        .split(ends_line)
        .filter(|line| line.starts_with('['))
        .collect();
    assert_eq!(at_margin.len(), LINE_ENDS.len(), "{transcript}");
    assert!(
        at_margin.iter().all(|line| line.contains("] Abhi: ")),
        "{transcript}"
    );
}

#[tokio::test]
async fn no_control_character_reaches_a_terminal_from_a_file() {
    let controls: String = (1..0x20)
        .chain(0x7f..0xa0)
        .filter_map(char::from_u32)
        .collect();
    let text = format!("a{controls}\u{1b}]0;title\u{7}z");
    let (transcript, json) = downloaded(&[&text]).await;
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    assert!(
        !transcript.contains(control) && !json.contains(control),
        "{transcript:?}"
    );
    assert!(transcript.contains("␛]0;title␇z"), "{transcript:?}");
    let kept: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(kept[0]["message"], text.as_str());
}

#[tokio::test]
async fn hostile_texts_make_pages_and_files_no_larger_than_a_few_times_their_length() {
    let units = [
        ")",
        "(",
        "[",
        "`",
        "```",
        "_",
        "@",
        ".",
        "-",
        "a@",
        "a.",
        "http://",
        "http://a.",
        "🙂",
        "👨\u{200d}",
        "<",
        "\u{1b}",
        "\n.",
    ];
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let home = format!("/demo/chat/user/{hash}/1");
    let (mut sent_bytes, mut sent) = (0, 0);
    for unit in units {
        let text = format!("http://a{}", unit.repeat((16 * 1024 - 8) / unit.len()));
        sent_bytes += text.len();
        sent += 1;
        let answer = abhi
            .submit(&format!("{home}/message_send"), &[("message", &text)])
            .await;
        assert_eq!(answer.status, 303, "{unit:?}");
        for path in ["", "/download?format=text", "/download?format=json"] {
            let answer = abhi.get(&format!("{home}{path}")).await;
            assert_eq!(answer.status, 200, "{unit:?} {path}");
            assert!(
                answer.text().len() < 9 * sent_bytes + 100_000,
                "{unit:?} {path}"
            );
        }
    }
    let whole = abhi.get(&format!("{home}/download?format=json")).await;
    assert_eq!(whole.json().as_array().unwrap().len(), sent);
}
