//! Limits by address: how far an address reaches, in what it is counted, and for how long.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::reserve;
use crate::support::{Api, Chat, Server, Setup, chat::register, eventually, raw};

/// Each address may register once a minute.
async fn with_one_registration_a_minute() -> Server {
    Setup::new()
        .set("limits.registrations_per_address_per_minute", 1)
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await
}

/// How many of that many networks of a site were let register.
async fn reserve_from_networks(api: &Api, site: &str, networks: usize) -> usize {
    let mut reserved = 0;
    for network in 1..=networks {
        match reserve(api, &format!("{site}:{network:x}::1")).await {
            200 => reserved += 1,
            status => assert_eq!(status, 429),
        }
    }
    reserved
}

/// A site has 65,536 of those networks, and may do sixteen times what one of them may.
#[tokio::test]
async fn all_networks_of_a_site_are_counted_together() {
    let server = with_one_registration_a_minute().await;
    let api = server.api();
    let reserved = reserve_from_networks(&api, "2001:db8:5", 40).await;
    // While this goes on some of it is given back.
    assert!((16..=24).contains(&reserved), "{reserved}");
    assert_eq!(reserve(&api, "2001:db8:6:1::1").await, 200);
}

/// Whoever has a /48 has 65,536 networks: once the site is refused, further ones of them leave nothing behind.
#[tokio::test]
async fn networks_of_a_site_that_is_refused_are_not_remembered() {
    let server = with_one_registration_a_minute().await;
    let api = server.api();
    let reserved = reserve_from_networks(&api, "2001:db8:7", 300).await;
    assert!((16..200).contains(&reserved), "{reserved}");
    // Those that were let in, and their site.
    let known = known_by_registrations(&server).await;
    assert!(known <= reserved + 1, "{known} of {reserved}");
}

/// One network that asks without end does not use up what its neighbours at the same site may do.
#[tokio::test]
async fn a_network_that_is_refused_takes_nothing_from_its_site() {
    let server = with_one_registration_a_minute().await;
    let api = server.api();
    for _ in 0..100 {
        reserve(&api, "2001:db8:8:1::1").await;
    }
    for network in 2..=10 {
        let neighbour = format!("2001:db8:8:{network:x}::1");
        assert_eq!(reserve(&api, &neighbour).await, 200, "{neighbour}");
    }
}

/// A client may send any bytes as this header; a proxy adds the address that it saw.
#[tokio::test]
async fn bytes_that_are_no_text_do_not_hide_the_address_that_a_proxy_adds() {
    let server = with_one_registration_a_minute().await;
    let api = server.api();
    assert_eq!(reserve(&api, "é, 192.0.2.1").await, 200);
    assert_eq!(reserve(&api, "é, 192.0.2.1").await, 429);
    assert_eq!(reserve(&api, "192.0.2.1").await, 429);
}

/// With more addresses than are remembered newcomers share counters, and are counted all the same.
#[tokio::test]
async fn addresses_beyond_those_remembered_are_counted_together() {
    let server = Setup::new()
        .set("limits.registrations_per_address_per_minute", 1)
        .set("limits.addresses_remembered", 10)
        .set("server.trusted_proxies", "127.0.0.1/32")
        .start()
        .await;
    let api = server.api();
    let address = |number: usize| format!("203.0.{}.{}", number / 250, number % 250);
    let mut refused = 0;
    for number in 0..1_500 {
        refused += usize::from(reserve(&api, &address(number)).await == 429);
    }
    assert!(refused > 200, "{refused}");
    let known = known_by_registrations(&server).await;
    assert!(known <= 20, "{known}");
}

/// How many addresses and sites the limit of registrations has counters for.
async fn known_by_registrations(server: &Server) -> usize {
    let metrics = server.ops().get("/metrics").await;
    let known = metrics.text().lines().find_map(|line| {
        let rest = line.strip_prefix("duet_limited_addresses{limit=\"registrations\"} ")?;
        rest.parse().ok()
    });
    known.unwrap_or_else(|| panic!("{}", metrics.text()))
}

