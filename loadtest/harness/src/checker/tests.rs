//! The checker is what every other test leans on, so each way of breaking a promise is shown to be seen, and counted once.

use super::*;

fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(7, number)
}

/// Acknowledges messages 1 to `count` of chat 0.
fn acknowledge(ledger: &Ledger, count: u64) {
    (1..=count).for_each(|seq| ledger.acknowledged(0, seq, id(seq), &format!("text {seq}")));
}

/// Shows these messages of chat 0 in one view, in this order and unaltered.
fn show(ledger: &Ledger, view: View, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        see(ledger, view, seq, id(seq), &format!("text {seq}"));
    }
}

fn see(ledger: &Ledger, view: View, seq: u64, id: Uuid, text: &str) {
    match view {
        View::Stream(seat) => ledger.delivered(0, seat, seq, id, text),
        View::History => ledger.remembered(0, seq, id, text),
    }
}

/// A ledger in which all is well, except that `view` is left to the test.
fn all_but(view: View, count: u64) -> Ledger {
    let ledger = Ledger::new(1);
    acknowledge(&ledger, count);
    View::ALL
        .into_iter()
        .filter(|other| *other != view)
        .for_each(|other| show(&ledger, other, 1..=count));
    ledger
}

/// lost, doubled, reordered, altered, gaps
fn counts(ledger: &Ledger) -> [u64; 5] {
    let verdict = ledger.verdict();
    assert_eq!(
        verdict.is_clean(),
        verdict.findings.is_empty(),
        "every count comes with a finding: {verdict}"
    );
    [
        verdict.lost,
        verdict.doubled,
        verdict.reordered,
        verdict.altered,
        verdict.gaps,
    ]
}

const ONE: View = View::Stream(Seat::One);
const TWO: View = View::Stream(Seat::Two);

#[test]
fn a_history_that_cannot_be_read_is_neither_whole_nor_lost() {
    let ledger = all_but(View::History, 3);
    ledger.unread(0, "no server answers");
    let verdict = ledger.verdict();
    assert!(verdict.is_clean() && !verdict.is_complete(), "{verdict}");
    assert!(
        verdict.to_string().contains("no server answers"),
        "{verdict}"
    );
}

#[test]
fn what_arrives_everywhere_once_and_in_order_is_clean() {
    let ledger = all_but(ONE, 5);
    show(&ledger, ONE, 1..=5);
    assert_eq!(counts(&ledger), [0; 5]);
    assert_eq!(
        (
            ledger.verdict().acknowledged,
            ledger.verdict().unacknowledged
        ),
        (5, 0)
    );
    assert_eq!(
        Ledger::new(3).verdict(),
        Verdict::default(),
        "nothing was promised, nothing was broken"
    );
}

#[test]
fn a_message_missing_at_the_end_of_any_view_is_lost() {
    for view in View::ALL {
        let ledger = all_but(view, 5);
        show(&ledger, view, 1..=4);
        assert_eq!(counts(&ledger), [1, 0, 0, 0, 0], "{view:?}");
    }
}

#[test]
fn a_message_missing_in_the_middle_is_lost_and_leaves_a_gap() {
    for view in View::ALL {
        let ledger = all_but(view, 5);
        show(&ledger, view, [1, 2, 4, 5]);
        assert_eq!(counts(&ledger), [1, 0, 0, 0, 1], "{view:?}");
    }
}

#[test]
fn a_number_that_nobody_was_given_is_a_gap_alone() {
    let ledger = Ledger::requiring(1, &[ONE]);
    show(&ledger, ONE, [1, 3]);
    ledger.acknowledged(0, 1, id(1), "text 1");
    ledger.acknowledged(0, 3, id(3), "text 3");
    assert_eq!(counts(&ledger), [0, 0, 0, 0, 1]);
}

#[test]
fn a_view_that_showed_nothing_lost_everything() {
    assert_eq!(counts(&all_but(TWO, 5)), [5, 0, 0, 0, 0]);
}

#[test]
fn a_repeat_is_doubled_once_for_each_time_it_comes_again() {
    for view in View::ALL {
        let ledger = all_but(view, 5);
        show(&ledger, view, [1, 2, 3, 3, 3, 4, 5]);
        assert_eq!(counts(&ledger), [0, 2, 0, 0, 0], "{view:?}");
        let ledger = all_but(view, 5);
        show(&ledger, view, [1, 2, 3, 4, 5, 2]);
        assert_eq!(
            counts(&ledger),
            [0, 1, 0, 0, 0],
            "{view:?}: a late repeat is not out of order as well"
        );
    }
}

#[test]
fn a_message_stored_twice_under_two_numbers_is_doubled() {
    let ledger = Ledger::new(1);
    acknowledge(&ledger, 2);
    for view in View::ALL {
        show(&ledger, view, 1..=2);
        see(&ledger, view, 3, id(2), "text 2");
    }
    assert_eq!(counts(&ledger), [0, 3, 0, 0, 0]);
}

#[test]
fn two_messages_under_one_number_are_doubled() {
    let ledger = Ledger::requiring(1, &[ONE]);
    for number in [1, 2] {
        ledger.acknowledged(0, 1, id(number), "same number");
        see(&ledger, ONE, 1, id(number), "same number");
    }
    assert_eq!(counts(&ledger), [0, 1, 0, 0, 0]);
}

#[test]
fn a_message_that_comes_after_a_later_one_is_reordered() {
    for view in View::ALL {
        let ledger = all_but(view, 5);
        show(&ledger, view, [1, 3, 2, 5, 4]);
        assert_eq!(counts(&ledger), [0, 0, 2, 0, 0], "{view:?}");
    }
}

