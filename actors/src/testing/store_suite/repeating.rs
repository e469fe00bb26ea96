//! A message that is sent again, and an id that is used again.

use std::collections::HashSet;

use super::{Stores, fixture::*};
use crate::{
    domain::{Draft, Seat},
    ports::Appended,
};

pub async fn the_same_message_twice_in_one_batch_is_stored_once(stores: Stores) {
    let key = talk(&stores.here).await;
    let same = draft(key, Seat::One, "Hello");
    let next = draft(key, Seat::One, "Hello");
    let drafts = [same.clone(), same.clone(), next, same];
    let appended = append(&stores.here, &drafts).await;
    let Appended::Stored { seq: 1, at } = appended[0] else {
        panic!("{:?}", appended[0])
    };
    assert_eq!(appended[1], Appended::Duplicate { seq: 1, at });
    assert_eq!(stored(&appended[2]), 2);
    assert_eq!(appended[3], Appended::Duplicate { seq: 1, at });
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2]);
}

pub async fn a_repeated_message_keeps_its_first_seq(stores: Stores) {
    let key = talk(&stores.here).await;
    let drafts = fill(&stores.here, key, 3).await;
    let read = all(&stores.here, key).await;
    for store in [&stores.here, &stores.there] {
        for (draft, message) in drafts.iter().zip(&read) {
            let again = append(store, std::slice::from_ref(draft)).await;
            let (seq, at) = (message.seq, message.at);
            assert_eq!(again, [Appended::Duplicate { seq, at }]);
        }
    }
    let next = draft(key, Seat::One, "next");
    assert_eq!(stored_seqs(&append(&stores.here, &[next]).await), [4]);
}

pub async fn the_same_message_racing_on_two_instances_is_stored_once(stores: Stores) {
    let key = talk(&stores.here).await;
    for round in 1..=20 {
        let same = draft(key, Seat::One, "Hello");
        let outcomes = race(&stores, 8, |store, _| {
            let drafts = [same.clone()];
            async move { append(&store, &drafts).await.remove(0) }
        })
        .await;
        let duplicates = outcomes.iter().filter(|outcome| is_duplicate(outcome));
        assert_eq!(duplicates.count(), 7, "one of them stored it");
        let mut answers = HashSet::new();
        for outcome in outcomes {
            match outcome {
                Appended::Stored { seq, at } | Appended::Duplicate { seq, at } => {
                    answers.insert((seq, at));
                }
                other => panic!("a racing duplicate came out as {other:?}"),
            }
        }
        assert_eq!(answers.len(), 1, "all tell the same place and time");
        assert_eq!(live(stores.here.load(key).await).position.last_seq, round);
    }
}

pub async fn the_same_id_from_the_other_seat_is_another_message(stores: Stores) {
    let key = talk(&stores.here).await;
    let one = draft(key, Seat::One, "Hello");
    let two = Draft {
        id: one.id,
        ..draft(key, Seat::Two, "Hello")
    };
    let other_text = Draft {
        text: text("Hi"),
        ..two.clone()
    };
    let appended = append(&stores.here, &[one, two]).await;
    assert_eq!(stored_seqs(&appended), [1, 2]);
    let appended = append(&stores.here, &[other_text]).await;
    assert_eq!(appended, [Appended::OtherText]);
}

pub async fn the_same_id_in_another_chat_is_another_message(stores: Stores) {
    let first = draft(talk(&stores.here).await, Seat::One, "Hello");
    let second = Draft {
        id: first.id,
        ..draft(talk(&stores.here).await, Seat::One, "Hi")
    };
    let appended = append(&stores.here, &[first, second]).await;
    assert_eq!(stored_seqs(&appended), [1, 1]);
}

pub async fn the_same_id_with_another_text_is_reported(stores: Stores) {
    let key = talk(&stores.here).await;
    let said = draft(key, Seat::One, "Hello");
    let other = Draft {
        text: text("hello"),
        ..said.clone()
    };
    let appended = append(&stores.here, &[said.clone(), other.clone()]).await;
    assert_eq!(stored(&appended[0]), 1);
    assert_eq!(appended[1], Appended::OtherText);
    let next = draft(key, Seat::One, "next");
    let appended = append(&stores.there, &[other, next]).await;
    assert_eq!(appended[0], Appended::OtherText);
    assert_eq!(stored(&appended[1]), 2, "its neighbours are stored");
    assert_eq!(all(&stores.here, key).await[0].text, said.text);
}

pub async fn one_of_two_texts_racing_for_an_id_is_stored(stores: Stores) {
    let key = talk(&stores.here).await;
    for round in 1..=50 {
        let first = draft(key, Seat::One, "Hello");
        let outcomes = race(&stores, 8, |store, number| {
            // Either text comes from either instance, alone and among others.
            let mut drafts = vec![Draft {
                text: text(["Hello", "Goodbye"][number / 2 % 2]),
                ..first.clone()
            }];
            if number >= 4 {
                drafts.push(draft(key, Seat::Two, "Another"));
            }
            async move { append(&store, &drafts).await }
        })
        .await;
        let count = |wanted: fn(&Appended) -> bool| {
            let of_first = outcomes.iter().map(|outcome| &outcome[0]);
            of_first.filter(|it| wanted(it)).count()
        };
        assert_eq!(count(|it| matches!(it, Appended::Stored { .. })), 1);
        assert_eq!(count(is_duplicate), 3);
        assert_eq!(count(|it| matches!(it, Appended::OtherText)), 4);
        let last = round * 5;
        assert_eq!(live(stores.here.load(key).await).position.last_seq, last);
        assert_eq!(seqs(&all(&stores.here, key).await), up_to(last));
    }
}
