//! Presence. Coming online is announced at once, going offline only after a grace, so that reloading a page does
//! not flicker. Other instances announce theirs over the bus, which also knows what all of them have open.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::Pair;
use crate::{
    domain::{BySeat, Notice, Seat, Timestamp},
    ports::{BusState, DeferredWrite},
};

/// The pause after the bus did not say who is there.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

impl Pair {
    /// Whether this seat has a stream open anywhere; `None` while that is unknown.
    pub(super) fn online(&self, seat: Seat) -> Option<bool> {
        match self.elsewhere {
            _ if self.present[seat] => Some(true),
            // The presence known of other instances may be out of date.
            _ if self.environment.bus_state(self.key) == BusState::Away => None,
            Some(elsewhere) => Some(elsewhere[seat]),
            None => None,
        }
    }

    pub(super) fn has_stream(&self, seat: Seat) -> bool {
        self.streams.iter().any(|open| open.seat == seat)
    }

    pub(super) fn arrived(&mut self, seat: Seat) {
        if !self.present[seat] {
            self.set_present(seat, true, None);
        }
    }

    /// A stream of this seat closed. If no other is open after the grace, the seat is announced as offline.
    pub(super) fn departed(&mut self, seat: Seat, ctx: &mut Context<Self>) {
        if self.has_stream(seat) {
            return;
        }
        let left_at = self.environment.world.clock.now();
        // Before the grace, which the process may not live to see.
        self.defer(DeferredWrite::LastSeen(seat, left_at));
        self.departures[seat] = self.departures[seat].wrapping_add(1);
        let departure = self.departures[seat];
        ctx.run_later(self.environment.limits.presence_grace, move |pair, _| {
            let stayed_away = pair.departures[seat] == departure && !pair.has_stream(seat);
            if pair.present[seat] && stayed_away {
                pair.set_present(seat, false, Some(left_at));
            }
        });
    }

    fn set_present(&mut self, seat: Seat, online: bool, last_seen: Option<Timestamp>) {
        self.present[seat] = online;
        let bus = &self.environment.world.bus;
        bus.set_open(self.key, self.present);
        let notice = Notice::Presence {
            seat,
            online,
            last_seen,
        };
        self.publish(notice.clone());
        self.saw_last(seat, last_seen);
        match self.online(seat) {
            Some(now) if now == online => self.broadcast(notice),
            // Still open on another instance.
            Some(_) => {}
            None => self.resend_hello(),
        }
    }

    /// Another instance announced that a seat came online or went offline there. One that went may still be online on a
    /// third instance, so the bus is asked. It is also asked where nothing is known: a notice about one seat does not tell
    /// that the other one is offline.
    pub(super) fn presence_changed_elsewhere(
        &mut self,
        seat: Seat,
        online: bool,
        at: Option<Timestamp>,
        ctx: &mut Context<Self>,
    ) {
        self.saw_last(seat, at);
        let before = self.online(seat);
        match &mut self.elsewhere {
            Some(elsewhere) if online => {
                elsewhere[seat] = true;
                self.announce_presence(seat, before);
            }
            _ => self.refresh_elsewhere(ctx, move |pair| pair.announce_presence(seat, before)),
        }
    }

    /// Records when somebody was last seen; as in the store, the latest time counts, in whatever order they arrive.
    fn saw_last(&mut self, seat: Seat, at: Option<Timestamp>) {
        if let Ok(chat) = &mut self.chat {
            let last_seen = &mut chat.seats[seat].last_seen;
            *last_seen = (*last_seen).max(at);
        }
    }

    /// When somebody was last seen. By another instance's clock that may be in the future.
    pub(super) fn last_seen(&self, seat: Seat) -> Option<Timestamp> {
        let chat = self.chat.as_ref().ok()?;
        let now = self.environment.world.clock.now();
        Some(chat.seats[seat].last_seen?.min(now))
    }

    fn announce_presence(&mut self, seat: Seat, before: Option<bool>) {
        let now = self.online(seat);
        if let (Some(online), true) = (now, now != before) {
            let last_seen = self.last_seen(seat);
            self.broadcast(Notice::Presence {
                seat,
                online,
                last_seen,
            });
        }
    }

    /// Asks the bus which seats are open on other instances.
    pub(super) fn refresh_elsewhere(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self) + 'static,
    ) {
        let (bus, key) = (self.environment.world.bus.clone(), self.key);
        let ask = async move { bus.open_elsewhere(key).await.ok() };
        ctx.wait(ask.into_actor(self).map(|elsewhere, pair: &mut Self, ctx| {
            pair.set_elsewhere(elsewhere, ctx);
            then(pair);
        }));
    }

    /// Keeps what the bus answered. If it did not, it is asked again, except while it is away: when it is back, it is asked
    /// about every chat.
    pub(super) fn set_elsewhere(
        &mut self,
        elsewhere: Option<BySeat<bool>>,
        ctx: &mut Context<Self>,
    ) {
        self.elsewhere = elsewhere;
        let is_wanted =
            elsewhere.is_none() && self.environment.bus_state(self.key) != BusState::Away;
        if is_wanted && !std::mem::replace(&mut self.asks_again, true) {
            ctx.run_later(ASK_AGAIN_AFTER, |pair, ctx| {
                pair.asks_again = false;
                if pair.elsewhere.is_none() {
                    pair.refresh_elsewhere(ctx, Self::resend_hello);
                }
            });
        }
    }
}
