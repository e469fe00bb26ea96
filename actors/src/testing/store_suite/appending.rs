use std::collections::HashSet;

use super::{Stores, fixture::*};
use crate::{
    domain::{Draft, Seat, Seq, TEXT_BYTES_MAX, Timestamp},
    ports::{Appended, By},
};

pub async fn messages_get_places_from_one_without_a_gap(stores: Stores) {
    let key = chat(&stores.here).await;
    let mut sent = 0;
    for (store, count) in [(&stores.here, 1), (&stores.there, 5), (&stores.here, 3)] {
        let drafts: Vec<Draft> = (0..count).map(|_| draft(key, Seat::One, "Hello")).collect();
        let places: Vec<Seq> = append(store, &drafts).await.iter().map(stored).collect();
        let expected: Vec<Seq> = (sent + 1..=sent + count).collect();
        assert_eq!(places, expected);
        sent += count;
    }
    assert_eq!(live(stores.there.load(key).await).last_seq, sent);
}

pub async fn one_batch_serves_many_chats_each_in_its_order(stores: Stores) {
    let keys = [
        chat(&stores.here).await,
        chat(&stores.here).await,
        chat(&stores.here).await,
    ];
    fill(&stores.here, keys[1], 4).await;
    let drafts: Vec<Draft> = (0..30)
        .map(|number| draft(keys[number % 3], Seat::Two, &format!("text {number}")))
        .collect();
    let places: Vec<Seq> = append(&stores.here, &drafts)
        .await
        .iter()
        .map(stored)
        .collect();
    for (chat, key) in keys.into_iter().enumerate() {
        let before = if chat == 1 { 4 } else { 0 };
        let own = (0..30).filter(|number| number % 3 == chat);
        let own_places: Vec<Seq> = own.clone().map(|number| places[number]).collect();
        assert_eq!(own_places, (before + 1..=before + 10).collect::<Vec<Seq>>());
        let read = all(&stores.there, key).await;
        let texts = read
            .iter()
            .skip(before as usize)
            .map(|message| message.text.clone());
        let expected = own.map(|number| text(&format!("text {number}")));
        assert!(texts.eq(expected), "the texts of chat {chat} are in order");
    }
}

pub async fn a_stored_message_reads_back_as_it_was_sent(stores: Stores) {
    let key = chat(&stores.here).await;
    let before = store_now(&stores.here).await;
    let mut first = draft(key, Seat::One, "Hello");
    first.sent_at = Some(Timestamp::from_unix_ms(1));
    let second = draft(key, Seat::Two, "Hi");
    let drafts = [first, second];
    let appended = append(&stores.here, &drafts).await;
    let read = all(&stores.there, key).await;
    assert_eq!(read.len(), 2);
    for ((draft, outcome), message) in drafts.iter().zip(appended).zip(read) {
        let Appended::Stored { seq, at } = outcome else {
            panic!("not stored: {outcome:?}")
        };
        assert_eq!(message, draft.placed(seq, at));
        assert!(at >= before, "the store's clock counts, not the sender's");
    }
}

pub async fn the_same_message_twice_in_one_batch_is_stored_once(stores: Stores) {
    let key = chat(&stores.here).await;
    let same = draft(key, Seat::One, "Hello");
    let next = draft(key, Seat::One, "Hello");
    let drafts = [same.clone(), same.clone(), next, same];
    let appended = append(&stores.here, &drafts).await;
    let Appended::Stored { seq: 1, at } = appended[0] else {
        panic!("{:?}", appended[0])
    };
    assert_eq!(appended[1], Appended::Before { seq: 1, at });
    assert_eq!(stored(&appended[2]), 2);
    assert_eq!(appended[3], Appended::Before { seq: 1, at });
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2]);
}

pub async fn the_same_message_again_gets_its_first_place(stores: Stores) {
    let key = chat(&stores.here).await;
    let drafts = fill(&stores.here, key, 3).await;
    let read = all(&stores.here, key).await;
    for store in [&stores.here, &stores.there] {
        for (draft, message) in drafts.iter().zip(&read) {
            let again = append(store, std::slice::from_ref(draft)).await;
            assert_eq!(
                again[0],
                Appended::Before {
                    seq: message.seq,
                    at: message.at
                }
            );
        }
    }
    assert_eq!(
        stored(&append(&stores.here, &[draft(key, Seat::One, "next")]).await[0]),
        4
    );
}

