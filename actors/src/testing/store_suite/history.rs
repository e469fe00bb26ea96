use super::{Stores, fixture::*};
use crate::{
    domain::{Page, Seat, Seq},
    ports::{HistoryPage, PAGE_BYTES_MAX},
};

async fn page(
    stores: &Stores,
    key: crate::domain::ChatKey,
    page: Page,
    limit: usize,
) -> (Vec<Seq>, bool) {
    let HistoryPage { messages, more } = live(stores.there.history(key, page, limit).await);
    (seqs(&messages), more)
}

pub async fn the_newest_page_ends_with_the_last_message(stores: Stores) {
    let key = chat(&stores.here).await;
    fill(&stores.here, key, 7).await;
    assert_eq!(
        page(&stores, key, Page::Newest, 3).await,
        (vec![5, 6, 7], true)
    );
    assert_eq!(
        page(&stores, key, Page::Newest, 6).await,
        ((2..=7).collect(), true)
    );
    assert_eq!(
        page(&stores, key, Page::Newest, 7).await,
        ((1..=7).collect(), false)
    );
    assert_eq!(
        page(&stores, key, Page::Newest, 200).await,
        ((1..=7).collect(), false)
    );
}

pub async fn pages_forward_meet_without_gap_or_repeat(stores: Stores) {
    let key = chat(&stores.here).await;
    fill(&stores.here, key, 10).await;
    for limit in [1, 3, 5, 10, 200] {
        let mut read: Vec<Seq> = Vec::new();
        loop {
            let after = read.last().copied().unwrap_or(0);
            let (seqs, more) = page(&stores, key, Page::After(after), limit).await;
            assert!(seqs.len() <= limit);
            read.extend(seqs);
            if !more {
                break;
            }
        }
        assert_eq!(
            read,
            (1..=10).collect::<Vec<Seq>>(),
            "with pages of {limit}"
        );
    }
}

pub async fn pages_backward_meet_without_gap_or_repeat(stores: Stores) {
    let key = chat(&stores.here).await;
    fill(&stores.here, key, 10).await;
    for limit in [1, 3, 5, 10, 200] {
        let mut read: Vec<Seq> = Vec::new();
        loop {
            let before = read.first().copied().unwrap_or(11);
            let (mut seqs, more) = page(&stores, key, Page::Before(before), limit).await;
            assert!(seqs.len() <= limit);
            seqs.extend(read);
            read = seqs;
            if !more {
                break;
            }
        }
        assert_eq!(
            read,
            (1..=10).collect::<Vec<Seq>>(),
            "with pages of {limit}"
        );
    }
}

pub async fn a_page_of_long_texts_ends_early_at_the_far_end(stores: Stores) {
    let key = chat(&stores.here).await;
    let (quarter, rest) = (
        "x".repeat(PAGE_BYTES_MAX / 4),
        "x".repeat(PAGE_BYTES_MAX / 4 - 1),
    );
    let texts = [&quarter, &quarter, &rest, &quarter, "y", &quarter];
    let drafts = texts.map(|words| draft(key, Seat::One, words));
    append(&stores.here, &drafts).await;
    for (part, expected) in [
        (Page::After(0), (vec![1, 2, 3, 4, 5], true)),
        (Page::After(1), (vec![2, 3, 4, 5, 6], false)),
        (Page::Newest, (vec![2, 3, 4, 5, 6], true)),
        (Page::Before(6), (vec![1, 2, 3, 4, 5], false)),
    ] {
        assert_eq!(page(&stores, key, part, 200).await, expected, "{part:?}");
    }
    assert_eq!(
        page(&stores, key, Page::After(0), 2).await,
        (vec![1, 2], true)
    );
}

pub async fn pages_outside_of_the_chat_are_empty(stores: Stores) {
    let key = chat(&stores.here).await;
    fill(&stores.here, key, 3).await;
    for outside in [
        Page::After(3),
        Page::After(1_000),
        Page::Before(1),
        Page::Before(0),
    ] {
        assert_eq!(
            page(&stores, key, outside, 10).await,
            (vec![], false),
            "{outside:?}"
        );
    }
    let far = i64::MAX as Seq;
    assert_eq!(
        page(&stores, key, Page::After(far), 10).await,
        (vec![], false)
    );
    assert_eq!(
        page(&stores, key, Page::Before(far), 2).await,
        (vec![2, 3], true)
    );
}

pub async fn an_empty_chat_has_an_empty_page(stores: Stores) {
    let key = chat(&stores.here).await;
    for empty in [Page::Newest, Page::After(0), Page::Before(1)] {
        assert_eq!(
            page(&stores, key, empty, 10).await,
            (vec![], false),
            "{empty:?}"
        );
    }
}

pub async fn positions_come_in_the_order_asked_for(stores: Stores) {
    let (empty, three, ended) = (
        chat(&stores.here).await,
        chat(&stores.here).await,
        chat(&stores.here).await,
    );
    fill(&stores.here, three, 3).await;
    fill(&stores.here, ended, 2).await;
    stores.here.end(ended).await.unwrap();
    let expired = expired_chat(&stores.here).await;
    let keys = [three, ended, key(), empty, expired, three];
    let expected = [Some(3), None, None, Some(0), None, Some(3)];
    assert_eq!(stores.there.positions(&keys).await.unwrap(), expected);
    assert_eq!(stores.there.positions(&[]).await.unwrap(), []);
}
