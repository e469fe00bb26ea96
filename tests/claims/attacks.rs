//! Whoever means ill gets nothing: while an attack goes on two people talk, and the memory of the
//! server stays bounded. `make attack` runs the same with as many connections as a machine has.

mod http2;
mod names;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actors::domain::{ChatKey, PairHash, Token};
use futures_util::future::join_all;
use rand::{Rng, RngExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
    time::timeout,
};

use crate::support::{Api, Chat, DEADLINE, Server, Setup, eventually, raw, within};

/// How many connections an attack holds; `DUET_ATTACK_CONNECTIONS` in the environment says another
/// number.
const CONNECTIONS: usize = 200;
/// How much more memory an attack may cost, whatever it sends: so much, and for each connection what
/// one answer takes with what was sent ahead of it, over HTTP/2 two answers and a hundred requests.
const MEMORY_BYTES_MAX: u64 = 60 << 20;
const HTTP1_BYTES_MAX: u64 = 192 << 10;
const HTTP2_BYTES_MAX: u64 = 448 << 10;
/// And how much longer until the last of so many is cut off, on a busy machine.
const CONNECTION_DEADLINE: Duration = Duration::from_millis(40);
/// How long a message may take from its sender to its reader meanwhile, where the number of
/// connections was told: on a machine that does nothing else.
const DELIVERY_MAX: Duration = Duration::from_secs(2);
/// A request that is answered.
const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
/// Between two bytes of somebody who is slow on purpose.
const TRICKLE: Duration = Duration::from_millis(200);

fn connections_told() -> Option<usize> {
    let told = std::env::var("DUET_ATTACK_CONNECTIONS").ok();
    told.map(|count| count.parse().unwrap())
}

fn connections() -> usize {
    connections_told().unwrap_or(CONNECTIONS)
}

/// A server that loses patience soon.
fn impatient() -> Setup {
    Setup::new()
        .set("limits.request_seconds", 2)
        .set("limits.stalled_stream_seconds", 2)
}

/// Two people meet, talk and part. Answers with the longest that a message took to be acknowledged
/// and delivered.
async fn talk(api: &Api) -> Duration {
    let chat = Chat::begin_at(api).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let text = number.to_string();
        let begin = Instant::now();
        chat.one.say(&text).await;
        assert_eq!(stream.next_texts(1).await, [text]);
        slowest = slowest.max(begin.elapsed());
    }
    chat.two.end().await.ok();
    stream.next_of("ended").await;
    slowest
}

/// Threads for those who attack, so that whoever is honest waits for the server and not for them.
struct Elsewhere(Option<Runtime>);

impl Elsewhere {
    fn new() -> Self {
        Self(Some(Runtime::new().unwrap()))
    }

    fn runtime(&self) -> &Runtime {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // Inside another runtime it must not be waited for.
        self.0.take().unwrap().shutdown_background();
    }
}

/// A chat that holds more than one page does.
async fn long_chat(api: &Api) -> Chat {
    let chat = Chat::begin_at(api).await;
    let long = "x".repeat(16 * 1024);
    join_all((0..20).map(|_| chat.one.say(&long))).await;
    chat
}

/// Attacks on many connections at once, each until the server has closed it, while two people talk.
async fn under<A, F>(server: &Server, attack: A)
where
    A: Fn(TcpStream) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    beside(server, &server.api(), HTTP1_BYTES_MAX, attack).await;
}

/// The same, while they talk through this client.
async fn beside<A, F>(server: &Server, api: &Api, connection_bytes_max: u64, attack: A)
where
    A: Fn(TcpStream) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    talk(api).await;
    let before = server.resident_bytes();
    let elsewhere = Elsewhere::new();
    let mut attackers = JoinSet::new();
    for _ in 0..connections() {
        let connecting = raw::connect(server.address);
        let socket = elsewhere.runtime().spawn(connecting).await.unwrap();
        attackers.spawn_on(attack(socket), elsewhere.runtime().handle());
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..3 {
        slowest = slowest.max(talk(api).await);
    }
    let after = server.resident_bytes();
    let cost_max = MEMORY_BYTES_MAX + connection_bytes_max * connections() as u64;
    let told = format!(
        "{before} bytes before the attack, {after} in it; the slowest message took {slowest:?}"
    );
    println!("{told}");
    assert!(after < before + cost_max, "{told}");
    assert!(
        connections_told().is_none() || slowest < DELIVERY_MAX,
        "{told}"
    );
    let deadline = DEADLINE * 4 + CONNECTION_DEADLINE * connections() as u32;
    within(deadline, "every attacker is cut off", async {
        while let Some(attacker) = attackers.join_next().await {
            attacker.unwrap();
        }
    })
    .await;
    talk(api).await;
}

