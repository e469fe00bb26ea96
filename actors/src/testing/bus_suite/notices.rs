use std::sync::Arc;

use uuid::Uuid;

use super::{
    Buses,
    collector::{Collector, mark},
    subscribed_there,
};
use crate::{
    domain::{
        Activity, AskNumber, ChatKey, Marks, Message, MessageText, Notice, Seat, SeatChange, Seq,
        TEXT_BYTES_MAX, Timestamp,
    },
    testing::{eventually, key},
};

fn message(seq: Seq, text: &str) -> Notice {
    Notice::Message(Arc::new(Message {
        seq,
        id: Uuid::new_v4(),
        seat: Seat::Two,
        text: MessageText::parse(text.into()).unwrap(),
        at: Timestamp::from_unix_ms(1_767_225_600_123),
    }))
}

/// The `seq` of each message among these notices.
fn seqs(notices: &[Notice]) -> Vec<Seq> {
    let place = |notice: &Notice| match notice {
        Notice::Message(message) => Some(message.seq),
        _ => None,
    };
    notices.iter().filter_map(place).collect()
}

pub async fn a_notice_reaches_the_other_instance(buses: Buses) {
    let (chat, heard) = subscribed_there(&buses).await;
    let notice = message(1, "Hello");
    buses.here.publish(chat, notice.clone());
    heard.until(chat, &notice).await;
    assert_eq!(heard.about(chat).len(), 1);
}

pub async fn a_notice_does_not_come_back_to_its_publisher(buses: Buses) {
    let chat = key();
    let (here, there) = (Collector::from(&buses.here), Collector::from(&buses.there));
    buses.here.subscribe(chat).await.unwrap();
    buses.there.subscribe(chat).await.unwrap();
    buses.here.publish(chat, Notice::Sessions);
    there.until(chat, &Notice::Sessions).await;
    // It would be ahead of this one, which follows it through the same channel.
    buses.there.publish(chat, mark());
    here.until(chat, &mark()).await;
    assert_eq!(here.about(chat), [mark()]);
}

pub async fn a_notice_reaches_nobody_who_has_not_subscribed(buses: Buses) {
    let (own, other) = (key(), key());
    let (here, there) = (Collector::from(&buses.here), Collector::from(&buses.there));
    buses.there.subscribe(own).await.unwrap();
    for _ in 0..10 {
        buses.here.publish(other, Notice::Sessions);
    }
    buses.here.publish(own, mark());
    there.until(own, &mark()).await;

    // From here on it is subscribed: what was published before must not come after all.
    buses.there.subscribe(other).await.unwrap();
    buses.here.publish(other, mark());
    there.until(other, &mark()).await;
    assert_eq!(there.about(other), [mark()]);
    assert_eq!(here.about(own), []);
}

pub async fn an_ended_subscription_is_quiet_and_can_be_taken_up_again(buses: Buses) {
    let (other, heard) = subscribed_there(&buses).await;
    let chat = key();
    for _ in 0..3 {
        buses.there.subscribe(chat).await.unwrap();
        buses.here.publish(chat, mark());
        heard.until(chat, &mark()).await;
        buses.there.unsubscribe(chat);
        // The end of a subscription is not confirmed, so a few may still come through.
        eventually("notices stop", || async {
            heard.clear();
            buses.here.publish(chat, Notice::Sessions);
            buses.here.publish(other, mark());
            heard.until(other, &mark()).await;
            heard.about(chat).is_empty()
        })
        .await;
        heard.clear();
    }
}

pub async fn one_ended_subscription_leaves_the_others(buses: Buses) {
    let heard = Collector::from(&buses.there);
    let _ = Collector::from(&buses.here);
    let chats: Vec<ChatKey> = (0..10).map(|_| key()).collect();
    for chat in &chats {
        buses.there.subscribe(*chat).await.unwrap();
    }
    buses.there.unsubscribe(chats[3]);
    for chat in chats.iter().filter(|chat| **chat != chats[3]) {
        buses.here.publish(*chat, mark());
        heard.until(*chat, &mark()).await;
    }
}

