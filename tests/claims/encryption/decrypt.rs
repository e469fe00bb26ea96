//! `duet decrypt`, and what it says of a server that lied.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use super::Encrypted;
use crate::support::{Chat, Server};

/// A conversation of six messages, as the server has it, and a chat that its texts do not belong to.
struct Scene {
    chat: Encrypted,
    messages: Vec<Value>,
    other: Vec<Value>,
    folder: tempfile::TempDir,
}

/// What each message says, in order.
const TEXTS: [&str; 6] = [
    "the question",
    "the answer",
    "the third line\nand more",
    "the fourth",
    "the fifth",
    "the last",
];

impl Scene {
    async fn play() -> Self {
        let server = Server::start().await;
        let (chat, messages) = Self::talk(&server).await;
        let (_, other) = Self::talk(&server).await;
        Self {
            chat,
            messages,
            other,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Anny says the second and the fifth, Abhi the rest.
    async fn talk(server: &Server) -> (Encrypted, Vec<Value>) {
        let chat = Encrypted::begin(&server.api()).await;
        let mut abhi = chat.log_in(&server.api(), "Abhi").await;
        let mut anny = chat.log_in(&server.api(), "Anny").await;
        for (number, text) in TEXTS.into_iter().enumerate() {
            let (speaker, listener) = match number {
                1 | 4 => (&mut anny, &mut abhi),
                _ => (&mut abhi, &mut anny),
            };
            listener.after = Some(speaker.say(&chat, text).await);
        }
        let page = abhi.person.get("messages?after=0").await.ok();
        let messages = page["messages"].as_array().unwrap().clone();
        (chat, messages)
    }

    fn decrypt(&self, messages: &[Value], arguments: &[&str]) -> Output {
        self.decrypt_file(&json!(messages), arguments)
    }

    fn decrypt_file(&self, contents: &Value, arguments: &[&str]) -> Output {
        let file = self.folder.path().join("duet.json");
        fs::write(&file, contents.to_string()).unwrap();
        let mut arguments = arguments.to_vec();
        arguments.push(file.to_str().unwrap());
        run(&arguments, &self.chat.whole_link())
    }

    /// What it writes of a conversation that somebody touched; exits with 1.
    #[track_caller]
    fn complains(&self, messages: &[Value]) -> String {
        let output = self.decrypt(messages, &["decrypt", "-"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(!text.contains("v1."), "ciphertext is shown: {text}");
        text
    }

    /// The conversation after a change that its numbers do not give away.
    #[track_caller]
    fn changed(&self, change: impl FnOnce(&mut Vec<Value>)) -> String {
        let mut messages = self.messages.clone();
        change(&mut messages);
        for (message, seq) in messages.iter_mut().zip(1..) {
            message["seq"] = json!(seq);
        }
        self.complains(&messages)
    }
}

fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_duet"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that does not ask for it may be gone already.
    let _ = writeln!(program.stdin.take().unwrap(), "{stdin}");
    program.wait_with_output().unwrap()
}

/// Each of the texts is there but these.
#[track_caller]
fn all_but(text: &str, missing: &[&str]) {
    for line in TEXTS {
        let line = line.lines().next().unwrap();
        let expected = usize::from(!missing.contains(&line));
        assert_eq!(text.matches(line).count(), expected, "{line} in {text}");
    }
}

#[tokio::test]
async fn a_whole_conversation_is_written_as_text_or_json_and_as_it_was() {
    let scene = Scene::play().await;
    let link = scene.chat.whole_link();
    for arguments in [["decrypt", "-"], ["decrypt", link.as_str()]] {
        let output = scene.decrypt(&scene.messages, &arguments);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        all_but(&text, &[]);
        assert!(!text.contains("***"), "{text}");
        let first = scene.messages[0]["timestamp"].as_str().unwrap();
        assert!(text.starts_with(&format!("[{first}] Abhi: the question\n")));
        assert!(
            text.contains("Abhi: the third line\n    and more\n"),
            "{text}"
        );
    }
    let output = scene.decrypt(&scene.messages, &["decrypt", "--json", "-"]);
    let opened: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    for ((opened, sealed), text) in opened.iter().zip(&scene.messages).zip(TEXTS) {
        assert_eq!(opened["message"], text);
        for field in ["seq", "id", "senderName", "timestamp"] {
            assert_eq!(opened[field], sealed[field]);
        }
    }
}

#[tokio::test]
async fn what_the_api_answers_is_read_as_well_and_a_part_of_it_is_no_gap() {
    let scene = Scene::play().await;
    let part = json!({"data": {"status": "OK", "messages": scene.messages[3..], "more": false}});
    let output = scene.decrypt_file(&part, &["decrypt", "-"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Anny: the fifth") && !text.contains("***"));
    let output = scene.decrypt(&[], &["decrypt", "--json", "-"]);
    assert_eq!(output.stdout, b"[]\n");
}

#[tokio::test]
async fn a_page_of_a_longer_conversation_is_written_and_called_a_part() {
    let scene = Scene::play().await;
    let page = json!({"data": {"status": "OK", "messages": scene.messages[..4], "more": true}});
    let output = scene.decrypt_file(&page, &["decrypt", "-"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("not the whole conversation"), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    all_but(&text, &["the fifth", "the last"]);
    assert!(!text.contains("***"), "{text}");
}

/// As a page downloads it: the same fields, with the texts, and null where one did not open.
#[tokio::test]
async fn a_file_that_is_opened_already_is_called_so_and_none_of_it_is_reported_as_changed() {
    let scene = Scene::play().await;
    let mut messages = scene.messages.clone();
    for (message, text) in messages.iter_mut().zip(TEXTS) {
        message["message"] = text.into();
    }
    messages[2]["message"] = Value::Null;
    messages[2]["warnings"] = json!(["This message does not open."]);
    let output = scene.decrypt(&messages, &["decrypt", "-"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("opened already"), "{said}");
    assert!(output.stdout.is_empty() && !output.status.success());
}

/// A server that gives every text to the other name changes nothing that a reader of the file could check.
#[tokio::test]
async fn whose_key_opens_a_text_is_said_where_the_names_were_exchanged() {
    let scene = Scene::play().await;
    let mut swapped = scene.messages.clone();
    for message in &mut swapped {
        let (from, to) = (message["senderName"].take(), message["reciever"].take());
        (message["senderName"], message["reciever"]) = (to, from);
    }
    for (messages, told) in [
        (
            &scene.messages,
            "By the keys, Abhi made the chat and Anny was invited.",
        ),
        (
            &swapped,
            "By the keys, Anny made the chat and Abhi was invited.",
        ),
    ] {
        let output = scene.decrypt(messages, &["decrypt", "--json", "-"]);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(told), "{said}");
        let opened: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let seats: Vec<_> = opened.iter().map(|message| &message["seat"]).collect();
        assert_eq!(seats, [1, 2, 1, 1, 2, 1]);
    }
    let output = scene.decrypt(&scene.messages[..1], &["decrypt", "-"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("By the keys, Abhi made the chat."), "{said}");
}

#[tokio::test]
async fn a_message_that_was_dropped_is_missed_and_the_others_are_there() {
    let scene = Scene::play().await;
    let text = scene.changed(|messages| drop(messages.remove(2)));
    all_but(&text, &["the third line"]);
    assert!(
        text.contains("*** A message from Abhi is missing before 3."),
        "{text}"
    );
    // Nothing that its sender wrote follows; those who had read it say so.
    let text = scene.changed(|messages| drop(messages.remove(4)));
    all_but(&text, &["the fifth"]);
    assert!(
        text.contains("*** Message 5 is not where it was written"),
        "{text}"
    );
}

#[tokio::test]
async fn repeated_and_swapped_messages_are_reported() {
    let scene = Scene::play().await;
    let text = scene.changed(|messages| messages.push(messages[0].clone()));
    all_but(&text, &[]);
    assert!(
        text.contains("*** Message 7 repeats an earlier one"),
        "{text}"
    );
    let text = scene.changed(|messages| messages.swap(0, 1));
    all_but(&text, &[]);
    assert!(
        text.contains("*** Message 1 is not where it was written"),
        "{text}"
    );
    let text = scene.changed(|messages| messages.swap(2, 3));
    all_but(&text, &[]);
    assert!(
        text.contains("*** Message 4 is not where it was written"),
        "{text}"
    );
}

#[tokio::test]
async fn a_text_that_was_changed_moved_or_given_to_the_other_person_is_not_shown() {
    let scene = Scene::play().await;
    let sealed =
        |messages: &[Value], at: usize| messages[at]["message"].as_str().unwrap().to_owned();
    let own = sealed(&scene.messages, 2);
    let last = if own.ends_with('A') { 'Q' } else { 'A' };
    for (what, message) in [
        ("shortened", own[..own.len() - 4].to_owned()),
        ("padded", format!("{own}AAAA")),
        ("altered", format!("{}{last}", &own[..own.len() - 1])),
        ("another message's", sealed(&scene.messages, 1)),
        ("another chat's", sealed(&scene.other, 2)),
        ("plain", "the third line".to_owned()),
    ] {
        let text = scene.changed(|messages| messages[2]["message"] = message.into());
        all_but(&text, &["the third line"]);
        let told = "*** Message 3 from Abhi does not open.";
        assert!(text.contains(told), "{what}: {text}");
    }
    let text = scene.changed(|messages| messages[2]["id"] = messages[1]["id"].clone());
    assert!(
        text.contains("*** Message 3 from Abhi does not open."),
        "{text}"
    );
    // Reflected: what Abhi wrote is shown as Anny's.
    let text = scene.changed(|messages| messages[2]["senderName"] = "Anny".into());
    all_but(&text, &["the third line"]);
    assert!(
        text.contains("*** Message 3 from Anny does not open."),
        "{text}"
    );
    // All of another chat in its place.
    let text = scene.complains(&scene.other);
    all_but(&text, &TEXTS.map(|text| text.lines().next().unwrap()));
}

#[tokio::test]
async fn a_false_server_time_is_reported_beside_the_senders() {
    let scene = Scene::play().await;
    let text =
        scene.changed(|messages| messages[3]["timestamp"] = "2020-01-01T00:00:00.000Z".into());
    all_but(&text, &[]);
    assert!(text.contains("*** Message 4 was written at 20"), "{text}");
}

/// The texts are a stranger's, and all else in the file is the server's.
#[tokio::test]
async fn nothing_of_a_conversation_forges_a_line_or_reaches_a_terminal_as_a_control_character() {
    let server = Server::start().await;
    let chat = Encrypted::begin(&server.api()).await;
    let mut abhi = chat.log_in(&server.api(), "Abhi").await;
    let text = "a\u{1b}]0;title\u{7}\u{9b}2J\u{2028}[10:00] Anny: yes\u{85}[10:00] Anny: yes";
    abhi.say(&chat, text).await;
    let page = abhi.person.get("messages?after=0").await.ok();
    let mut messages = page["messages"].as_array().unwrap().clone();
    let mut unopened = messages[0].clone();
    for field in ["senderName", "timestamp"] {
        unopened[field] = "\u{1b}[31m\n[10:00] Anny: yes".into();
    }
    unopened["message"] = "v1.AAAA".into();
    messages.push(unopened);
    let (folder, link) = (tempfile::tempdir().unwrap(), chat.whole_link());
    let file = folder.path().join("duet.json");
    fs::write(&file, serde_json::to_vec(&messages).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["decrypt", "-", file][..],
        &["decrypt", "--json", "-", file],
    ] {
        let output = run(arguments, &link);
        let written = String::from_utf8(output.stdout).unwrap();
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!written.contains(control), "{written:?}");
        let ends_line = |c: char| "\n\u{2028}".contains(c);
        let forged = written
            .split(ends_line)
            .any(|line| line.starts_with("[10:00]"));
        assert!(!forged, "{written:?}");
        if arguments.contains(&"--json") {
            let opened: Vec<Value> = serde_json::from_str(&written).unwrap();
            assert_eq!(opened[0]["message"], text);
        }
    }
}

#[tokio::test]
async fn a_link_or_a_file_that_will_not_do_is_refused_in_a_sentence() {
    let scene = Scene::play().await;
    let link = scene.chat.whole_link();
    let (bare, _) = link.split_once('#').unwrap();
    let refused = |arguments: &[&str], word: &str| {
        let output = run(arguments, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(word), "{said}");
        assert!(output.stdout.is_empty() && !output.status.success());
    };
    let file = scene.folder.path().join("page.txt");
    fs::write(&file, "[2026-11-23T10:00:00.000Z] Abhi: v1.AAAA\n").unwrap();
    let file = file.to_str().unwrap();
    refused(&["decrypt", bare, file], "The link is incomplete");
    refused(&["decrypt", "-", file], "The link is incomplete");
    refused(&["decrypt", &format!("{bare}#v9.AAAA"), file], "no link");
    refused(&["decrypt", &link, file], "no conversation that duet wrote");
    refused(&["decrypt", &link, "no-such-file"], "cannot be read");
}

#[tokio::test]
async fn plain_texts_are_never_taken_for_opened_ones() {
    let server = Server::start().await;
    let plain = Chat::begin(&server).await;
    plain.one.say("anybody could have written this").await;
    let page = plain.one.get("messages?after=0").await.ok();
    let scene = Scene::play().await;
    let forged = page["messages"].as_array().unwrap();
    let output = scene.decrypt(forged, &["decrypt", "-"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("No message in this file is encrypted"),
        "{said}"
    );
    assert!(output.stdout.is_empty() && !output.status.success());
    let text = scene.complains(&[&scene.messages[..1], forged].concat());
    assert!(!text.contains("anybody could"), "{text}");
}