/// Writes one byte of this at a time, until the server closes.
async fn trickle(mut socket: TcpStream, bytes: impl Iterator<Item = u8>) {
    let mut heard = Vec::new();
    for byte in bytes {
        if socket.write_all(&[byte]).await.is_err() {
            return;
        }
        let read = timeout(TRICKLE, socket.read_buf(&mut heard)).await;
        if let Ok(Ok(0) | Err(_)) = read {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_trickle_in_are_cut_off_and_hold_nobody_up() {
    let server = impatient().start().await;
    under(&server, |mut socket| async move {
        // Some of them have been served before.
        if rand::rng().random() {
            let _ = socket.write_all(LIVE).await;
        }
        let begin = b"GET /demo/chat/register HTTP/1.1\r\nHost: x\r\n".iter();
        let endless = begin
            .chain(b"X-Slow: and slower\r\n".iter().cycle())
            .copied();
        trickle(socket, endless).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_trickle_in_are_cut_off_and_hold_nobody_up() {
    let server = impatient().start().await;
    under(&server, |socket| async {
        let head = "POST /chat-server/register HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\
                    Content-Type: application/json\r\n\r\n";
        let mut socket = socket;
        let _ = socket.write_all(head.as_bytes()).await;
        trickle(socket, std::iter::repeat(b' ')).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_are_cut_off_and_hold_nobody_up() {
    let server = impatient().start().await;
    under(&server, |mut socket| async move {
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_do_not_read_are_cut_off_and_hold_nobody_up() {
    let server = impatient().start().await;
    let chat = long_chat(&server.api()).await;
    let request = Arc::new(format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        chat.path("messages?limit=200"),
        chat.one.token,
    ));
    under(&server, |mut socket| {
        let request = request.clone();
        async move {
            // One after the other, as often as it is taken, and not a byte of the answers read.
            while socket.write_all(request.as_bytes()).await.is_ok() {}
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_answered_and_hung_up_on() {
    let server = impatient().start().await;
    under(&server, |mut socket| async move {
        let kinds: [&[u8]; 6] = [
            b"\r\n\r\n\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzzzz\r\n",
            b"POST /chat-server/hash HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\xff\xff\xff\xff\xff",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"GET /%00%ff%fe/../../../etc/passwd HTTP/1.1\r\nHost: \x01\r\n\r\n",
        ];
        let mut bytes = LIVE.repeat(50);
        bytes.extend_from_slice(kinds[rand::rng().random_range(0..kinds.len())]);
        let mut noise = vec![0; 20_000];
        rand::rng().fill_bytes(&mut noise);
        bytes.extend_from_slice(&noise);
        let mut heard = Vec::new();
        let (mut read, mut write) = socket.split();
        let _ = tokio::join!(write.write_all(&bytes), read.read_to_end(&mut heard));
        let answers = String::from_utf8_lossy(&heard);
        assert!(answers.starts_with("HTTP/1.1 200"), "{answers}");
    })
    .await;
}

#[tokio::test]
async fn a_head_without_an_end_is_refused() {
    let server = Server::start().await;
    let mut socket = raw::connect(server.address).await;
    let endless = "X-Long: and longer\r\n".repeat(100_000);
    let _ = socket.write_all(b"GET / HTTP/1.1\r\n").await;
    let _ = socket.write_all(endless.as_bytes()).await;
    let refused = raw::read(&mut socket, "GET /").await;
    refused.fails_as(431, "head_too_large");
    talk(&server.api()).await;
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_no_more() {
    let setup = Setup::new().set("limits.connections_per_address", 5);
    let server = setup.no_exemptions().start().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut socket = raw::connect(server.address).await;
        socket.write_all(LIVE).await.unwrap();
        // It was let in.
        assert!(socket.read(&mut [0; 512]).await.unwrap() > 0);
        held.push(socket);
    }
    let is_alive = async || {
        let call = server.front().call(reqwest::Method::GET, "/health/live");
        call.try_send()
            .await
            .is_some_and(|answer| answer.status == 200)
    };
    eventually("one more is refused", async || {
        (!is_alive().await).then_some(())
    })
    .await;
    held.pop();
    eventually("there is room again", async || {
        is_alive().await.then_some(())
    })
    .await;
}

/// Whatever somebody without a seat tries a link or a secret at, they are soon told to wait.
#[tokio::test]
async fn guessing_is_bounded_on_every_path() {
    let server = Setup::new()
        .set("limits.requests_per_address_per_second", 1)
        .set("limits.requests_per_address_burst", 5)
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await;
    let pages = "/demo/chat/user";
    let api = "/chat-server/user";
    let json = r#"{"user": "Abhi", "hash": "HASH"}"#;
    let both = r#"{"userOne": "Abhi", "userTwo": "Anny", "hash": "HASH"}"#;
    let mut requests = vec![
        ("GET", format!("{pages}/HASH"), ""),
        ("POST", format!("{pages}/HASH/login"), "user=Abhi"),
        ("POST", format!("{pages}/HASH/login/ask"), "user=Abhi"),
        ("GET", format!("{pages}/HASH/login/ask/TOKEN"), ""),
        ("GET", format!("{pages}/HASH/1"), ""),
        ("GET", format!("{pages}/HASH/1/stream"), ""),
        (
            "POST",
            format!("{pages}/HASH/1/message_send"),
            "message=Hello",
        ),
        ("GET", format!("{api}/HASH/messages"), ""),
        ("GET", format!("{api}/HASH/stream"), ""),
        ("POST", format!("{api}/logout"), "{}"),
        ("POST", format!("{api}/Abhi/login"), json),
        ("POST", format!("{api}/Abhi/login/ask"), json),
        ("GET", format!("{api}/Abhi/login/ask/TOKEN"), ""),
        ("POST", "/chat-server/user1".into(), json),
        ("POST", "/chat-server/user2".into(), json),
        ("POST", "/chat-server/register".into(), both),
        ("POST", format!("{api}/endchat"), "{}"),
        ("GET", format!("{api}/HASH/sessions"), ""),
        ("GET", format!("{pages}/HASH/1/sessions"), ""),
        ("GET", format!("{pages}/HASH/1/download"), ""),
    ];
    let id = uuid::Uuid::new_v4();
    let (answer, answered) = (
        format!(r#"{{"ask": "{id}", "allow": true}}"#),
        format!("ask={id}&allow=true"),
    );
    let (session, of_session) = (format!(r#"{{"id": "{id}"}}"#), format!("id={id}"));
    for (leaf, json, form) in [
        ("message_send", r#"{"message": "Hello"}"#, "message=Hello"),
        (
            "receipt",
            r#"{"delivered": 1, "read": 1}"#,
            "delivered=1&read=1",
        ),
        ("typing", "{}", ""),
        ("answer", &answer, &answered),
        ("device", "{}", ""),
        ("return_code", "{}", ""),
        ("sessions/end", &session, &of_session),
    ] {
        requests.push(("POST", format!("{api}/HASH/{leaf}"), json));
        requests.push(("POST", format!("{pages}/HASH/1/{leaf}"), form));
    }
    for leaf in ["endchat", "logout", "return_code/saved"] {
        requests.push(("POST", format!("{pages}/HASH/1/{leaf}"), "x=y"));
    }
    for (number, (method, path, body)) in requests.iter().enumerate() {
        let tries = (0..30).map(|_| {
            // A link that could be one, and a token that could be of that very chat.
            let hash = PairHash::generate(&mut rand::rng());
            let token = Token::generate(ChatKey::of(&hash), &mut rand::rng()).reveal();
            let filled = |text: &str| text.replace("HASH", hash.as_str()).replace("TOKEN", &token);
            let kind = match body.starts_with('{') {
                true => "application/json",
                false => "application/x-www-form-urlencoded",
            };
            server
                .front()
                .call(method.parse().unwrap(), &filled(path))
                .token(&token)
                .header("Cookie", &format!("duet={token}"))
                .header("X-Forwarded-For", &format!("192.0.2.{number}"))
                .body(kind, filled(body))
                .send()
        });
        // All at once: a slow machine gives nobody more tries.
        let answers = join_all(tries).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!(statuses.contains(&429), "{method} {path}: {statuses:?}");
    }
}
