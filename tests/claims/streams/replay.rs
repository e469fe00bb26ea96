//! That a stream shows every message once and in order, from wherever it goes on.

use tokio::{task::JoinSet, time::Instant};

use crate::support::{Chat, DEADLINE, Person, Setup};

/// Streams at all these places, opened while messages keep arriving: each shows what lies behind
/// its place, up to the last.
async fn follow(chat: &Chat, places: impl Iterator<Item = u64>, before: u64, in_all: u64) {
    let mut listeners = JoinSet::new();
    for place in places {
        let person: Person = [&chat.one, &chat.two][place as usize % 2].clone();
        listeners.spawn(async move {
            let mut stream = person.listen_after(place).await;
            let hello = stream.next().await;
            assert_eq!(hello.id, Some(place.to_string()));
            for seq in place + 1..=in_all {
                let message = stream.next_of("message").await;
                assert_eq!(message.seq(), seq, "behind {place}");
                assert_eq!(message.id, Some(seq.to_string()));
                assert_eq!(message.data["message"], seq.to_string());
            }
        });
    }
    for seq in before + 1..=in_all {
        let person = [&chat.one, &chat.two][seq as usize % 2];
        assert_eq!(person.say(&seq.to_string()).await, seq);
    }
    while let Some(listened) = listeners.join_next().await {
        listened.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_opened_at_any_place_while_messages_arrive_shows_each_once_and_in_order() {
    let server = Setup::new()
        .set("limits.streams_per_seat", 100)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let before = 40;
    for seq in 1..=before {
        chat.one.say(&seq.to_string()).await;
    }
    follow(&chat, 0..=before, before, 140).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_replay_continues_live_without_gap_or_repeat() {
    let server = Setup::new()
        .set("limits.streams_per_seat", 100)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let before = 450;
    for seq in 1..=before {
        chat.one.say(&seq.to_string()).await;
    }
    // About where one page of a replay ends and the next begins.
    let edges = [0, 50, 100, 200, 250, 400].into_iter();
    let places = edges.flat_map(|edge: u64| edge.saturating_sub(1)..=edge + 1);
    let places: std::collections::BTreeSet<u64> = places.chain([449, 450]).collect();
    follow(&chat, places.into_iter(), before, 600).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_lost_again_and_again_misses_nothing() {
    let server = Setup::new()
        .set("limits.streams_per_seat", 100)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    let in_all: u64 = 300;
    let sender = chat.one.clone();
    let sending = tokio::spawn(async move {
        for seq in 1..=in_all {
            sender.say(&seq.to_string()).await;
        }
    });
    let mut seen: u64 = 0;
    while seen < in_all {
        let mut stream = chat.two.listen_after(seen).await;
        // Each connection lives for a few messages.
        for _ in 0..1 + seen % 7 {
            if seen < in_all {
                let message = stream.next_of("message").await;
                assert_eq!(message.seq(), seen + 1);
                seen += 1;
            }
        }
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn the_end_comes_behind_the_last_message_of_a_stream_that_still_replays() {
    let server = Setup::new()
        .set("limits.streams_per_seat", 100)
        .start()
        .await;
    let chat = Chat::begin(&server).await;
    for seq in 1..=150 {
        chat.one.say(&seq.to_string()).await;
    }
    let mut stream = chat.two.listen_after(0).await;
    chat.one.end().await.ok();
    // However far it came: in order, and the last word is that the chat is over.
    let mut expected = 1;
    let mut last = None;
    let deadline = Instant::now() + DEADLINE;
    while let Some(block) = stream.next_block_by(deadline).await {
        if block.event == "message" {
            assert_eq!(block.seq(), expected);
            expected += 1;
        }
        last = Some(block.event);
    }
    assert_eq!(last.as_deref(), Some("ended"));
}
