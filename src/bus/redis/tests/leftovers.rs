//! What Redis holds of a chat, and what is left when it has ended.

use actors::domain::{Message, MessageText, Seat, Timestamp};

use super::*;

const SECRET: &str = "a text that must never be kept";

fn news() -> Notice {
    Notice::Message(Arc::new(Message {
        seq: 1,
        id: uuid::Uuid::new_v4(),
        seat: Seat::One,
        text: MessageText::parse(SECRET.into()).unwrap(),
        at: Timestamp::from_unix_ms(1_767_225_600_123),
    }))
}

/// All keys, and all that they hold.
fn keys(server: &Redis) -> Vec<(String, String)> {
    let keys = server.command(&["KEYS", "*"]).unwrap();
    let held = |key: &str| {
        let command = match key.starts_with("duet:lease:") {
            true => "GET",
            false => "HGETALL",
        };
        (key.to_owned(), server.command(&[command, key]).unwrap())
    };
    keys.lines()
        .filter(|key| !key.is_empty())
        .map(held)
        .collect()
}

#[actix::test]
async fn redis_keeps_no_text_and_no_key_without_expiry() {
    let server = Redis::start().unwrap();
    let (here, there) = (start(&server.url()).await, start(&server.url()).await);
    let (heard, chat) = (Collector::from(&there), key());
    there.subscribe(chat).await.unwrap();
    here.set_open(chat, BySeat([true, true]));
    here.publish(chat, news());
    here.publish(chat, mark());
    heard.until(chat, &mark()).await;
    eventually("both are on the list", || async {
        let listed = server.command(&["HLEN", "duet:instances:{0}"]);
        listed.unwrap().trim() == "3"
    })
    .await;
    let keys = keys(&server);
    // Two leases, the list of the instances, and presence.
    assert_eq!(keys.len(), 4, "{keys:?}");
    for (key, held) in keys {
        assert!(
            !key.contains(SECRET) && !held.contains(SECRET),
            "{key}: {held}"
        );
        let held: Vec<&str> = held.split_whitespace().collect();
        match key.strip_prefix("duet:open:") {
            Some(name) => {
                assert_eq!(name, format!("{{{}}}", chat.tag()));
                assert!(matches!(held[..], [_, "3"]), "{held:?}");
            }
            None if key.starts_with("duet:lease:") => assert_eq!(held, ["1"]),
            // Both of them, and a stamp.
            None => assert!(
                key.starts_with("duet:instances:") && held.len() == 6,
                "{key}: {held:?}"
            ),
        }
        let life_ms: i64 = server
            .command(&["PTTL", &key])
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        assert!(
            (1..=600_000).contains(&life_ms),
            "{key} lives for {life_ms} ms"
        );
    }
}

#[actix::test]
async fn no_key_of_a_chat_that_is_over_is_left_not_even_of_a_dead_instance() {
    let server = Redis::start().unwrap();
    let (here, there) = (start(&server.url()).await, start(&server.url()).await);
    let (over, lives) = (key(), key());
    for chat in [over, lives] {
        here.set_open(chat, BySeat([true, false]));
        there.set_open(chat, BySeat([false, true]));
        for (bus, open) in [(&here, [false, true]), (&there, [true, false])] {
            until_open(bus, chat, open).await;
        }
    }
    // It leaves its fields behind.
    drop(here);
    there.forget(over);
    eventually("one chat is left", || async {
        let keys = keys(&server);
        let open = keys.iter().filter(|(key, _)| key.starts_with("duet:open:"));
        let names: Vec<&String> = open.map(|(key, _)| key).collect();
        names == [&names::open(lives)]
    })
    .await;
}