#[tokio::test]
async fn what_an_address_sends_is_counted_in_bytes() {
    let server = Setup::new()
        .set("limits.upload_kib_per_address_per_second", 1)
        .set("limits.upload_kib_per_address_burst", 100)
        .no_exemptions()
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let long = "x".repeat(15 * 1024);
    let sends = join_all((0..30).map(|_| chat.one.say_as(uuid::Uuid::new_v4(), &long))).await;
    let stored = sends.iter().filter(|answer| answer.status == 200).count();
    assert!((1..=10).contains(&stored), "{stored}");
    for answer in sends.iter().filter(|answer| answer.status != 200) {
        answer.fails_as(429, "too_many_requests");
    }
    // What is refused for another reason was read as well.
    let call = chat.one.api.call(Method::POST, &chat.path("message_send"));
    let large = call
        .body("application/json", vec![b' '; 60 * 1024])
        .send()
        .await;
    large.fails_as(429, "too_many_requests");
    eventually("some is given back", async || {
        (chat.one.say_as(uuid::Uuid::new_v4(), "x").await.status == 200).then_some(())
    })
    .await;
}

/// A length that is not announced is counted as it comes, and as much as it is in the end.
#[tokio::test]
async fn a_body_in_many_small_parts_counts_no_more_than_a_whole_one() {
    let server = Setup::new()
        .set("limits.upload_kib_per_address_per_second", 1)
        .set("limits.upload_kib_per_address_burst", 100)
        .no_exemptions()
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let mut request = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        chat.path("message_send"),
        chat.one.token,
    );
    let body = json!({ "message": "x".repeat(15 * 1024) }).to_string();
    for part in body.as_bytes().chunks(50) {
        let part = String::from_utf8_lossy(part);
        request += &format!("{:x}\r\n{part}\r\n", part.len());
    }
    request += "0\r\n\r\n";
    let mut socket = raw::connect(server.address).await;
    socket.write_all(request.as_bytes()).await.unwrap();
    let answer = raw::read(&mut socket, "message_send").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Bodies that come together, each in two parts: each counts when it has come, so that some get through whole.
#[tokio::test]
async fn of_many_bodies_that_come_together_some_get_through() {
    let server = Setup::new()
        .set("limits.upload_kib_per_address_per_second", 1)
        .set("limits.upload_kib_per_address_burst", 100)
        .no_exemptions()
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let body = json!({ "message": "x".repeat(15 * 1024) }).to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        chat.path("message_send"),
        chat.one.token,
        body.len(),
    );
    let (first, rest) = body.split_at(body.len() / 2);
    let mut sockets = Vec::new();
    for _ in 0..30 {
        let mut socket = raw::connect(server.address).await;
        let begin = format!("{head}{first}");
        socket.write_all(begin.as_bytes()).await.unwrap();
        sockets.push(socket);
    }
    let mut stored = 0;
    for mut socket in sockets {
        // One that was refused already is still read from, so that it hears why.
        let _ = socket.write_all(rest.as_bytes()).await;
        match raw::read(&mut socket, "message_send").await.status {
            200 => stored += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert!((1..=10).contains(&stored), "{stored}");
}

#[tokio::test]
async fn streams_are_counted_by_address_while_they_are_open() {
    let server = Setup::new()
        .set("limits.streams_per_address", 3)
        .no_exemptions()
        .start()
        .await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let chat = Chat::begin(&server).await;
        let mut stream = chat.one.listen().await;
        stream.next_of("hello").await;
        open.push((chat, stream));
    }
    let chat = Chat::begin(&server).await;
    let ask = || chat.one.api.call(Method::GET, &chat.path("stream"));
    ask().send().await.fails_as(429, "too_many_requests");
    open.pop();
    eventually("there is room again", async || {
        (ask().open().await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn registrations_are_counted_over_a_day_as_well() {
    let setup = Setup::new()
        .set("limits.registrations_per_address_per_minute", 1_000)
        .set("limits.registrations_per_address_per_day", 5);
    let server = setup.no_exemptions().start().await;
    for _ in 0..5 {
        register(&server.api()).await;
    }
    let one_more = server.api().post("/chat-server/hash", json!({})).await;
    let after = one_more
        .header("retry-after")
        .unwrap()
        .parse::<u64>()
        .unwrap();
    one_more.fails_as(429, "too_many_requests");
    assert!(after > 3_600, "{after}");
}
