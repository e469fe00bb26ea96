use std::time::Duration;

use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Marks, Seat, Timestamp},
    ports::{By, Note},
};

async fn marks(stores: &Stores, key: ChatKey) -> [Marks; 2] {
    let chat = live(stores.there.load(key).await);
    Seat::BOTH.map(|seat| chat.seats[seat].marks)
}

pub async fn marks_move_forward_only(stores: Stores) {
    let (key, other) = (talk(&stores.here).await, talk(&stores.here).await);
    let by = member(key, Seat::Two);
    let note = |delivered, read| (key, Note::Marks(by, Marks { delivered, read }));
    stores.here.note(&[note(5, 3)]).await.unwrap();
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
    stores.there.note(&[note(4, 4), note(2, 1)]).await.unwrap();
    assert_eq!(
        marks(&stores, key).await[1],
        Marks {
            delivered: 5,
            read: 4
        }
    );
    stores.here.note(&[note(9, 2)]).await.unwrap();
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
            .note(&[(key, Note::LastSeen(Seat::One, at))])
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
    let claim = sit(&stores.here, key, Seat::One).await;
    let other = sit(&stores.here, key, Seat::Two).await;
    let session = session_of(&stores.here, &claim).await;
    let (now, later) = (
        session.since,
        session.since.plus(Duration::from_millis(1_234)),
    );
    for (at, expected) in [(now, now), (later, later), (now, later)] {
        stores
            .here
            .note(&[(key, Note::Used(session.id, at))])
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

pub async fn notes_about_what_is_not_there_are_let_pass(stores: Stores) {
    let (living, ended) = (talk(&stores.here).await, talk(&stores.here).await);
    stores.here.end(By::Server(ended)).await.unwrap();
    let now = store_now(&stores.here).await;
    let marked = Marks {
        delivered: 2,
        read: 2,
    };
    let mark = |key| (key, Note::Marks(member(key, Seat::One), marked));
    let notes = [
        mark(ended),
        mark(key()),
        (ended, Note::LastSeen(Seat::One, now)),
        (living, Note::Used(Uuid::new_v4(), now)),
        mark(living),
    ];
    stores.here.note(&notes).await.unwrap();
    assert_eq!(
        marks(&stores, living).await[0],
        Marks {
            delivered: 2,
            read: 2
        }
    );
    stores.here.note(&[]).await.unwrap();
}

pub async fn marks_of_a_dead_session_are_let_pass(stores: Stores) {
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
    let dead = strangers(&stores.here, by).await;
    let mut notes: Vec<_> = dead.map(|by| (key, Note::Marks(by, high))).into();
    notes.push((key, Note::Marks(by, low)));
    stores.there.note(&notes).await.unwrap();
    assert_eq!(marks(&stores, key).await, [low, Marks::default()]);
}
