//! Starting and stopping.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::refusing::refused;
use crate::support::{Chat, Server, Setup, server::exists};

#[tokio::test]
async fn it_makes_its_folder_says_where_it_is_and_how_to_stop_it() {
    let server = Server::start().await;
    let said = server.said();
    assert_eq!(
        said[0],
        format!("duet is running at http://{}/", server.address)
    );
    assert!(said.last().unwrap().contains("Ctrl-C"), "{said:?}");
    assert!(exists(&server.database()));
    assert_eq!(server.front().get("/demo/chat/register").await.status, 200);
}

#[tokio::test]
async fn a_process_that_was_killed_leaves_nothing_in_the_way() {
    let mut server = Server::start().await;
    server.kill_9();
    server.restart().await;
}

#[tokio::test]
async fn the_environment_overrides_the_file_and_the_file_the_defaults() {
    let file = "[limits]\nmessages_per_chat = 1\nstreams_per_seat = 1\n";
    let server = Setup::new()
        .file(file)
        .set("limits.messages_per_chat", 2)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    chat.one.say("a").await;
    chat.one.say("b").await;
    let full = chat.one.post("message_send", json!({"message": "c"})).await;
    full.fails(409);
    let _open = chat.one.listen().await;
    let one_more = chat.one.api.call(Method::GET, &chat.path("stream"));
    one_more.send().await.fails(429);
}

#[tokio::test]
async fn an_empty_list_in_the_environment_is_an_empty_list() {
    let server = Setup::new()
        .set("limits.exempt_addresses", "")
        .set("limits.registrations_per_address_per_minute", 1)
        .start()
        .await;
    let reserve = async || server.api().post("/chat-server/hash", json!({})).await;
    reserve().await.ok();
    reserve().await.fails(429);
}

#[tokio::test]
async fn what_only_looks_like_a_setting_is_none() {
    // What Kubernetes puts into a pod beside a service named duet, and a slip.
    let server = Setup::new()
        .env("DUET_SERVICE_HOST", "10.0.0.1")
        .env("DUET_PORT", "tcp://10.0.0.1:80")
        .env("DUET_PORT_80_TCP_ADDR", "10.0.0.1")
        .env("DUET_SERVER_BIND", "127.0.0.1:1")
        .start()
        .await;
    let log = server.log();
    assert!(
        log.contains("DUET_SERVER__BIND would be server.bind"),
        "{log}"
    );
    assert_eq!(log.matches("is no setting").count(), 1, "{log}");
}

#[tokio::test]
async fn an_address_is_taken_as_it_is_plainly_meant() {
    let server = Setup::new()
        .set("server.bind", "localhost:0")
        .set("server.trusted_proxies", "10.0.0.1, 192.168.0.0/16,::1")
        .start()
        .await;
    assert!(server.address.ip().is_loopback());
    Chat::begin(&server).await;
}

#[tokio::test]
async fn an_instance_that_stops_ends_its_streams_and_exits_with_success() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut streams = [chat.one.listen().await, chat.two.listen().await];
    for stream in &mut streams {
        stream.next_of("hello").await;
    }
    let began = Instant::now();
    server.ask_to_stop();
    for stream in &mut streams {
        // They end without the word that the chat is over: it is not.
        let rest = stream.rest().await;
        assert!(rest.iter().all(|block| block.event != "ended"), "{rest:?}");
    }
    let status = server.wait().await;
    assert_eq!(status.code(), Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn an_instance_that_stops_finishes_the_sends_it_accepted() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut sends = JoinSet::new();
    for number in 0..200 {
        let (person, path) = (chat.one.clone(), chat.path("message_send"));
        sends.spawn(async move {
            let body = json!({"message": number.to_string()});
            let call = person.api.call(Method::POST, &path).json(body);
            let answer = call.try_send().await?;
            (answer.status == 200).then(|| answer.ok()["seq"].as_u64().unwrap())
        });
    }
    let first = sends.join_next().await.unwrap().unwrap();
    server.ask_to_stop();
    let mut answered: Vec<u64> = first.into_iter().collect();
    while let Some(sent) = sends.join_next().await {
        answered.extend(sent.unwrap());
    }
    assert_eq!(server.wait().await.code(), Some(0));
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    let page = chat.one.get("messages?limit=200").await.ok();
    let stored = page["messages"].as_array().unwrap().len() as u64;
    answered.sort_unstable();
    assert_eq!(answered, (1..=stored).collect::<Vec<_>>());
}

#[test]
fn a_system_that_allows_too_few_threads_or_files_is_named() {
    // A stack larger than the memory of any machine.
    let threads = Setup::new().env("RUST_MIN_STACK", 1_u64 << 50);
    let files = Setup::new()
        .after("ulimit -n 100")
        .set("server.workers", 64);
    for setup in [threads, files] {
        let told = setup.run();
        refused(&told, &["server.workers", "LimitNOFILE", "TasksMax"]);
        assert_eq!(told.status.code(), Some(1));
    }
}

#[tokio::test]
async fn as_many_files_may_be_open_as_the_system_allows() {
    let server = Setup::new().after("ulimit -Sn 64").start().await;
    assert!(server.metric("process_max_fds").await > 64.0);
    // Fewer than there may be streams.
    let setup = Setup::new().after("ulimit -n 300");
    let server = setup.start().await;
    assert_eq!(server.metric("process_max_fds").await, 300.0);
    let log = server.log();
    assert!(log.contains("limits.streams_per_instance"), "{log}");
    let setup = Setup::new().after("ulimit -n 300");
    let server = setup.set("limits.streams_per_instance", 200).start().await;
    assert!(!server.log().contains("WARN"), "{}", server.log());
}
