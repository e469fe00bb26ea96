//! Clients that go away, and clients that do not read.

use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::support::{Chat, DEADLINE, Person, Server, Setup, Stream, eventually, within};

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn a_page_that_is_closed_is_noticed_within_a_second() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let mut fastest = DEADLINE;
    // A machine with much to do only makes it longer, so the best of a few counts.
    for _ in 0..5 {
        let mut stream = chat.one.listen().await;
        stream.next_of("hello").await;
        server.streams_become(1.0).await;
        drop(stream);
        let closed = Instant::now();
        server.streams_become(0.0).await;
        fastest = fastest.min(closed.elapsed());
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

/// A stream on a connection that takes little and whose client does not read.
async fn deaf(person: &Person, address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // Less than a segment of the loopback device would never open the window again: the kernel would say
    // nothing when the client reads on, and nobody would tell it that the other side has gone.
    socket.set_recv_buffer_size(256 * 1024).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut socket = TcpStream::from_std(socket.into()).unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        person.path("stream"),
        person.token,
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// Sends that many texts of 16 KiB, some at once.
async fn flood(person: &Person, count: usize) {
    let mut senders = JoinSet::new();
    for _ in 0..8 {
        let person = person.clone();
        senders.spawn(async move {
            for _ in 0..count / 8 {
                person.say(&"x".repeat(16 * 1024)).await;
            }
        });
    }
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
}

/// A server on which a test may send as fast as it can.
fn fast() -> Setup {
    Setup::new()
        .set("limits.stalled_stream_seconds", 2)
        .set("limits.sends_per_seat_per_second", 100_000)
        .set("limits.sends_per_seat_burst", 100_000)
}

/// Reads these messages; the most memory the server used meanwhile.
async fn read(stream: &mut Stream, server: &Server, seqs: RangeInclusive<u64>) -> u64 {
    let mut most = 0;
    for seq in seqs {
        assert_eq!(stream.next_of("message").await.seq(), seq);
        if seq % 50 == 0 {
            most = most.max(server.resident_bytes());
        }
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_cut_off_and_its_neighbour_notices_nothing() {
    let server = fast().start().await;
    let chat = Chat::begin(&server).await;
    let mut neighbour = chat.two.listen().await;
    neighbour.next_of("hello").await;
    // What a flood costs without anybody deaf is no matter here.
    let (_, before) = tokio::join!(
        flood(&chat.one, 400),
        read(&mut neighbour, &server, 1..=400)
    );

    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(deaf(&chat.two, server.address).await);
    }
    server.streams_become(5.0).await;
    let (_, most) = tokio::join!(
        flood(&chat.one, 1_600),
        read(&mut neighbour, &server, 401..=2_000)
    );
    // Each of the four missed 25 MiB.
    let grown = most.saturating_sub(before);
    assert!(grown < 30 * MIB, "{} MiB", grown / MIB);
    server.streams_become(1.0).await;
    eventually("all four are counted", async || {
        let cut = server.metric("duet_streams_cut_total").await;
        (cut == 4.0).then_some(())
    })
    .await;

    // Their connections are closed behind what was on its way.
    for mut socket in silent {
        let mut taken = Vec::new();
        within(DEADLINE, "the connection is closed", async {
            let _ = socket.read_to_end(&mut taken).await;
        })
        .await;
        assert!(taken.len() < 12 * MIB as usize, "{} bytes", taken.len());
        // As far as it came, it came in order.
        let text = String::from_utf8_lossy(&taken);
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        let ids: Vec<u64> = ids.filter_map(|id| id.parse().ok()).collect();
        assert!(ids.len() > 1, "it got nothing at all");
        assert!(
            ids[1..].iter().copied().eq(401..=399 + ids.len() as u64),
            "{ids:?}"
        );
    }
    // Who comes back misses nothing.
    let mut back = chat.two.listen_after(400).await;
    read(&mut back, &server, 401..=2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_is_not_cut_off_by_a_burst() {
    let server = fast().start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    let mut sends = JoinSet::new();
    for number in 0..500 {
        let person = chat.one.clone();
        sends.spawn(async move { person.say(&number.to_string()).await });
    }
    read(&mut stream, &server, 1..=500).await;
    assert_eq!(server.metric("duet_streams_cut_total").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_went_silent_without_a_word_is_given_up() {
    let server = fast().start().await;
    let chat = Chat::begin(&server).await;
    let silent = deaf(&chat.two, server.address).await;
    server.streams_become(1.0).await;
    // More than the buffers on the way can hold, and then nobody says anything any more.
    flood(&chat.one, 800).await;
    server.streams_become(0.0).await;
    drop(silent);
}
