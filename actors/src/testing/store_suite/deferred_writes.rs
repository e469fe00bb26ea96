use std::time::Duration;

use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Marks, Seat, Timestamp},
    ports::{DeferredWrite, Principal},
};

async fn marks(stores: &Stores, key: ChatKey) -> [Marks; 2] {
    let chat = live(stores.there.load(key).await);
    chat.position.marks.0
}

pub async fn marks_move_forward_only(stores: Stores) {
    let (key, other) = (talk(&stores.here).await, talk(&stores.here).await);
    let by = member(key, Seat::Two);
    let write = |delivered, read| (key, DeferredWrite::Marks(by, Marks { delivered, read }));
    stores.here.write_deferred(&[write(5, 3)]).await.unwrap();
    let untouched = Marks::default();
    assert_eq!(
        marks(&stores, key).await,
        [
            untouched,
            Marks {
                delivered: 5,
                read: 3
            }
        ]
    );
    stores
        .there
        .write_deferred(&[write(4, 4), write(2, 1)])
        .await
        .unwrap();
    assert_eq!(
        marks(&stores, key).await[1],
        Marks {
            delivered: 5,
            read: 4
        }
    );
    stores.here.write_deferred(&[write(9, 2)]).await.unwrap();
    assert_eq!(
        marks(&stores, key).await,
        [
            untouched,
            Marks {
                delivered: 9,
                read: 4
            }
        ]
    );
    assert_eq!(marks(&stores, other).await, [untouched; 2]);
}

pub async fn a_seat_is_last_seen_at_the_latest_time(stores: Stores) {
    let key = chat(&stores.here).await;
    let now = store_now(&stores.here).await;
    let later = now.plus(Duration::from_millis(1_234));
    let seen = async |at: Timestamp| {
        stores
            .here
            .write_deferred(&[(key, DeferredWrite::LastSeen(Seat::One, at))])
            .await
            .unwrap();
        let chat = live(stores.there.load(key).await);
        assert_eq!(chat.seats[Seat::Two].last_seen, None);
        chat.seats[Seat::One].last_seen
    };
    assert_eq!(seen(now).await, Some(now));
    assert_eq!(seen(later).await, Some(later));
    assert_eq!(seen(now).await, Some(later));
}

pub async fn a_session_is_last_seen_at_the_latest_time(stores: Stores) {
    let key = chat(&stores.here).await;
    let claim = take_seat(&stores.here, key, Seat::One).await;
    let other = take_seat(&stores.here, key, Seat::Two).await;
    let session = session_of(&stores.here, &claim).await;
    let (now, later) = (
        session.since,
        session.since.plus(Duration::from_millis(1_234)),
    );
    for (at, expected) in [(now, now), (later, later), (now, later)] {
        stores
            .here
            .write_deferred(&[(key, DeferredWrite::Used(session.id, at))])
            .await
            .unwrap();
        let read = session_of(&stores.there, &claim).await;
        assert_eq!(
            (read.last_seen, read.since),
            (Some(expected), session.since)
        );
    }
    assert_eq!(session_of(&stores.there, &other).await.last_seen, None);
}

pub async fn deferred_writes_about_missing_rows_are_ignored(stores: Stores) {
    let (living, ended) = (talk(&stores.here).await, talk(&stores.here).await);
    stores.here.end(Principal::Server(ended)).await.unwrap();
    let now = store_now(&stores.here).await;
    let marked = Marks {
        delivered: 2,
        read: 2,
    };
    let mark = |key| (key, DeferredWrite::Marks(member(key, Seat::One), marked));
    let writes = [
        mark(ended),
        mark(key()),
        (ended, DeferredWrite::LastSeen(Seat::One, now)),
        (living, DeferredWrite::Used(Uuid::new_v4(), now)),
        mark(living),
    ];
    stores.here.write_deferred(&writes).await.unwrap();
    assert_eq!(
        marks(&stores, living).await[0],
        Marks {
            delivered: 2,
            read: 2
        }
    );
    stores.here.write_deferred(&[]).await.unwrap();
}

pub async fn marks_of_a_dead_session_are_ignored(stores: Stores) {
    let key = talk(&stores.here).await;
    let by = member(key, Seat::One);
    let (low, high) = (
        Marks {
            delivered: 2,
            read: 1,
        },
        Marks {
            delivered: 9,
            read: 9,
        },
    );
    let dead = rejected_callers(&stores.here, by).await;
    let mut writes: Vec<_> = dead.map(|by| (key, DeferredWrite::Marks(by, high))).into();
    writes.push((key, DeferredWrite::Marks(by, low)));
    stores.there.write_deferred(&writes).await.unwrap();
    assert_eq!(marks(&stores, key).await, [low, Marks::default()]);
}
