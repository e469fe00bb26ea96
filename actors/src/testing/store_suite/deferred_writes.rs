use std::time::Duration;

use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::{ChatKey, Marks, Seat, Timestamp},
    ports::DeferredWrite,
};

async fn stored_marks(stores: &Stores, key: ChatKey) -> [Marks; 2] {
    let chat = live(stores.there.load(key).await);
    chat.position.marks.0
}

pub async fn marks_move_forward_only(stores: Stores) {
    let (key, other) = (talk(&stores.here).await, talk(&stores.here).await);
    fill(&stores.here, key, 9).await;
    let to = |delivered, read| (key, DeferredWrite::Marks(Seat::Two, marks(delivered, read)));
    let untouched = Marks::default();
    write(&stores.here, &[to(5, 3)]).await;
    assert_eq!(stored_marks(&stores, key).await, [untouched, marks(5, 3)]);
    write(&stores.there, &[to(4, 4), to(2, 1)]).await;
    assert_eq!(stored_marks(&stores, key).await, [untouched, marks(5, 4)]);
    write(&stores.here, &[to(9, 2)]).await;
    assert_eq!(stored_marks(&stores, key).await, [untouched, marks(9, 4)]);
    assert_eq!(stored_marks(&stores, other).await, [untouched; 2]);
}

pub async fn no_mark_is_stored_above_the_last_message(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 3).await;
    let mark = DeferredWrite::Marks(Seat::Two, marks(9, 2));
    let seen = DeferredWrite::LastSeen(Seat::One, store_now(&stores.here).await);
    write(&stores.here, &[(key, mark), (key, seen)]).await;
    let stored = [Marks::default(), marks(3, 2)];
    assert_eq!(stored_marks(&stores, key).await, stored);
}

pub async fn a_seat_is_last_seen_at_the_latest_time(stores: Stores) {
    let key = chat(&stores.here).await;
    let now = store_now(&stores.here).await;
    let later = now.plus(Duration::from_millis(1_234));
    let seen = async |at: Timestamp| {
        let seen = DeferredWrite::LastSeen(Seat::One, at);
        write(&stores.here, &[(key, seen)]).await;
        let chat = live(stores.there.load(key).await);
        assert_eq!(chat.seats[Seat::Two].last_seen, None);
        chat.seats[Seat::One].last_seen
    };
    assert_eq!(seen(now).await, Some(now));
    assert_eq!(seen(later).await, Some(later));
    assert_eq!(seen(now).await, Some(later));
}

pub async fn a_session_is_last_seen_at_the_latest_time(stores: Stores) {
    let (key, claim) = seated(&stores.here).await;
    let other = take_seat(&stores.here, key, Seat::Two).await;
    let session = session_of(&stores.here, &claim).await;
    let now = session.since;
    let later = now.plus(Duration::from_millis(1_234));
    for (at, expected) in [(now, now), (later, later), (now, later)] {
        let used = DeferredWrite::Used(session.id, at);
        write(&stores.here, &[(key, used)]).await;
        let read = session_of(&stores.there, &claim).await;
        assert_eq!((read.last_seen, read.since), (Some(expected), now));
    }
    assert_eq!(session_of(&stores.there, &other).await.last_seen, None);
}

pub async fn deferred_writes_about_missing_rows_are_ignored(stores: Stores) {
    let (living, ended) = (talk(&stores.here).await, talk(&stores.here).await);
    end(&stores.here, ended).await;
    fill(&stores.here, living, 2).await;
    let now = store_now(&stores.here).await;
    let mark = |key| (key, DeferredWrite::Marks(Seat::One, marks(2, 2)));
    let writes = [
        mark(ended),
        mark(key()),
        (ended, DeferredWrite::LastSeen(Seat::One, now)),
        (living, DeferredWrite::Used(Uuid::new_v4(), now)),
        mark(living),
    ];
    write(&stores.here, &writes).await;
    assert_eq!(stored_marks(&stores, living).await[0], marks(2, 2));
    write(&stores.here, &[]).await;
}

pub async fn marks_outlast_the_sessions_of_their_seat(stores: Stores) {
    let key = talk(&stores.here).await;
    fill(&stores.here, key, 9).await;
    log_out(&stores.here, member(key, Seat::One)).await;
    let mark = DeferredWrite::Marks(Seat::One, marks(2, 1));
    write(&stores.there, &[(key, mark)]).await;
    let stored = [marks(2, 1), Marks::default()];
    assert_eq!(stored_marks(&stores, key).await, stored);
}
