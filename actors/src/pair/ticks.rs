//! What a pair does of its own accord: it tells quiet streams that the line is up, cuts off those
//! that nobody reads, and goes to rest.

use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context};
use tracing::debug;

use super::{Pair, streams::Open};
use crate::domain::BySeat;

/// How often a pair whose streams wait for nothing looks whether it may go to rest.
const TICK: Duration = Duration::from_secs(5);
/// All pairs tick at the same moments, so far apart: one waking of the thread serves many of them.
const STEP: Duration = Duration::from_millis(250);

impl Pair {
    /// Ticks when there is something to do next.
    pub(super) fn tick_later(&self, ctx: &mut Context<Self>) {
        let due = self.streams.iter().filter_map(Open::due_in).min();
        let due = due.unwrap_or_else(|| TICK.min(self.environment.limits.pair_rest_after));
        let now = self.environment.started.elapsed();
        let steps = (now + due).div_duration_f64(STEP).ceil();
        ctx.run_later(STEP.mul_f64(steps).saturating_sub(now), Self::tick);
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.drop_dead_streams(ctx);
        let idle = self.last_request.elapsed() >= self.environment.limits.pair_rest_after;
        let idle = idle && self.streams.is_empty() && self.present == BySeat::default();
        if idle && self.keeper.leave(self.key, &ctx.address()) {
            debug!(chat = %self.key.fingerprint(), "a pair goes to rest");
            self.in_service = false;
            self.environment.world.bus.unsubscribe(self.key);
            ctx.stop();
        } else {
            self.tick_later(ctx);
        }
    }
}
