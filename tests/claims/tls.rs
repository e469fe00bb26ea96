//! TLS without a proxy.

use harness::servers::Authority;
use reqwest::{Method, Version};

use crate::support::{Api, Browser, Chat, Setup, eventually, tls};

#[tokio::test]
async fn people_come_by_tls_and_http2_with_secure_cookies_and_links() {
    let authority = Authority::new().unwrap();
    let mut server = Setup::new().tls(&authority).start().await;
    let said = server.said();
    let address = format!("https://{}", server.address);
    assert_eq!(said[0], format!("duet is running at {address}/"));

    let api = Api::trusting(&address, &authority);
    let chat = Chat::begin_at(&api).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    chat.one.say("Hello").await;
    assert_eq!(stream.next_texts(1).await, ["Hello"]);
    let live = api.call(Method::GET, "/health/live").open().await;
    assert_eq!(live.version(), Version::HTTP_2);

    let mut browser = Browser::through(api.clone());
    let hash = browser.register().await;
    assert!(!browser.jar.is_empty());
    assert!(browser.jar.iter().all(|cookie| cookie.is("secure")));
    let page = browser
        .get(&format!("/demo/chat/user/{hash}/1/invite"))
        .await;
    let link = format!("{address}/demo/chat/user/{hash}");
    assert!(page.text().contains(&link), "{page:?}");

    // Without TLS there is nothing here.
    let plain = Api::at(server.address).call(Method::GET, "/health/live");
    assert!(plain.try_send().await.is_none());
    server.ask_to_stop();
    stream.rest().await;
    assert_eq!(server.wait().await.code(), Some(0));
}

#[tokio::test]
async fn who_speaks_http1_by_tls_is_served_and_cut_off_when_taking_nothing() {
    let authority = Authority::new().unwrap();
    let server = Setup::new()
        .tls(&authority)
        .set("server.ops_bind", "127.0.0.1:0")
        .set("limits.stalled_stream_seconds", 2)
        .set("limits.sends_per_seat_per_second", 100_000)
        .set("limits.sends_per_seat_burst", 100_000)
        .start()
        .await;
    let api = Api::trusting(&format!("https://{}", server.address), &authority);
    let chat = Chat::begin_at(&api).await;
    let silent = tls::ask(
        server.address,
        &authority,
        &format!(
            "GET {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
            chat.path("stream"),
            chat.two.token,
        ),
    )
    .await;
    server.streams_become(1.0).await;
    for _ in 0..600 {
        chat.one.say(&"x".repeat(16 * 1024)).await;
    }
    server.streams_become(0.0).await;
    drop(silent);
}

#[tokio::test]
async fn a_renewed_certificate_is_used_after_a_hangup_and_a_broken_one_is_not() {
    let (old, new) = (Authority::new().unwrap(), Authority::new().unwrap());
    let renewable = tls::Renewable::start(&old).await;
    assert!(renewable.is_by(&old).await && !renewable.is_by(&new).await);
    renewable.spoil();
    renewable.server.signal("HUP");
    eventually("the broken one is noticed", async || {
        let log = renewable.server.log();
        log.contains("the old certificate stays").then_some(())
    })
    .await;
    assert!(renewable.is_by(&old).await);
    renewable.renew(&new);
    renewable.server.signal("HUP");
    renewable.becomes(&new).await;
    assert!(!renewable.is_by(&old).await);
}
