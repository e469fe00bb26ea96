use uuid::Uuid;

use super::{Stores, fixture::*};
use crate::{
    domain::{Caller, Draft, Seat, Seq, TEXT_BYTES_MAX, Timestamp},
    ports::{Appended, ChatRoom},
};

pub async fn messages_get_places_from_one_without_a_gap(stores: Stores) {
    let key = talk(&stores.here).await;
    let mut sent = 0;
    for (store, count) in [(&stores.here, 1), (&stores.there, 5), (&stores.here, 3)] {
        let drafts: Vec<Draft> = (0..count).map(|_| draft(key, Seat::One, "Hello")).collect();
        let places = stored_seqs(&append(store, &drafts).await);
        let expected: Vec<Seq> = (sent + 1..=sent + count).collect();
        assert_eq!(places, expected);
        sent += count;
    }
    assert_eq!(live(stores.there.load(key).await).position.last_seq, sent);
}

pub async fn one_batch_serves_many_chats_each_in_its_order(stores: Stores) {
    let keys = three_talks(&stores.here).await;
    fill(&stores.here, keys[1], 4).await;
    let drafts: Vec<Draft> = (0..30)
        .map(|number| draft(keys[number % 3], Seat::Two, &format!("text {number}")))
        .collect();
    let places = stored_seqs(&append(&stores.here, &drafts).await);
    for (chat, key) in keys.into_iter().enumerate() {
        let before = if chat == 1 { 4 } else { 0 };
        let own = (0..30).filter(|number| number % 3 == chat);
        let own_places: Vec<Seq> = own.clone().map(|number| places[number]).collect();
        assert_eq!(own_places, (before + 1..=before + 10).collect::<Vec<Seq>>());
        let read = all(&stores.there, key).await.into_iter();
        let texts = read.skip(before as usize).map(|message| message.text);
        let expected = own.map(|number| text(&format!("text {number}")));
        assert!(texts.eq(expected), "the texts of chat {chat} are in order");
    }
}

pub async fn a_stored_message_reads_back_as_it_was_sent(stores: Stores) {
    let key = talk(&stores.here).await;
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
        assert_eq!(message, draft.stored_as(seq, at));
        assert!(at >= before, "the store's clock counts, not the sender's");
    }
}

pub async fn a_full_chat_takes_no_more_but_knows_what_it_has(stores: Stores) {
    let (key, roomy) = (talk(&stores.here).await, talk(&stores.here).await);
    let three = ChatRoom {
        messages_max: 3,
        ..PLENTY
    };
    let mut drafts: Vec<Draft> = (0..4).map(|_| draft(key, Seat::One, "Hello")).collect();
    drafts.push(draft(roomy, Seat::One, "Hello"));
    let appended = stores.here.append(&drafts, three).await.unwrap();
    assert_eq!(stored_seqs(&appended[..3]), [1, 2, 3]);
    assert_eq!(appended[3], Appended::Full);
    assert_eq!(stored(&appended[4]), 1, "another chat has room");

    let again = stores.there.append(&drafts[..4], three).await.unwrap();
    assert!(again[..3].iter().all(is_duplicate));
    assert_eq!(again[3], Appended::Full);
    // A full chat is reported before a reused id.
    let other_text = Draft {
        text: text("Hi"),
        ..drafts[0].clone()
    };
    let appended = stores.here.append(&[other_text], three).await.unwrap();
    assert_eq!(appended, [Appended::Full]);
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2, 3]);
}

pub async fn a_chat_full_of_text_takes_no_more_but_knows_what_it_has(stores: Stores) {
    let (key, roomy) = (talk(&stores.here).await, talk(&stores.here).await);
    let room = ChatRoom {
        bytes_max: 12,
        ..PLENTY
    };
    // Bytes of UTF-8 count, not characters.
    let first = draft(key, Seat::One, "éééé");
    let appended = stores.here.append(std::slice::from_ref(&first), room).await;
    assert_eq!(stored(&appended.unwrap()[0]), 1);
    let drafts = [
        draft(roomy, Seat::One, "one, two, three, four"),
        draft(key, Seat::Two, "two"),
        draft(key, Seat::One, "three, of any length"),
        draft(key, Seat::One, "4"),
        draft(key, Seat::Two, "5"),
    ];
    let appended = stores.there.append(&drafts, room).await.unwrap();
    assert_eq!(stored_seqs(&appended[..3]), [1, 2, 3]);
    assert_eq!(appended[3..], [Appended::Full, Appended::Full]);
    let alone = draft(key, Seat::Two, "6");
    let appended = stores.here.append(&[alone], room).await.unwrap();
    assert_eq!(appended, [Appended::Full]);
    let again = stores.there.append(&[first], room).await.unwrap();
    assert!(matches!(again[..], [Appended::Duplicate { seq: 1, .. }]));
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2, 3]);
}

