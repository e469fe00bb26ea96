//! People at both ends of a proxy.

use harness::servers::{Kind, Shape};
use reqwest::{Method, Version};
use serde_json::json;

use crate::support::{Browser, Chat, cluster::Cluster, eventually};

#[tokio::test]
async fn people_talk_across_instances_behind_haproxy() {
    talk_across_instances(Kind::Haproxy).await;
}

#[tokio::test]
async fn people_talk_across_instances_behind_nginx() {
    talk_across_instances(Kind::Nginx).await;
}

#[tokio::test]
async fn people_talk_across_instances_behind_caddy() {
    talk_across_instances(Kind::Caddy).await;
}

async fn talk_across_instances(kind: Kind) {
    let cluster = Cluster::start(kind, Shape::Alike, &[]);
    let api = cluster.api();
    let register = api.call(Method::GET, "/demo/chat/register").open().await;
    assert_eq!(register.version(), Version::HTTP_2);
    assert_eq!(register.status(), 200);

    let chat = Chat::begin_at(&api).await;
    let mut streams = Vec::new();
    for person in [&chat.one, &chat.two, &chat.one, &chat.two] {
        let mut stream = person.listen().await;
        assert_eq!(stream.headers.get("connection"), None);
        stream.next_of("hello").await;
        streams.push(stream);
    }
    for instance in 0..2 {
        // Nobody sticks to an instance.
        assert!(cluster.metric(instance, "duet_streams").await >= 1.0);
    }
    // Each arrives before anything follows it: nothing is held back until a buffer is full.
    for text in ["Hello", "from", "here"] {
        chat.one.say(text).await;
        for stream in &mut streams {
            assert_eq!(stream.next_texts(1).await, [text]);
        }
    }

    let mut browser = Browser::through(api.clone());
    let hash = browser.register().await;
    assert!(browser.jar.iter().all(|cookie| cookie.is("secure")));
    browser.get(&format!("/demo/chat/user/{hash}/1")).await;

    // The secret part of a link stands in no log.
    api.get(&format!("/demo/chat/user/{hash}/nowhere?{hash}"))
        .await;
    let log = cluster.site.balancer.log();
    for secret in [&hash, &chat.hash] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }

    chat.one.end().await.ok();
    for stream in &mut streams {
        stream.next_of("ended").await;
    }
}

#[tokio::test]
async fn nobody_chooses_an_address_behind_haproxy() {
    nobody_chooses_an_address(Kind::Haproxy).await;
}

#[tokio::test]
async fn nobody_chooses_an_address_behind_nginx() {
    nobody_chooses_an_address(Kind::Nginx).await;
}

#[tokio::test]
async fn nobody_chooses_an_address_behind_caddy() {
    nobody_chooses_an_address(Kind::Caddy).await;
}

/// What a client says about where it comes from would make a limit by address no limit.
async fn nobody_chooses_an_address(kind: Kind) {
    let limit = ("limits.registrations_per_address_per_minute", "1");
    let cluster = Cluster::start(
        kind,
        Shape::Alike,
        &[limit, ("limits.exempt_addresses", "")],
    );
    let api = cluster.api();
    let reserve = async |from: &str| {
        let call = api.call(Method::POST, "/chat-server/hash");
        let call = call.header("X-Forwarded-For", from).json(json!({}));
        call.send().await.status
    };
    // Each instance counts for itself, and which one is asked is the proxy's choice.
    let answers = [
        reserve("203.0.113.1").await,
        reserve("203.0.113.2").await,
        reserve("203.0.113.3").await,
    ];
    assert!(answers.contains(&429), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_holds_nobody_up_behind_haproxy() {
    a_client_takes_nothing(Kind::Haproxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_holds_nobody_up_behind_nginx() {
    a_client_takes_nothing(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_holds_nobody_up_behind_caddy() {
    a_client_takes_nothing(Kind::Caddy).await;
}

async fn a_client_takes_nothing(kind: Kind) {
    let settings = [
        ("limits.stalled_stream_seconds", "2"),
        ("limits.sends_per_seat_per_second", "100000"),
        ("limits.sends_per_seat_burst", "100000"),
    ];
    let cluster = Cluster::start(kind, Shape::Alike, &settings);
    let chat = Chat::begin_at(&cluster.api()).await;
    // All on one connection to the proxy.
    let deaf = [chat.two.listen().await, chat.two.listen().await];
    let mut reads = chat.two.listen().await;
    reads.next_of("hello").await;
    let sends = tokio::spawn(async move {
        for _ in 0..600 {
            chat.one.say(&"x".repeat(16 * 1024)).await;
        }
    });
    for seq in 1..=600 {
        assert_eq!(reads.next_of("message").await.seq(), seq);
    }
    sends.await.unwrap();
    eventually("those who take nothing are cut off", async || {
        let streams = [
            cluster.metric(0, "duet_streams").await,
            cluster.metric(1, "duet_streams").await,
        ];
        (streams.iter().sum::<f64>() == 1.0).then_some(())
    })
    .await;
    drop(deaf);
}

#[tokio::test]
async fn operators_paths_are_not_public() {
    for kind in [Kind::Haproxy, Kind::Nginx, Kind::Caddy] {
        let cluster = Cluster::start(kind, Shape::Alike, &[]);
        for path in ["/metrics", "/health/ready", "/health/live"] {
            assert_eq!(cluster.api().get(path).await.status, 404, "{kind:?} {path}");
        }
    }
}