pub async fn the_same_message_racing_on_two_instances_is_stored_once(stores: Stores) {
    let key = chat(&stores.here).await;
    for round in 1..=20 {
        let same = draft(key, Seat::One, "Hello");
        let outcomes = race(&stores, 8, |store, _| {
            let drafts = [same.clone()];
            async move { append(&store, &drafts).await.remove(0) }
        })
        .await;
        let mut fresh = 0;
        let mut answers = HashSet::new();
        for outcome in outcomes {
            match outcome {
                Appended::Stored { seq, at } => {
                    fresh += 1;
                    answers.insert((seq, at));
                }
                Appended::Before { seq, at } => {
                    answers.insert((seq, at));
                }
                other => panic!("a racing duplicate came out as {other:?}"),
            }
        }
        assert_eq!(fresh, 1, "one of them stored it");
        assert_eq!(answers.len(), 1, "all tell the same place and time");
        assert_eq!(live(stores.here.load(key).await).last_seq, round);
    }
}

pub async fn the_same_id_from_the_other_seat_is_another_message(stores: Stores) {
    let key = chat(&stores.here).await;
    let one = draft(key, Seat::One, "Hello");
    let two = Draft {
        seat: Seat::Two,
        ..one.clone()
    };
    let other_text = Draft {
        text: text("Hi"),
        ..two.clone()
    };
    let appended = append(&stores.here, &[one, two]).await;
    assert_eq!(appended.iter().map(stored).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        append(&stores.here, &[other_text]).await,
        [Appended::OtherText]
    );
}

pub async fn the_same_id_in_another_chat_is_another_message(stores: Stores) {
    let first = draft(chat(&stores.here).await, Seat::One, "Hello");
    let second = Draft {
        key: chat(&stores.here).await,
        text: text("Hi"),
        ..first.clone()
    };
    let appended = append(&stores.here, &[first, second]).await;
    assert_eq!(appended.iter().map(stored).collect::<Vec<_>>(), [1, 1]);
}

pub async fn the_same_id_with_another_text_is_told(stores: Stores) {
    let key = chat(&stores.here).await;
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

pub async fn a_full_chat_takes_no_more_but_knows_what_it_has(stores: Stores) {
    let (key, roomy) = (chat(&stores.here).await, chat(&stores.here).await);
    let mut drafts: Vec<Draft> = (0..4).map(|_| draft(key, Seat::One, "Hello")).collect();
    drafts.push(draft(roomy, Seat::One, "Hello"));
    let appended = stores.here.append(&drafts, 3).await.unwrap();
    assert_eq!(
        appended[..3].iter().map(stored).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(appended[3], Appended::Full);
    assert_eq!(stored(&appended[4]), 1, "another chat has room");

    let again = stores.there.append(&drafts[..4], 3).await.unwrap();
    assert!(
        again[..3]
            .iter()
            .all(|outcome| matches!(outcome, Appended::Before { .. }))
    );
    assert_eq!(again[3], Appended::Full);
    // That the chat is full is told ahead of the id that was used before.
    let other_text = Draft {
        text: text("Hi"),
        ..drafts[0].clone()
    };
    let appended = stores.here.append(&[other_text], 3).await.unwrap();
    assert_eq!(appended, [Appended::Full]);
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2, 3]);
}

pub async fn a_chat_that_is_over_or_missing_costs_its_own_messages_alone(stores: Stores) {
    let (one, two) = (chat(&stores.here).await, chat(&stores.here).await);
    let ended = chat(&stores.here).await;
    fill(&stores.here, ended, 2).await;
    stores.here.end(By::Server(ended)).await.unwrap();
    let expired = expired_chat(&stores.here).await;
    let keys = [one, ended, two, key(), one, expired, ended, two];
    let drafts = keys.map(|key| draft(key, Seat::One, "Hello"));
    let appended = append(&stores.here, &drafts).await;
    let [a, b, c, d, e, f, g, h] = &appended[..] else {
        panic!("eight outcomes")
    };
    assert_eq!([a, c, e, h].map(stored), [1, 1, 2, 2]);
    assert_eq!([b, f, g], [&Appended::Ended; 3]);
    assert_eq!(*d, Appended::Missing);
}

