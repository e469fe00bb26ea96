//! Whatever Redis is like at the start, chats are served; what will never do ends the start at once.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use harness::servers::{Authority, Postgres, Redis, free_port};

use super::refusing::refused;
use crate::support::{Chat, Server, Setup, eventually};

/// More than a few attempts, and less than anybody waits for.
const SOON: Duration = Duration::from_secs(20);

fn with_bus(url: &str) -> Setup {
    Setup::new().set("bus.url", url)
}

async fn bus_becomes(server: &Server, state: &str) {
    eventually("readiness tells of the bus", async || {
        let ready = server.ops().get("/health/ready").await;
        (ready.status == 200 && ready.json()["bus"] == state).then_some(())
    })
    .await;
}

/// It starts, serves, and says once why it does so alone.
async fn serves_without(url: &str, reason: &str) -> Server {
    let server = with_bus(url).start().await;
    bus_becomes(&server, "away").await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    chat.one.say("Hello").await;
    assert_eq!(stream.next_texts(1).await, ["Hello"]);
    let log = server.log();
    let said = log.matches("Redis is away; until it is back").count();
    assert!(said == 1 && log.contains(reason), "{said}: {log}");
    server
}

/// A server that answers everything with these bytes.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            thread::spawn(move || {
                let mut socket = socket?;
                let mut asked = [0; 4_096];
                while socket.read(&mut asked)? > 0 {
                    // One answer to each of the commands.
                    let commands = asked.iter().filter(|byte| **byte == b'*').count();
                    asked.fill(0);
                    socket.write_all(&bytes.repeat(commands.max(1)))?;
                }
                std::io::Result::Ok(())
            });
        }
    });
    address
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_served_without_until_it_comes() {
    let mut redis = Redis::start().unwrap();
    redis.kill();
    let server = serves_without(&redis.url(), "refused").await;
    redis.resume().unwrap();
    bus_becomes(&server, "up").await;
}

#[tokio::test]
async fn a_name_that_nobody_knows_yet_keeps_nobody_from_chatting() {
    serves_without("redis://nowhere.invalid", "lookup").await;
}

#[tokio::test]
async fn a_redis_that_is_out_of_memory_keeps_nobody_from_chatting() {
    let redis = Redis::start().unwrap();
    redis.command(&["config", "set", "maxmemory", "1"]).unwrap();
    let server = serves_without(&redis.url(), "OOM").await;
    redis.command(&["config", "set", "maxmemory", "0"]).unwrap();
    bus_becomes(&server, "up").await;
}

#[tokio::test]
async fn chatting_goes_on_while_redis_is_a_replica() {
    let redis = Redis::start().unwrap();
    let nobody = free_port().unwrap().to_string();
    redis.command(&["replicaof", "127.0.0.1", &nobody]).unwrap();
    // Without its master it answers MASTERDOWN, or READONLY to writes.
    let server = serves_without(&redis.url(), "Redis is away").await;
    redis.command(&["replicaof", "no", "one"]).unwrap();
    bus_becomes(&server, "up").await;
}

#[tokio::test]
async fn a_redis_with_no_connection_to_spare_keeps_nobody_from_chatting() {
    let redis = Redis::start().unwrap();
    let set = redis.command(&["config", "set", "maxclients", "1"]);
    assert_eq!(set.unwrap().trim(), "OK");
    // The connection that set this may still be open, and then the next one is refused.
    let mut taken = eventually("the one connection is taken", async || {
        let mut socket = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
        let mut answer = [0; 7];
        let _ = socket.write_all(b"PING\r\n");
        socket.read_exact(&mut answer).ok()?;
        (&answer == b"+PONG\r\n").then_some(socket)
    })
    .await;
    let server = serves_without(&redis.url(), "max number of clients").await;
    // By the one connection: a new one might be refused.
    let mut answer = [0; 5];
    taken.write_all(b"CONFIG SET maxclients 100\r\n").unwrap();
    taken.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
    bus_becomes(&server, "up").await;
}

#[tokio::test]
async fn a_redis_that_is_loading_keeps_nobody_from_chatting() {
    let address = answering(b"-LOADING Redis is loading the dataset in memory\r\n");
    serves_without(&format!("redis://{address}"), "loading the dataset").await;
}

/// What the guide gives duet's user, but for one of it.
fn rights_without(left_out: &str) -> Vec<String> {
    let guide = include_str!("../../../docs/redis.md");
    let (_, line) = guide.split_once("user duet on >SECRET ").unwrap();
    let rights = line.lines().next().unwrap().split_whitespace();
    let rights = rights.filter(|right| *right != left_out);
    rights.map(str::to_owned).collect()
}

