//! Registration and chat as two services behind one address, and the API kept internal.

use harness::servers::{Kind, Shape};

use crate::support::{Browser, Chat, cluster::Cluster};

#[tokio::test]
async fn haproxy_makes_one_address_of_two_services_and_keeps_the_api_internal() {
    two_services(Kind::Haproxy).await;
}

#[tokio::test]
async fn nginx_makes_one_address_of_two_services_and_keeps_the_api_internal() {
    two_services(Kind::Nginx).await;
}

async fn two_services(kind: Kind) {
    let cluster = Cluster::start(kind, Shape::Split, &[]);
    let people = cluster.api();
    let mut browser = Browser::through(people.clone());
    assert_eq!(browser.get("/").await.status, 303);
    let hash = browser.register().await;
    browser.log_in(&hash, "Anny").await;
    let page = browser.get(&format!("/demo/chat/user/{hash}/2")).await;
    assert_eq!(page.status, 200, "{page:?}");
    for path in [
        "/chat-server/openapi.json",
        "/chat-server/docs",
        "/chat-server/user/logout",
        "/metrics",
    ] {
        assert_eq!(people.get(path).await.status, 404, "{path}");
    }

    let chat = Chat::begin_at(&cluster.internal_api()).await;
    let mut stream = chat.two.listen().await;
    stream.next_of("hello").await;
    chat.one.say("Hello").await;
    assert_eq!(stream.next_texts(1).await, ["Hello"]);
    assert_eq!(cluster.metric(0, "duet_streams").await, 0.0);
}
