//! Two servers on one PostgreSQL and one Redis: who is let in, and who is not any more.

use std::time::{Duration, Instant};

use futures_util::future::join;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, task::JoinSet};

use crate::support::{
    Answer, Api, Chat, Person, Server, Setup, Twins, chat::register, chat::try_login, eventually,
    raw,
};

const RACES: usize = 1_000;
const AT_ONCE: usize = 10;

/// Longer than an instance may do nothing and still trust its memory.
const SLEEP: Duration = Duration::from_secs(2);

/// Both log in at the same moment; the one that was let in.
async fn race(one: &Api, two: &Api, hash: &str, name: &str) -> Value {
    let tries = join(
        try_login(one, hash, name, json!({})),
        try_login(two, hash, name, json!({})),
    );
    let (winners, losers): (Vec<Answer>, Vec<Answer>) = <[_; 2]>::from(tries.await)
        .into_iter()
        .partition(|answer| answer.status == 200);
    assert_eq!((winners.len(), losers.len()), (1, 1), "{winners:?}");
    losers[0].fails_as(409, "seat_taken");
    winners[0].ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_that_race_for_a_seat_exactly_one_lets_in_a_thousand_times() {
    let twins = Twins::start(Setup::new()).await;
    let mut races = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (one, two) = (twins.one.api(), twins.two.api());
        races.spawn(async move {
            let mut seats = 0;
            while seats < RACES / AT_ONCE {
                let hash = register(&one).await;
                for name in ["Abhi", "Anny"] {
                    let won = race(&one, &two, &hash, name).await;
                    // It is good on both, whichever it came from.
                    let path = format!("/chat-server/user/{hash}/sessions");
                    let winner = won["token"].as_str().unwrap();
                    let sessions = two.with(winner).get(&path).await.ok()["sessions"].clone();
                    assert_eq!(sessions.as_array().map(Vec::len), Some(1));
                    seats += 1;
                }
            }
            seats
        });
    }
    assert_eq!(races.join_all().await.iter().sum::<usize>(), RACES);
}

#[tokio::test]
async fn a_session_that_ends_on_one_server_ends_on_the_other() {
    let twins = Twins::start(Setup::new()).await;
    let chat = Chat::begin(&twins.one).await;
    let there = chat.one.at(&twins.two);
    let mut stream = there.listen().await;
    stream.next_of("hello").await;
    chat.one.log_out().await.ok();
    // Its streams there end, and what it proves itself with is worth nothing.
    stream.rest().await;
    there.get("messages").await.fails(401);
    // Its return code still is, on either.
    let code = json!({"returnCode": chat.one.return_code});
    Person::log_in_by(&twins.two.api(), &chat.hash, "Abhi", code).await;
}

/// Sends a request that asks for the connection to be closed, and reads no answer yet.
async fn send(server: &Server, person: &Person, leaf: &str) -> tokio::net::TcpStream {
    let mut socket = raw::connect(server.address).await;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        person.path(leaf),
        person.token,
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn a_server_that_wakes_serves_nothing_before_it_has_looked_into_the_store() {
    let mut twins = Twins::start(Setup::new()).await;
    let (left, over) = (Chat::begin(&twins.one).await, Chat::begin(&twins.one).await);
    for chat in [&left, &over] {
        // It knows both chats, and serves them from memory.
        chat.one.at(&twins.two).get("sessions").await.ok();
    }
    twins.two.signal("STOP");
    let stopped = Instant::now();
    left.one.log_out().await.ok();
    over.one.end().await.ok();
    // What is sent to it meanwhile waits, and is all that it finds: Redis is gone when it wakes.
    let mut waiting = Vec::new();
    for leaf in ["sessions", "messages"] {
        waiting.push((401, send(&twins.two, &left.one, leaf).await));
        waiting.push((410, send(&twins.two, &over.two, leaf).await));
    }
    eventually("it has slept for long enough", async || {
        (stopped.elapsed() > SLEEP).then_some(())
    })
    .await;
    twins.redis.kill();
    twins.two.signal("CONT");
    for (status, mut socket) in waiting {
        raw::read(&mut socket, "a request that waited")
            .await
            .fails(status);
    }
    // Whoever stayed is still in.
    left.two.at(&twins.two).get("messages").await.ok();
}
