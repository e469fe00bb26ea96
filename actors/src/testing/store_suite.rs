//! The suite that every store must pass. One claim per function; [`store_suite!`](crate::store_suite) makes
//! a test of each.
//!
//! ```ignore
//! mod sqlite {
//!     async fn open() -> actors::testing::Stores {
//!         let folder = tempfile::tempdir().unwrap();
//!         let store = Arc::new(SqliteStore::open(&folder.path().join("duet.db")).unwrap());
//!         actors::testing::Stores::new(store.clone(), store, folder)
//!     }
//!
//!     actors::store_suite!(open);
//! }
//! ```
//!
//! The claims use the store's clock only: what is to lapse gets a short life and is waited for.
#![expect(missing_docs, reason = "the name of a claim is its documentation")]
#![expect(clippy::unwrap_used, reason = "test code in a library")]

mod appending;
mod asks;
mod codes;
mod deferred_writes;
mod ending;
mod fixture;
mod history;
mod keys;
mod purging;
mod registration;
mod repeating;
mod seats;

pub use self::{
    appending::*, asks::*, codes::*, deferred_writes::*, ending::*, history::*, keys::*,
    purging::*, registration::*, repeating::*, seats::*,
};
use crate::testing::Stores;

/// Runs one claim on several threads, so that races in it are real.
///
/// # Panics
/// When the claim does not hold.
#[doc(hidden)]
pub fn run(claim: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started")
        .block_on(claim);
}

