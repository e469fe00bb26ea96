//! The whole cluster on one machine that anybody can start.

use std::{
    net::TcpStream,
    ops::ControlFlow,
    sync::{Arc, mpsc},
    time::Duration,
};

use harness::{
    client::{Client, Message},
    servers::free_port,
    stream::{Signal, Subscription},
};
use loadtest::cluster::{self, Options};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{sleep, timeout},
};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn one_command_starts_a_cluster_where_people_talk_and_leaves_nothing() {
    let port = free_port().unwrap();
    let options = Options {
        duet: Some(crate::duet()),
        port,
        postgres_servers: 1,
    };
    let (said, lines) = mpsc::channel();
    let running = tokio::spawn(async move {
        let say = |line: &str| said.send(line.to_owned()).unwrap();
        cluster::run(&options, say).await
    });
    let lines = timeout(PATIENCE, until_it_runs(&lines)).await.unwrap();
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

    let client = Client::new(&address).await.unwrap();
    let hash = client.register("Abhi", "Anny", None).await.unwrap().hash;
    let abhi = client.login(&hash, "Abhi", None).await.unwrap();
    let anny = Arc::new(client.login(&hash, "Anny", None).await.unwrap());
    let (seen, mut shown) = unbounded_channel();
    let mut streams = tokio::task::JoinSet::new();
    for (number, port) in [port, instances[0], instances[1]].into_iter().enumerate() {
        let client = Client::new(&format!("http://127.0.0.1:{port}")).await;
        let stream = Subscription::new(Arc::new([client.unwrap()]), 0, Arc::clone(&anny));
        let seen = seen.clone();
        streams.spawn(stream.follow(move |signal| {
            if let Signal::Event(event) = signal {
                let text = Message::of(&event).map(|message| message.unwrap().text.into_owned());
                // Nobody counts any more at the end of the test.
                let _ = seen.send((number, text.unwrap_or_else(|| event.kind.to_owned())));
            }
            ControlFlow::Continue(())
        }));
    }
    until_all_show(&mut shown, "hello").await;
    client.send(&abhi, Uuid::new_v4(), "Hello").await.unwrap();
    until_all_show(&mut shown, "Hello").await;
    streams.shutdown().await;

    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    for port in [port, instances[0], instances[1]] {
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "{port}");
    }
}

/// What it has said by the time it says how to stop it.
async fn until_it_runs(lines: &mpsc::Receiver<String>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match lines.try_recv() {
            Ok(line) => all.push(line),
            Err(mpsc::TryRecvError::Empty) => sleep(Duration::from_millis(50)).await,
            Err(mpsc::TryRecvError::Disconnected) => panic!("it has ended: {all:?}"),
        }
        if all.last().is_some_and(|line| line.contains("Ctrl-C")) {
            return all;
        }
    }
}

/// Waits until each of the three streams has shown this.
async fn until_all_show(shown: &mut UnboundedReceiver<(usize, String)>, what: &str) {
    let mut by = [false; 3];
    let all = async {
        while by != [true; 3] {
            let (number, text) = shown.recv().await.expect("the streams are open");
            by[number] |= text == what;
        }
    };
    timeout(PATIENCE, all).await.unwrap();
}
