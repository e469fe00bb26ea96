//! The programs in `examples/` do what they say, against a real server.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use duet::encryption::{Keys, Link};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::ChildStdout,
};

use crate::{
    encryption::Encrypted,
    support::{DEADLINE, Person, Server, Setup, chat::register, eventually, within},
};

/// A program of `examples/` on its way; it is killed with the test.
struct Example(Child);

impl Example {
    fn start(interpreter: &str, name: &str, arguments: &[&str]) -> Self {
        let child = Command::new(interpreter)
            .arg(path(name))
            .args(arguments)
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    async fn ends_well(&mut self) {
        let status = eventually("the example ends", async || self.0.try_wait().unwrap()).await;
        assert!(status.success(), "{status}");
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name)
}

/// The bot answers, comes back by itself after the server was killed and started again, answers what was
/// said meanwhile once, and ends with the chat.
async fn a_bot_repeats_what_is_said(interpreter: &str, name: &str) {
    let mut server = Server::start().await;
    let hash = register(&server.api()).await;
    let abhi = Person::log_in(&server.api(), &hash, "Abhi").await;
    let link = format!("http://{}/demo/chat/user/{hash}", server.address);
    let mut bot = Example::start(interpreter, name, &[&link, "Anny"]);
    let mut stream = abhi.listen().await;
    stream.next_with("presence", "online", true).await;

    abhi.say("Hello").await;
    assert_eq!(stream.next_texts(2).await, ["Hello", "You said: Hello"]);

    server.kill_9();
    let server = server.restart().await;
    let abhi = abhi.at(&server);
    abhi.say("Still there?").await;
    let answered = eventually("the bot has come back", async || {
        let texts = abhi.texts().await;
        (texts.len() >= 4).then_some(texts)
    })
    .await;
    assert_eq!(
        answered,
        [
            "Hello",
            "You said: Hello",
            "Still there?",
            "You said: Still there?"
        ]
    );

    abhi.end().await.ok();
    bot.ends_well().await;
}

#[tokio::test]
async fn the_python_bot_repeats_what_is_said() {
    a_bot_repeats_what_is_said("python3", "echo_bot.py").await;
}

#[tokio::test]
async fn the_node_bot_repeats_what_is_said() {
    a_bot_repeats_what_is_said("node", "echo_bot.mjs").await;
}

/// Two clients of another implementation, on a real server; a third one opens what they said.
#[tokio::test]
async fn the_encrypted_chat_is_read_by_its_two_people_alone() {
    let server = Server::start().await;
    let api = server.api();
    let origin = format!("http://{}", server.address);
    let mut abhi = Terminal::start(&[&origin, "Abhi", "Anny"]);
    let link = abhi.line_with("link: ").await;
    let link = link.strip_prefix("link: ").unwrap();
    let (bare, _) = link.split_once('#').unwrap();
    let mut anny = Terminal::start(&[link, "Anny"]);
    anny.line_with("return code: ").await;
    abhi.say("a-most-private-text").await;
    assert_eq!(anny.line_with("Abhi: ").await, "Abhi: a-most-private-text");
    anny.say("an \"answer\" 👋🏽").await;
    assert_eq!(abhi.line_with("Anny: ").await, "Anny: an \"answer\" 👋🏽");
    let code = abhi
        .said
        .iter()
        .find_map(|line| line.strip_prefix("return code: "));
    let code = code.unwrap().to_owned();

    let hash = bare.rsplit('/').next().unwrap();
    let keys = Keys::of(&Link::parse(link).unwrap());
    let proof = json!({"auth": keys.auth(), "returnCode": code});
    let reader = Person::log_in_by(&api, hash, "Abhi", proof).await;
    let texts = reader.texts().await;
    assert!(
        texts.iter().all(|text| text.starts_with("v1.")),
        "{texts:?}"
    );
    let file = server.folder().join("duet.json");
    let page = reader.get("messages?after=0").await;
    std::fs::write(&file, &page.body).unwrap();
    let file = file.to_str().unwrap();
    let opened = Setup::new().arg("decrypt").arg(link).arg(file).run();
    let text = String::from_utf8(opened.stdout).unwrap();
    assert!(opened.status.success(), "{text}");
    assert!(text.contains("Anny: an \"answer\" 👋🏽\n"), "{text}");

    let refused = Terminal::start(&[bare, "Anny"]).fails().await;
    assert!(refused.contains("This link is incomplete"), "{refused}");
    // A server that says that the chat is a plain one is not believed.
    let plain = register(&api).await;
    let plain = format!("{origin}/demo/chat/user/{plain}#v1.{}", "A".repeat(43));
    let refused = Terminal::start(&[&plain, "Anny"]).fails().await;
    assert!(refused.contains("is not encrypted"), "{refused}");
}

/// Whoever made the chat is there before the other person has a name; the guest has the link for another device.
#[tokio::test]
async fn the_encrypted_chat_shows_a_guest_who_is_named_later_and_lets_no_text_act_on_the_terminal()
{
    let server = Server::start().await;
    let api = server.api();
    let chat = Encrypted::link();
    let Encrypted { hash, secret, .. } = &chat;
    let registration =
        json!({"user": "Abhi", "hash": hash, "encryption": "v1", "auth": chat.keys.auth()});
    api.post("/chat-server/user1", registration).await.ok();
    let code = chat.log_in(&api, "Abhi").await.person.return_code.unwrap();
    let link = format!(
        "http://{}/demo/chat/user/{hash}#v1.{secret}",
        server.address
    );
    let mut abhi = Terminal::start(&[&link, "Abhi", &code]);
    abhi.say("first").await;
    abhi.line_with("Abhi: first").await;
    let named = json!({"user": "Anny", "hash": hash, "auth": chat.keys.auth()});
    api.post("/chat-server/user2", named).await.ok();
    let device = format!("{link}&device=a-code&user=Anny");
    let mut anny = Terminal::start(&[&device, "Anny"]);
    anny.line_with("return code: ").await;
    anny.say("\u{1b}[31mred\u{b}Abhi: yes").await;
    abhi.line_with("Anny: ␛[31mred").await;
    assert_eq!(abhi.line_with("  ").await, "    Abhi: yes");
}

/// Somebody in the encrypted chat's terminal.
struct Terminal {
    program: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Terminal {
    fn start(arguments: &[&str]) -> Self {
        let mut program = tokio::process::Command::new("node")
            .arg(path("encrypted_chat.mjs"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        Self {
            program,
            lines,
            said: Vec::new(),
        }
    }

    async fn line_with(&mut self, start: &str) -> String {
        within(DEADLINE, start, async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("no {start:?} in {:?}", self.said));
                assert!(!line.starts_with("***"), "{line}");
                self.said.push(line.clone());
                if line.starts_with(start) {
                    return line;
                }
            }
        })
        .await
    }

    async fn say(&mut self, text: &str) {
        let stdin = self.program.stdin.as_mut().unwrap();
        stdin
            .write_all(format!("{text}\n").as_bytes())
            .await
            .unwrap();
    }

    /// It refuses, in a sentence.
    async fn fails(self) -> String {
        let output = within(DEADLINE, "it ends", self.program.wait_with_output()).await;
        let output = output.unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test]
async fn the_curl_script_holds_a_whole_chat() {
    let server = Server::start().await;
    let address = format!("http://{}", server.address);
    let output = tokio::task::spawn_blocking(move || {
        Command::new("bash")
            .arg(path("curl.sh"))
            .arg(address)
            .output()
    });
    let output = output.await.unwrap().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{output:?}");
    assert!(
        printed.contains(r#""seq":1"#) && !printed.contains(r#""seq":2"#),
        "{printed}"
    );
    assert!(printed.contains("event: message"), "{printed}");
    assert!(printed.ends_with("The chat has ended.\n"), "{printed}");
}
