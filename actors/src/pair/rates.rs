//! Rate limits of sends and logins.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota};

use super::Pair;
use crate::{
    Refusal,
    domain::{BySeat, Seat},
};

/// Each limiter is created on first use.
#[derive(Default)]
pub(super) struct Rates {
    sends: BySeat<Option<Box<DefaultDirectRateLimiter>>>,
    logins: Option<Box<DefaultDirectRateLimiter>>,
}

impl Pair {
    /// Counts a message sent by a seat.
    pub(super) fn check_send_rate(&mut self, seat: Seat) -> Result<(), Refusal> {
        let limits = &self.environment.limits;
        let rates = self.rates.get_or_insert_default();
        let limiter = rates.sends[seat].get_or_insert_with(|| {
            let rate = Quota::per_second(at_least_one(limits.sends_per_seat_per_second));
            limiter(rate.allow_burst(at_least_one(limits.sends_per_seat_burst)))
        });
        check(limiter)
    }

    /// Counts an attempt to log in or to be let in, once.
    pub(super) fn check_login_rate(&mut self) -> Result<(), Refusal> {
        if self.asked_again {
            return Ok(());
        }
        let per_minute = self.environment.limits.logins_per_chat_per_minute;
        let quota = || Quota::per_minute(at_least_one(per_minute));
        let rates = self.rates.get_or_insert_default();
        check(rates.logins.get_or_insert_with(|| limiter(quota())))
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn limiter(quota: Quota) -> Box<DefaultDirectRateLimiter> {
    Box::new(DefaultDirectRateLimiter::direct(quota))
}

fn check(limiter: &DefaultDirectRateLimiter) -> Result<(), Refusal> {
    use governor::clock::{Clock, DefaultClock};
    limiter.check().map_err(|not_until| Refusal::TooMany {
        retry_after: not_until.wait_time_from(DefaultClock::default().now()),
    })
}
