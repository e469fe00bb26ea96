//! Who is there. A page that is reloaded leaves and comes back: coming is announced at once, going
//! after a grace. Other instances say what they have open, and the bus knows it of all of them.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::Pair;
use crate::{
    domain::{Event, Seat, Timestamp},
    ports::{BusState, DeferredWrite, Notice},
};

impl Pair {
    /// Whether anybody at this seat has a stream open; `None` while that cannot be said.
    pub(super) fn online(&self, seat: Seat) -> Option<bool> {
        match self.elsewhere {
            _ if self.present[seat] => Some(true),
            // What it said before is out of date.
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
            self.announce(seat, true, None);
        }
    }

    /// A page that is reloaded leaves and comes back; only who stays away is announced as gone.
    pub(super) fn departed(&mut self, seat: Seat, ctx: &mut Context<Self>) {
        if self.has_stream(seat) {
            return;
        }
        let left_at = self.environment.world.clock.now();
        self.departures[seat] += 1;
        let departure = self.departures[seat];
        ctx.run_later(self.environment.limits.presence_grace, move |pair, _| {
            let stayed_away = pair.departures[seat] == departure && !pair.has_stream(seat);
            if pair.present[seat] && stayed_away {
                pair.announce(seat, false, Some(left_at));
            }
        });
    }

    fn announce(&mut self, seat: Seat, online: bool, last_seen: Option<Timestamp>) {
        self.present[seat] = online;
        let world = &self.environment.world;
        world.bus.set_open(self.key, self.present);
        world.bus.publish(
            self.key,
            Notice::Presence {
                seat,
                online,
                last_seen,
            },
        );
        if let (Some(at), Ok(chat)) = (last_seen, &mut self.chat) {
            chat.seats[seat].last_seen = Some(at);
            self.environment
                .deferred
                .push(self.key, DeferredWrite::LastSeen(seat, at));
        }
        if online || self.online(seat) == Some(false) {
            let user = self.name(seat);
            self.broadcast(&Event::Presence {
                seat,
                user,
                online,
                last_seen,
            });
        }
    }

    /// Another instance says that somebody came or went there. Who went there may still be on a
    /// third one, so the bus is asked.
    pub(super) fn seen_elsewhere(
        &mut self,
        seat: Seat,
        online: bool,
        at: Option<Timestamp>,
        ctx: &mut Context<Self>,
    ) {
        if let (Some(at), Ok(chat)) = (at, &mut self.chat) {
            chat.seats[seat].last_seen = Some(at);
        }
        let before = self.online(seat);
        if online {
            self.elsewhere.get_or_insert_default()[seat] = true;
            self.tell_presence(seat, before);
        } else {
            self.ask_elsewhere(ctx, move |pair| pair.tell_presence(seat, before));
        }
    }

    fn tell_presence(&mut self, seat: Seat, before: Option<bool>) {
        let now = self.online(seat);
        if let (Some(online), true) = (now, now != before) {
            let user = self.name(seat);
            let last_seen = self
                .chat
                .as_ref()
                .ok()
                .and_then(|chat| chat.seats[seat].last_seen);
            self.broadcast(&Event::Presence {
                seat,
                user,
                online,
                last_seen,
            });
        }
    }

    /// Asks the bus who is there on other instances.
    pub(super) fn ask_elsewhere(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self) + 'static,
    ) {
        let (bus, key) = (self.environment.world.bus.clone(), self.key);
        let ask = async move { bus.open_elsewhere(key).await.ok() };
        ctx.wait(ask.into_actor(self).map(|elsewhere, pair: &mut Self, _| {
            pair.elsewhere = elsewhere;
            then(pair);
        }));
    }
}
