//! A disk that stops taking writes while duet runs, as one does that the system has made read-only after
//! an error: nothing acknowledged is lost, it says so everywhere, and it recovers by itself.

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::support::{Chat, Server, Setup, eventually};

/// A server that is told of a write which the system refuses, and not killed for it. Its log goes
/// through a pipe, because what is refused are writes to files.
async fn start() -> Server {
    let script = "trap '' XFSZ; [ -p says ] || mkfifo says; cat says >>log & exec 2>says";
    let setup = Setup::new().set("limits.sweep_seconds", 1);
    setup.after(script).start().await
}

/// Lets the system refuse every write of the server to a file, or take them again.
fn refuse_writes(server: &Server, refused: bool) {
    let pid = i32::try_from(server.id()).unwrap();
    let limit = Rlimit {
        current: refused.then_some(0),
        maximum: None,
    };
    prlimit(Pid::from_raw(pid), Resource::Fsize, limit).unwrap();
}

async fn becomes_ready(server: &Server, ready: bool) {
    eventually("readiness and the metric tell of the disk", async || {
        let answer = server.ops().get("/health/ready").await;
        let up = server.metric("duet_store_up").await;
        let (status, value) = if ready { (200, 1.0) } else { (503, 0.0) };
        let told = ready || answer.json()["reason"] == "store";
        (answer.status == status && up == value && told).then_some(())
    })
    .await;
}

async fn until_logged(server: &Server, words: &str, times: usize) {
    eventually(&format!("the log says {words}"), async || {
        (server.log().matches(words).count() == times).then_some(())
    })
    .await;
}

#[tokio::test]
async fn on_a_read_only_disk_nothing_is_lost_and_sends_are_refused() {
    let mut server = start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    let mut said = Vec::new();
    for round in 1..=2 {
        said.push(format!("Before {round}"));
        chat.one.say(said.last().unwrap()).await;

        refuse_writes(&server, true);
        let id = uuid::Uuid::new_v4();
        let text = format!("Meanwhile {round}");
        let refused = chat.one.say_as(id, &text).await;
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        refused.fails_as(503, "unavailable");
        for _ in 0..3 {
            let refused = chat.one.say_as(id, &text).await;
            refused.fails_as(503, "unavailable");
        }
        becomes_ready(&server, false).await;
        until_logged(&server, "the store takes no writes failure", round).await;
        // Not a line for every message.
        until_logged(&server, "messages are not stored", round).await;
        // What is there can be read, and the stream stays open.
        assert_eq!(chat.two.texts().await, said);
        // What cannot be carried out says so.
        let end = chat.two.end().await;
        assert!(end.text().contains("cannot end the chat"), "{end:?}");
        end.fails_as(503, "unavailable");
        chat.two.log_out().await.fails_as(503, "unavailable");
        let names = json!({"userOne": "Abhi", "userTwo": "Anny"});
        let api = server.api();
        let register = api.post("/chat-server/register", names);
        register.await.fails_as(503, "unavailable");

        refuse_writes(&server, false);
        becomes_ready(&server, true).await;
        until_logged(&server, "the store takes writes again", round).await;
        // The same again is stored once.
        chat.one.say_as(id, &text).await.ok();
        said.push(text);
        assert_eq!(chat.two.texts().await, said);
        until_logged(&server, "messages are stored again", round).await;
    }
    assert_eq!(stream.next_texts(said.len()).await, said);

    // It is stopped while the disk refuses: what was acknowledged is there all the same.
    refuse_writes(&server, true);
    becomes_ready(&server, false).await;
    assert_eq!(server.terminate().await.code(), Some(0));
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    assert_eq!(chat.two.texts().await, said);
    chat.two.end().await.ok();
}