pub async fn a_message_of_a_dead_session_fails_alone(stores: Stores) {
    let (key, other) = (talk(&stores.here).await, talk(&stores.here).await);
    let member = draft(key, Seat::One, "Hello").caller();
    let dead = rejected_callers(&stores.here, member).await;
    let by = |caller: Caller, id| Draft {
        id,
        seat: caller.seat,
        session: caller.session,
        ..draft(key, Seat::One, "Hello")
    };
    for caller in dead {
        let alone = by(caller, Uuid::new_v4());
        assert_eq!(append(&stores.there, &[alone]).await, [Appended::NoSession]);
    }
    let id = Uuid::new_v4();
    let drafts = [
        draft(other, Seat::One, "in another chat"),
        by(dead[0], id),
        by(member, id),
        by(dead[2], id),
        by(member, id),
        draft(key, Seat::Two, "the other seat"),
    ];
    let appended = append(&stores.here, &drafts).await;
    assert_eq!([0, 2, 5].map(|place| stored(&appended[place])), [1, 1, 2]);
    for place in [1, 3] {
        assert_eq!(appended[place], Appended::NoSession);
    }
    assert!(matches!(appended[4], Appended::Duplicate { seq: 1, .. }));
    // Nor does it learn what is stored.
    let again = append(&stores.there, &[by(dead[2], id)]).await;
    assert_eq!(again, [Appended::NoSession]);
    assert_eq!(seqs(&all(&stores.here, key).await), [1, 2]);
}

pub async fn a_message_racing_the_end_of_its_session_is_stored_before_it_or_not_at_all(
    stores: Stores,
) {
    for round in 0..20 {
        let key = talk(&stores.here).await;
        let outcomes = race(&stores, 12, |store, number| async move {
            if number == 5 {
                let own = member(key, Seat::One);
                log_out(&store, own).await;
                return Err(live(store.load(key).await).position.last_seq);
            }
            // Alone and among others: a lone message takes a shorter path.
            let mut drafts = vec![draft(key, Seat::One, "Hello")];
            if number % 3 == 0 {
                drafts.push(draft(key, Seat::One, "Hello again"));
            }
            Ok(append(&store, &drafts).await)
        })
        .await;
        let last_seq = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
        for outcome in outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()) {
            for outcome in outcome {
                match outcome {
                    Appended::Stored { seq, .. } => {
                        assert!(Some(seq) <= last_seq, "in round {round}");
                    }
                    other => assert_eq!(*other, Appended::NoSession),
                }
            }
        }
    }
}

pub async fn messages_to_chats_that_are_over_or_missing_fail_alone(stores: Stores) {
    let (one, two) = (talk(&stores.here).await, talk(&stores.here).await);
    let ended = talk(&stores.here).await;
    fill(&stores.here, ended, 2).await;
    end(&stores.here, ended).await;
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
    let key = talk(&stores.here).await;
    let placed = race(&stores, RACERS, |store, number| async move {
        let drafts = ["first", "second"]
            .map(|place| draft(key, Seat::BOTH[number % 2], &format!("{place} {number}")));
        stored_seqs(&append(&store, &drafts).await)
    })
    .await;
    let in_order = placed.iter().all(|batch| batch.is_sorted());
    assert!(in_order, "a batch keeps its order");
    let mut places = placed.concat();
    places.sort_unstable();
    assert_eq!(places, up_to(2 * RACERS as Seq));
    assert_eq!(seqs(&all(&stores.here, key).await), places);
}

pub async fn crossing_batches_on_two_instances_all_arrive(stores: Stores) {
    let keys = three_talks(&stores.here).await;
    let outcomes = race(&stores, 24, |store, number| async move {
        // Every batch names the chats in another order, so that a store which locks in that order deadlocks.
        let key = |turn| keys[(number + turn * (1 + number % 2)) % 3];
        let drafts: Vec<Draft> = (0..9)
            .map(|turn| draft(key(turn), Seat::One, "Hello"))
            .collect();
        append(&store, &drafts).await
    })
    .await;
    assert_eq!(stored_seqs(&outcomes.concat()).len(), 24 * 9);
    for key in keys {
        assert_eq!(seqs(&all(&stores.here, key).await), up_to(24 * 3));
    }
}

pub async fn every_text_survives_unchanged(stores: Stores) {
    let key = talk(&stores.here).await;
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
    assert!(again.iter().all(is_duplicate));
}