#[tokio::test]
async fn each_right_that_serving_takes_is_missed_at_the_start() {
    let redis = Redis::start().unwrap();
    let allow = |rights: Vec<String>| {
        let user = ["ACL", "SETUSER", "duet", "reset", "on", ">SECRET"].map(str::to_owned);
        let words: Vec<String> = user.into_iter().chain(rights).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        redis.command(&words).unwrap();
    };
    let url = format!("redis://duet:SECRET@127.0.0.1:{}", redis.port());
    // For the doctor, for sentinels and for a cluster.
    let elsewhere = ["+time", "+info", "+role", "+cluster|info", "+cluster|slots"];
    let mut missed = 0;
    for right in rights_without("") {
        let Some(command) = right
            .strip_prefix('+')
            .filter(|_| !elsewhere.contains(&&*right))
        else {
            continue;
        };
        allow(rights_without(&right));
        let output = with_bus(&url).run();
        refused(
            &output,
            &["may not do all", &format!("'{command}'"), "bus.url"],
        );
        missed += 1;
    }
    assert_eq!(missed, 12);
    let several = ["+set", "+hdel", "+ssubscribe"];
    let mut rights = rights_without("");
    rights.retain(|right| !several.contains(&right.as_str()));
    allow(rights);
    let named = ["'set'", "'hdel'", "'ssubscribe'", "bus.url"];
    refused(&with_bus(&url).run(), &named);
    let mut rights = rights_without("");
    allow(rights.clone());
    let server = with_bus(&url).start().await;
    bus_becomes(&server, "up").await;

    let other_database = format!("{url}/2");
    refused(&with_bus(&other_database).run(), &["select", "bus.url"]);
    rights.push("+select".into());
    allow(rights);
    let server = with_bus(&other_database).start().await;
    bus_becomes(&server, "up").await;
}

#[test]
fn a_command_that_the_server_does_not_know_is_named() {
    for command in ["HELLO", "UNLINK", "SSUBSCRIBE"] {
        let redis = Redis::start_with(&["--rename-command", command, ""]).unwrap();
        let output = with_bus(&redis.url()).run();
        let told = refused(&output, &["Redis 7 or newer", "rename-command", "bus.url"]);
        assert!(command == "HELLO" || told.contains(command), "{told}");
    }
}

/// Where one side speaks TLS and the other does not, each waits for the other for ever.
#[test]
fn tls_on_one_side_only_is_reported_at_the_start() {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["localhost"]).unwrap();
    let (tls_port, issuer) = (free_port().unwrap().to_string(), authority.certificate());
    let (certificate, key) = (identity.certificate.display().to_string(), identity.key);
    let redis = Redis::start_with(&[
        "--tls-port",
        &tls_port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        key.to_str().unwrap(),
        "--tls-ca-cert-file",
        issuer.to_str().unwrap(),
    ]);
    let redis = redis.unwrap();
    for (url, words) in [
        (
            format!("rediss://localhost:{}", redis.port()),
            "without TLS",
        ),
        (format!("redis://localhost:{tls_port}"), "speaks TLS alone"),
    ] {
        let output = with_bus(&url).run();
        refused(&output, &[words, "bus.url", "localhost"]);
        assert_eq!(output.status.code(), Some(1), "{url}");
    }
}

#[tokio::test]
async fn instances_in_two_databases_of_one_redis_are_kept_apart() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let start = async |database: u8| {
        let setup = with_bus(&format!("{}/{database}", redis.url()));
        setup.set("store.url", postgres.url()).start().await
    };
    let (one, _two) = (start(1).await, start(2).await);
    let (own, other) = (
        format!("{}/1\"", redis.port()),
        format!("{}/2\"", redis.port()),
    );
    eventually("the log says who is on which", async || {
        let log = one.log();
        let mut lines = log.lines().filter(|line| line.contains("the bus is split"));
        lines.find(|line| line.contains(&own) && line.contains(&other))?;
        Some(())
    })
    .await;
}

#[test]
fn what_waiting_does_not_help_ends_the_start_at_once() {
    let redis = Redis::start_with(&["--requirepass", "right"]).unwrap();
    let port = redis.port();
    let web = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let sentinel = answering(b"_\r\n");
    let postgres = Postgres::start().unwrap();
    for (url, words) in [
        (
            format!("redis://:guessed@127.0.0.1:{port}"),
            "user and password",
        ),
        (format!("redis://127.0.0.1:{port}"), "wants a password"),
        (format!("redis://{web}"), "no Redis server"),
        (
            format!("redis+sentinel://{sentinel}/main"),
            "the sentinel does not know a master of this name: main.",
        ),
        (
            format!("redis://{}", postgres.address()),
            "PostgreSQL answers",
        ),
    ] {
        let began = Instant::now();
        let output = with_bus(&url).run();
        refused(&output, &[words, "bus.url"]);
        assert_eq!(output.status.code(), Some(1), "{url}");
        assert!(began.elapsed() < SOON, "{url}");
    }
}