/// Makes a test of every claim about stores. Takes an async function, or a closure in
/// parentheses, that returns [`Stores`](crate::testing::Stores): freshly opened and empty.
#[macro_export]
macro_rules! store_suite {
    ($open:expr) => {
        $crate::store_suite! { $open;
            // registration
            a_registered_chat_is_there_with_its_names_and_nothing_else
            the_same_registration_finds_the_chat_it_made
            an_encrypted_chat_keeps_the_digest_of_its_proof
            a_registration_says_whether_the_names_are_the_same
            a_registration_of_one_name_is_the_same_whatever_the_second_is_called
            the_same_registration_makes_a_new_chat_once_the_first_is_over
            the_same_registration_racing_itself_makes_one_chat
            the_same_registration_with_another_key_finds_the_chat_it_made
            the_same_registration_racing_with_other_keys_makes_one_chat
            a_name_that_would_be_refused_today_is_read_as_it_was_stored
            a_key_in_use_is_taken
            a_key_that_was_used_stays_taken
            one_of_many_racing_registrations_gets_the_key
            a_key_that_must_be_reserved_is_refused_without_a_reservation
            a_reserved_key_can_be_registered_once
            a_reservation_lapses
            a_key_in_use_or_used_before_cannot_be_reserved
            seat_two_is_named_once
            one_of_many_racing_names_stays
            a_seat_is_named_with_its_first_session_or_not_at_all
            a_chat_that_never_was_is_missing
            // seats
            the_first_to_claim_a_seat_gets_it_and_sets_its_code
            a_session_keeps_what_it_logged_in_with
            the_time_of_the_first_login_is_kept_over_later_ones
            a_free_seat_accepts_any_proof
            a_taken_seat_needs_a_proof
            a_seat_stays_taken_after_its_last_session_ended
            exactly_one_of_many_racing_claims_wins
            a_login_with_a_return_code_keeps_the_other_sessions
            a_return_code_is_refused_at_the_other_seat
            the_same_login_replaces_its_unused_session_and_code
            the_same_login_with_a_code_adds_one_session
            the_same_login_does_not_replace_a_session_in_use
            the_same_login_at_the_other_seat_is_another
            the_longest_unused_session_makes_room
            a_session_ends_itself
            a_session_is_ended_by_its_id
            a_session_is_not_ended_from_the_other_seat
            // codes
            a_new_return_code_replaces_the_old_one
            a_new_return_code_ends_its_seats_device_code_and_asks
            a_device_code_works_once
            one_of_many_racing_uses_of_a_device_code_wins
            a_device_code_expires
            a_new_device_code_replaces_the_old_one
            a_device_code_dies_with_the_session_that_made_it
            a_dead_session_makes_no_codes_and_ends_no_sessions
            a_session_is_one_of_its_own_seat_and_chat
            // asks
            an_ask_waits_and_is_listed
            an_allowed_ask_lets_in_once
            one_of_many_racing_uses_of_an_ask_wins
            an_allowed_ask_that_is_not_used_expires
            allowing_ends_the_seats_sessions_and_codes_and_no_others
            a_replaced_person_is_recognised_by_their_old_secrets
            a_refused_ask_lets_nobody_in_and_changes_nothing
            a_dry_run_leaves_the_ask_open
            the_seat_asked_for_may_refuse_and_not_allow
            an_unanswered_ask_lets_nobody_in
            an_ask_is_answered_once
            one_of_two_racing_answers_counts
            an_expired_ask_cannot_be_answered
            a_seat_has_one_open_ask_the_newest
            one_of_many_racing_asks_for_a_seat_stays_open
            only_the_ask_allowed_last_lets_somebody_in
            an_ask_dies_with_the_session_that_allowed_it
            a_dead_session_answers_nothing
            an_unknown_ask_has_no_state_and_no_answer
            // appending
            messages_get_places_from_one_without_a_gap
            one_batch_serves_many_chats_each_in_its_order
            a_stored_message_reads_back_as_it_was_sent
            the_same_message_twice_in_one_batch_is_stored_once
            a_repeated_message_keeps_its_first_seq
            the_same_message_racing_on_two_instances_is_stored_once
            one_of_two_texts_racing_for_an_id_is_stored
            the_same_id_from_the_other_seat_is_another_message
            the_same_id_in_another_chat_is_another_message
            the_same_id_with_another_text_is_reported
            a_full_chat_takes_no_more_but_knows_what_it_has
            a_chat_full_of_text_takes_no_more_but_knows_what_it_has
            a_message_of_a_dead_session_fails_alone
            a_message_racing_the_end_of_its_session_is_stored_before_it_or_not_at_all
            messages_to_chats_that_are_over_or_missing_fail_alone
            many_appenders_to_one_chat_leave_no_gap
            crossing_batches_on_two_instances_all_arrive
            every_text_survives_unchanged
            // history
            the_newest_page_ends_with_the_last_message
            pages_forward_meet_without_gap_or_repeat
            pages_backward_meet_without_gap_or_repeat
            a_page_of_long_texts_ends_early_at_the_far_end
            pages_outside_of_the_chat_are_empty
            an_empty_chat_has_an_empty_page
            a_page_is_read_by_a_living_session_alone
            sessions_are_checked_in_the_order_asked_for
            positions_come_in_the_order_asked_for
            a_position_contains_both_seats_marks
            a_revision_goes_up_with_every_change_of_seats_sessions_and_asks
            a_revision_stays_with_messages_marks_and_times
            // deferred writes
            marks_move_forward_only
            no_mark_is_stored_above_the_last_message
            a_seat_is_last_seen_at_the_latest_time
            a_session_is_last_seen_at_the_latest_time
            marks_outlast_the_sessions_of_their_seat
            deferred_writes_about_missing_rows_are_ignored
            // ending
            a_chat_ends_once
            a_chat_is_ended_by_a_living_session_alone
            one_of_many_racing_ends_counts
            nothing_of_an_ended_chat_can_be_read
            nothing_can_be_done_in_an_ended_chat
            an_end_spares_every_other_chat
            a_message_racing_the_end_is_stored_before_it_or_not_at_all
            an_expired_chat_is_over_before_the_sweep
            an_expired_chat_is_ended_once_before_the_sweep
            the_sweep_ends_expired_chats_and_reports_each_once
            the_sweep_ends_no_more_than_it_is_asked_to
            living_chats_are_counted
            // purging
            an_ended_chat_is_deleted_in_slices
            a_purge_keeps_live_chats_and_their_codes
            a_tombstone_stands_for_its_life
            a_tombstone_outlives_every_message
            two_purges_at_once_do_no_harm
        }
    };
    ($open:expr; $($claim:ident)*) => {$(
        #[test]
        fn $claim() {
            $crate::testing::store_suite::run(async {
                $crate::testing::store_suite::$claim($open().await).await;
            });
        }
    )*};
}
