//! The pair's timer: it cuts off stalled streams, and lets the pair rest.

use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context};
use tracing::debug;

use super::{
    Pair, Phase,
    sessions::LISTENING_STEP,
    streams::{STALLED, StreamEntry},
};
use crate::domain::BySeat;

/// How often a pair without streams checks whether it may rest.
const TICK: Duration = Duration::from_secs(5);
/// All pairs tick at multiples of this, so that the thread wakes once for many of them.
const STEP: Duration = Duration::from_millis(250);

impl Pair {
    /// Schedules the next tick.
    pub(super) fn tick_later(&self, ctx: &mut Context<Self>) {
        let due = match self.streams.is_empty() {
            true => TICK.min(self.environment.limits.pair_rest_after),
            false => {
                let cuts = self.streams.iter().filter_map(StreamEntry::cut_in);
                cuts.min().unwrap_or(STALLED)
            }
        };
        let now = self.environment.started.elapsed();
        let steps = (now + due).div_duration_f64(STEP).ceil();
        ctx.run_later(STEP.mul_f64(steps).saturating_sub(now), Self::tick);
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.drop_dead_streams(ctx);
        self.record_use_by_streams(LISTENING_STEP);
        let idle = self.last_request.elapsed() >= self.environment.limits.pair_rest_after;
        let idle = idle && self.streams.is_empty() && self.present == BySeat::default();
        if idle && self.registry.remove_if_idle(self.key, &ctx.address()) {
            debug!(chat = %self.key.fingerprint(), "a pair rests");
            self.phase = Phase::Stopped;
            self.environment.world.bus.unsubscribe(self.key);
            ctx.stop();
        } else {
            self.tick_later(ctx);
        }
    }
}
