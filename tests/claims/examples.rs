//! The programs in `examples/` do what they say, against a real server.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::support::{Person, Server, chat::register, eventually};

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