pub async fn many_appenders_to_one_chat_leave_no_gap(stores: Stores) {
    let key = chat(&stores.here).await;
    let placed = race(&stores, RACERS, |store, number| async move {
        let drafts = [
            draft(key, Seat::BOTH[number % 2], &format!("first {number}")),
            draft(key, Seat::BOTH[number % 2], &format!("second {number}")),
        ];
        let appended = append(&store, &drafts).await;
        [stored(&appended[0]), stored(&appended[1])]
    })
    .await;
    assert!(
        placed.iter().all(|[first, second]| first < second),
        "a batch keeps its order"
    );
    let mut places = placed.concat();
    places.sort_unstable();
    let last = 2 * RACERS as Seq;
    assert_eq!(places, (1..=last).collect::<Vec<Seq>>());
    assert_eq!(seqs(&all(&stores.here, key).await), places);
}

pub async fn one_of_two_texts_racing_for_an_id_is_stored(stores: Stores) {
    let key = chat(&stores.here).await;
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
        let outcome_of_first = |outcome: &Vec<Appended>| outcome[0].clone();
        let of_first: Vec<Appended> = outcomes.iter().map(outcome_of_first).collect();
        let count = |wanted: fn(&Appended) -> bool| of_first.iter().filter(|it| wanted(it)).count();
        assert_eq!(count(|it| matches!(it, Appended::Stored { .. })), 1);
        assert_eq!(count(|it| matches!(it, Appended::Before { .. })), 3);
        assert_eq!(count(|it| matches!(it, Appended::OtherText)), 4);
        let last = round * 5;
        assert_eq!(live(stores.here.load(key).await).last_seq, last);
        assert_eq!(
            seqs(&all(&stores.here, key).await),
            (1..=last).collect::<Vec<Seq>>()
        );
    }
}

pub async fn crossing_batches_on_two_instances_all_arrive(stores: Stores) {
    let keys = [
        chat(&stores.here).await,
        chat(&stores.here).await,
        chat(&stores.here).await,
    ];
    let outcomes = race(&stores, 24, |store, number| async move {
        // Every batch names the chats in another order: whoever locks them so, meets itself.
        let drafts: Vec<Draft> = (0..9)
            .map(|turn| {
                draft(
                    keys[(number + turn * (1 + number % 2)) % 3],
                    Seat::One,
                    "Hello",
                )
            })
            .collect();
        append(&store, &drafts).await
    })
    .await;
    let all_stored = outcomes.iter().flatten().map(stored).count();
    assert_eq!(all_stored, 24 * 9);
    for key in keys {
        let read = seqs(&all(&stores.here, key).await);
        assert_eq!(read, (1..=24 * 3).collect::<Vec<Seq>>());
    }
}

pub async fn every_text_survives_unchanged(stores: Stores) {
    let key = chat(&stores.here).await;
    let texts = [
        " leading and trailing \n",
        "'; DROP TABLE messages; --",
        "a\u{202E}b\u{200D}\u{FEFF}",
        "c\u{1}\u{7F}\r\n\t\u{2028}",
        "e\u{301} \u{e9}",
        "\u{10FFFF}🙂\u{FFFD}",
        "\\x00 \\u0000 %00",
        &"é".repeat(TEXT_BYTES_MAX / 2),
    ]
    .map(text);
    let drafts = texts.clone().map(|text| Draft {
        text,
        ..draft(key, Seat::One, "-")
    });
    append(&stores.here, &drafts).await;
    let read = all(&stores.there, key).await;
    assert_eq!(read.len(), texts.len());
    for (message, text) in read.iter().zip(&texts) {
        assert_eq!(message.text.as_str(), text.as_str());
    }
    let again = append(&stores.here, &drafts).await;
    assert!(
        again
            .iter()
            .all(|outcome| matches!(outcome, Appended::Before { .. }))
    );
}
