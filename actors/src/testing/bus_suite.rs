//! The suite that every bus must pass. One claim per function; [`bus_suite!`](crate::bus_suite) makes a test
//! of each.
//!
//! ```ignore
//! mod memory_bus {
//!     async fn open() -> actors::testing::Buses {
//!         let hub = MemoryHub::default();
//!         actors::testing::Buses::new(Arc::new(hub.attach()), Arc::new(hub.attach()), ())
//!     }
//!
//!     actors::bus_suite!(open);
//! }
//! ```
#![expect(missing_docs, reason = "the name of a claim is its documentation")]
#![expect(clippy::unwrap_used, reason = "test code in a library")]

mod collector;
mod notices;
mod presence;

pub use self::{
    collector::{Collector, mark},
    notices::*,
    presence::*,
};
use crate::{
    domain::ChatKey,
    testing::{Buses, key},
};

/// A chat that `there` is subscribed to, while both instances listen, and what arrives there.
async fn subscribed_there(buses: &Buses) -> (ChatKey, Collector) {
    let (chat, heard) = (key(), Collector::from(&buses.there));
    let _ = Collector::from(&buses.here);
    buses.there.subscribe(chat).await.unwrap();
    (chat, heard)
}

/// Runs one claim inside an actix system, which buses need.
///
/// # Panics
/// When the claim does not hold.
#[doc(hidden)]
pub fn run(claim: impl Future<Output = ()>) {
    actix::System::new().block_on(claim);
}

/// Makes a test of every claim about buses. Takes an async function, or a closure in
/// parentheses, that returns [`Buses`](crate::testing::Buses); it is called inside an actix
/// system. With `all at once:` before it, the claims run one after the other where it stands: for
/// buses that take long to start.
#[macro_export]
macro_rules! bus_suite {
    (all at once: $open:expr) => {
        $crate::bus_suite! { @claims once $open }
    };
    (@claims $form:ident $open:expr) => {
        $crate::bus_suite! { @$form $open;
            // notices
            a_notice_reaches_the_other_instance
            a_notice_does_not_come_back_to_its_publisher
            a_notice_reaches_nobody_who_has_not_subscribed
            an_ended_subscription_is_quiet_and_can_be_taken_up_again
            one_ended_subscription_leaves_the_others
            every_notice_arrives_as_it_was_published
            notices_of_one_chat_keep_their_order
            a_burst_arrives_in_order_or_is_reported_missed
            a_listener_that_lags_is_told_what_it_missed
            notices_cross_both_ways
            a_bus_without_listener_takes_notices
            // presence
            an_open_stream_is_known_elsewhere_and_not_at_home
            presence_follows_every_change
            both_instances_can_have_the_same_seat_open
            presence_needs_no_subscription
            a_chat_that_is_over_has_no_open_seats
            an_instance_that_leaves_has_no_open_seats
            a_bus_that_works_says_so
        }
    };
    (@each $open:expr; $($claim:ident)*) => {$(
        #[test]
        fn $claim() {
            $crate::testing::bus_suite::run(async {
                $crate::testing::bus_suite::$claim($open().await).await;
            });
        }
    )*};
    (@once $open:expr; $($claim:ident)*) => {$(
        $crate::testing::bus_suite::run(async {
            $crate::testing::bus_suite::$claim($open().await).await;
        });
    )*};
    ($open:expr) => {
        $crate::bus_suite! { @claims each $open }
    };
}