pub async fn every_notice_arrives_as_it_was_published(buses: Buses) {
    let (chat, heard) = subscribed_there(&buses).await;
    let at = Timestamp::from_unix_ms(1_767_225_600_001);
    let mut notices = vec![
        message(1, " \"quoted\" \\ \u{1} \n\u{202E}🙂 "),
        message(i64::MAX as Seq, &"é".repeat(TEXT_BYTES_MAX / 2)),
        message(2, &format!("!{}", "\u{1}".repeat(TEXT_BYTES_MAX - 1))),
        Notice::Sessions,
        Notice::Ended { by: None },
    ];
    let marks = Marks {
        delivered: u64::from(u32::MAX) * 5,
        read: 7,
    };
    let activity = Activity::Typing;
    for seat in Seat::BOTH {
        let presence = [(true, None), (false, Some(at))];
        notices.extend(presence.map(|(online, last_seen)| Notice::Presence {
            seat,
            online,
            last_seen,
        }));
        notices.extend([
            Notice::Activity { seat, activity },
            Notice::Marks { seat, marks },
            Notice::Ended { by: Some(seat) },
        ]);
        let changes = [
            SeatChange::Named,
            SeatChange::Taken,
            SeatChange::Asking(Uuid::new_v4(), AskNumber::from_store(47)),
            SeatChange::Replaced,
            SeatChange::Left,
        ];
        notices.extend(changes.map(|change| Notice::Seat { seat, change }));
    }
    for notice in &notices {
        buses.here.publish(chat, notice.clone());
    }
    eventually("every notice arrives", || async {
        heard.about(chat).len() >= notices.len()
    })
    .await;
    assert_eq!(heard.about(chat), notices);
}

pub async fn notices_of_one_chat_keep_their_order(buses: Buses) {
    let chats = [key(), key(), key()];
    let heard = Collector::from(&buses.there);
    let _ = Collector::from(&buses.here);
    for chat in chats {
        buses.there.subscribe(chat).await.unwrap();
    }
    for seq in 1..=50 {
        for chat in chats {
            buses.here.publish(chat, message(seq, "Hello"));
        }
    }
    for chat in chats {
        eventually("the last one arrives", || async {
            heard.about(chat).len() == 50
        })
        .await;
        assert_eq!(seqs(&heard.about(chat)), (1..=50).collect::<Vec<Seq>>());
    }
}

/// What arrived is in order, and either all of it did or the loss was reported.
async fn check_burst(heard: &Collector, chat: ChatKey, last: Seq) {
    eventually("the last one arrives, or a loss is reported", || async {
        seqs(&heard.about(chat)).last() == Some(&last) || heard.missed(chat)
    })
    .await;
    let arrived = seqs(&heard.about(chat));
    assert!(
        arrived.is_sorted_by(|a, b| a < b),
        "out of order, or twice: {arrived:?}"
    );
    let complete = arrived.len() as Seq == last;
    assert!(complete || heard.missed(chat), "a loss was not reported");
}

pub async fn a_burst_arrives_in_order_or_is_reported_missed(buses: Buses) {
    let (chat, heard) = subscribed_there(&buses).await;
    heard.clear();
    for seq in 1..=1_000 {
        buses.here.publish(chat, message(seq, "Hello"));
    }
    check_burst(&heard, chat, 1_000).await;
}

pub async fn a_listener_that_lags_is_told_what_it_missed(buses: Buses) {
    let (chat, other) = (key(), key());
    let (heard, start) = Collector::lagging(&buses.there);
    let here = Collector::from(&buses.here);
    buses.there.subscribe(chat).await.unwrap();
    buses.here.subscribe(other).await.unwrap();
    for seq in 1..=1_000 {
        buses.here.publish(chat, message(seq, "Hello"));
    }
    // A lagging instance must not delay what it sends itself.
    buses.there.publish(other, mark());
    here.until(other, &mark()).await;
    start.send(()).unwrap();
    check_burst(&heard, chat, 1_000).await;
    // And it gets the next one, or a report of its loss, as before.
    heard.clear();
    buses.here.publish(chat, message(1_001, "Hello"));
    eventually("it is heard again", || async {
        let next = seqs(&heard.about(chat)).contains(&1_001);
        next || heard.missed(chat)
    })
    .await;
}

pub async fn notices_cross_both_ways(buses: Buses) {
    let chat = key();
    let (here, there) = (Collector::from(&buses.here), Collector::from(&buses.there));
    buses.here.subscribe(chat).await.unwrap();
    buses.there.subscribe(chat).await.unwrap();
    for seq in 1..=20 {
        buses.here.publish(chat, message(seq, "Hello"));
        buses.there.publish(chat, message(100 + seq, "Hi"));
    }
    for (heard, first) in [(&here, 101), (&there, 1)] {
        eventually("all of the other's arrive", || async {
            heard.about(chat).len() == 20
        })
        .await;
        assert!(seqs(&heard.about(chat)).into_iter().eq(first..first + 20));
    }
}

pub async fn a_bus_without_listener_takes_notices(buses: Buses) {
    let chat = key();
    buses.here.publish(chat, Notice::Sessions);
    buses.here.unsubscribe(chat);
    buses.here.set_open(chat, Default::default());
    buses.here.ping().await.unwrap();
}
