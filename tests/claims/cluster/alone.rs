//! The whole cluster on one machine that anybody can start.

use std::{net::TcpStream, path::PathBuf, sync::mpsc};

use loadtest::{
    cluster::{self, Options},
    servers::free_port,
};
use reqwest::Method;

use crate::support::{Api, Chat, Stream, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn one_command_starts_a_cluster_where_people_talk_and_leaves_nothing() {
    let port = free_port().unwrap();
    let options = Options {
        duet: Some(PathBuf::from(env!("CARGO_BIN_EXE_duet"))),
        port,
        postgres_servers: 1,
    };
    let (told, hears) = mpsc::channel();
    let running = tokio::spawn(async move {
        let say = |line: &str| told.send(line.to_owned()).unwrap();
        cluster::run(&options, say).await
    });
    let mut lines = Vec::new();
    eventually("it says how to stop it", async || {
        lines.extend(hears.try_iter());
        assert!(!running.is_finished(), "{lines:?}");
        let last = lines.iter().find(|line| line.contains("Ctrl-C"));
        last.map(drop)
    })
    .await;
    let address = format!("http://localhost:{port}");
    assert!(
        lines.iter().any(|line| line.contains(&address)),
        "{lines:?}"
    );
    let instances: Vec<u16> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("An instance of it is at http://127.0.0.1:"))
        .map(|rest| rest.trim_end_matches('/').parse().unwrap())
        .collect();
    assert_eq!(instances.len(), 2, "{lines:?}");

    let at = |port: u16| Api::at(([127, 0, 0, 1], port).into());
    let chat = Chat::begin_at(&at(port)).await;
    let mut streams = vec![chat.two.listen().await];
    for instance in &instances {
        let there = at(*instance).with(&chat.two.token);
        streams.push(Stream::open(there.call(Method::GET, &chat.path("stream"))).await);
    }
    for stream in &mut streams {
        stream.next_of("hello").await;
    }
    chat.one.say("Hello").await;
    for stream in &mut streams {
        assert_eq!(stream.next_texts(1).await, ["Hello"]);
    }

    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    for port in [port, instances[0], instances[1]] {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{port}");
    }
}
