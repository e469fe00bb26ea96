//! Rate limits of sends and logins.

use governor::{DefaultDirectRateLimiter, Quota};

use super::Pair;
use crate::{
    Refusal,
    domain::{BySeat, Seat},
};

/// Created on first use: most chats in memory are idle.
pub(super) struct Rates {
    sends: BySeat<DefaultDirectRateLimiter>,
    logins: DefaultDirectRateLimiter,
}

impl Pair {
    /// Counts a message sent by a seat.
    pub(super) fn check_send_rate(&mut self, seat: Seat) -> Result<(), Refusal> {
        check(&self.rates().sends[seat])
    }

    /// Counts an attempt to log in or to be let in.
    pub(super) fn check_login_rate(&mut self) -> Result<(), Refusal> {
        check(&self.rates().logins)
    }

    fn rates(&mut self) -> &Rates {
        let limits = &self.environment.limits;
        self.rates.get_or_insert_with(|| {
            let at_least_one = |number: u32| number.max(1).try_into().expect("not zero");
            let sends = || {
                let rate = Quota::per_second(at_least_one(limits.sends_per_seat_per_second));
                let quota = rate.allow_burst(at_least_one(limits.sends_per_seat_burst));
                DefaultDirectRateLimiter::direct(quota)
            };
            let logins = Quota::per_minute(at_least_one(limits.logins_per_chat_per_minute));
            Box::new(Rates {
                sends: BySeat([sends(), sends()]),
                logins: DefaultDirectRateLimiter::direct(logins),
            })
        })
    }
}

fn check(limiter: &DefaultDirectRateLimiter) -> Result<(), Refusal> {
    use governor::clock::{Clock, DefaultClock};
    limiter.check().map_err(|not_until| Refusal::TooMany {
        retry_after: not_until.wait_time_from(DefaultClock::default().now()),
    })
}