#[test]
fn another_text_is_altered() {
    for view in View::ALL {
        let ledger = all_but(view, 3);
        show(&ledger, view, 1..=2);
        see(&ledger, view, 3, id(3), "text 3 ");
        assert_eq!(counts(&ledger), [0, 0, 0, 1, 0], "{view:?}");
    }
}

#[test]
fn another_number_than_the_sender_was_told_is_altered() {
    let ledger = Ledger::requiring(1, &[ONE]);
    ledger.acknowledged(0, 2, id(1), "text");
    see(&ledger, ONE, 1, id(1), "text");
    assert_eq!(counts(&ledger), [0, 0, 0, 1, 0]);
}

#[test]
fn another_id_is_a_message_lost_and_a_strange_one_shown() {
    let ledger = Ledger::new(1);
    acknowledge(&ledger, 1);
    show(&ledger, TWO, [1]);
    show(&ledger, View::History, [1]);
    see(&ledger, ONE, 1, id(99), "text 1");
    assert_eq!(
        counts(&ledger),
        [2, 0, 0, 0, 0],
        "the real one at seat 1, the strange one at seat 2"
    );
    assert_eq!(ledger.verdict().unacknowledged, 1);
}

#[test]
fn the_same_acknowledgement_again_is_fine_but_another_one_is_not() {
    let ledger = Ledger::requiring(1, &[ONE]);
    acknowledge(&ledger, 1);
    acknowledge(&ledger, 1);
    show(&ledger, ONE, [1]);
    assert_eq!(counts(&ledger), [0; 5]);
    assert_eq!(ledger.verdict().acknowledged, 1);
    ledger.acknowledged(0, 2, id(1), "text 1");
    assert_eq!(counts(&ledger), [0, 0, 0, 1, 0]);
}

#[test]
fn a_message_nobody_acknowledged_must_be_shown_to_both_or_to_nobody() {
    let ledger = Ledger::new(1);
    show(&ledger, ONE, [1]);
    assert_eq!(
        counts(&ledger),
        [1, 0, 0, 0, 0],
        "the history may have been read before it was stored"
    );
    show(&ledger, TWO, [1]);
    assert_eq!(counts(&ledger), [0; 5]);
    assert_eq!(ledger.verdict().unacknowledged, 1);
}

#[test]
fn a_message_nobody_acknowledged_must_be_the_same_everywhere() {
    let ledger = Ledger::new(1);
    see(&ledger, ONE, 1, id(1), "so");
    see(&ledger, TWO, 1, id(1), "or so");
    assert_eq!(counts(&ledger), [0, 0, 0, 1, 0]);
}

#[test]
fn a_view_that_is_not_required_is_judged_by_what_it_shows() {
    let ledger = Ledger::requiring(1, &[View::History]);
    acknowledge(&ledger, 3);
    show(&ledger, View::History, 1..=3);
    assert_eq!(counts(&ledger), [0; 5]);
    show(&ledger, ONE, [2, 1]);
    assert_eq!(counts(&ledger), [0, 0, 1, 0, 0]);
}

#[test]
fn a_view_that_begins_later_owes_nothing_from_before() {
    let ledger = all_but(ONE, 5);
    ledger.begins_after(0, ONE, 3);
    assert_eq!(ledger.outstanding(), 2);
    show(&ledger, ONE, 4..=5);
    assert_eq!(counts(&ledger), [0; 5]);
    show(&ledger, ONE, [3]);
    assert_eq!(
        counts(&ledger),
        [0, 1, 0, 0, 0],
        "what lies before its beginning was asked for by nobody"
    );
}

#[test]
fn outstanding_counts_down_to_zero_whatever_the_order() {
    let ledger = Ledger::new(1);
    acknowledge(&ledger, 3);
    assert_eq!(
        ledger.outstanding(),
        6,
        "the history is read by the run, not waited for"
    );
    show(&ledger, TWO, 1..=3);
    assert_eq!(ledger.outstanding(), 3);
    show(&ledger, ONE, [3, 3, 1]);
    assert_eq!(ledger.outstanding(), 1);
    show(&ledger, ONE, [2]);
    assert_eq!(ledger.outstanding(), 0);
    show(&ledger, ONE, [4]);
    assert_eq!(
        ledger.outstanding(),
        1,
        "what one was shown, the other one waits for"
    );
}

#[test]
fn chats_do_not_mix() {
    let ledger = Ledger::requiring(2, &[ONE]);
    ledger.acknowledged(0, 1, id(1), "a");
    ledger.acknowledged(1, 1, id(2), "b");
    ledger.delivered(0, Seat::One, 1, id(1), "a");
    ledger.delivered(1, Seat::One, 1, id(2), "b");
    assert_eq!(counts(&ledger), [0; 5]);
}

#[test]
fn a_mutilated_history_never_passes_for_whole() {
    // Every way of dropping, repeating, swapping or rewriting one of the messages, in every view.
    for (view, at) in View::ALL
        .into_iter()
        .flat_map(|view| (1..=4_u64).map(move |at| (view, at)))
    {
        let dropped: Vec<u64> = (1..=4).filter(|seq| *seq != at).collect();
        let doubled: Vec<u64> = (1..=4)
            .flat_map(|seq| vec![seq; if seq == at { 2 } else { 1 }])
            .collect();
        let mut swapped = vec![1, 2, 3, 4];
        swapped.swap(at as usize - 1, at as usize % 4);
        for shown in [dropped, doubled, swapped] {
            let ledger = all_but(view, 4);
            show(&ledger, view, shown.clone());
            assert!(!ledger.verdict().is_clean(), "{view:?} showed {shown:?}");
        }
    }
}
