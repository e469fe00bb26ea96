//! What people are doing right now; nothing of it is stored.

use std::time::{Duration, Instant};

use actix::{Handler, ResponseActFuture};

use super::{Pair, requests::receive};
use crate::{
    Refusal,
    domain::{Activity, BySeat, Caller, Notice, SecretDigest},
};

/// Each activity of a seat is passed on at most this often.
const ACTIVITY_INTERVAL: Duration = Duration::from_secs(2);

/// When each activity of each seat was last passed on.
pub(super) type LastActivities = BySeat<[Option<Instant>; Activity::ALL.len()]>;

/// Tells the other person what the caller is doing.
#[derive(Debug, Clone)]
pub struct NotifyActivity {
    /// The caller's token.
    pub by: SecretDigest,
    /// What they are doing.
    pub activity: Activity,
}

receive!(CONCURRENT: NotifyActivity => ());

impl Handler<NotifyActivity> for Pair {
    type Result = ResponseActFuture<Self, Result<(), Refusal>>;

    fn handle(&mut self, request: NotifyActivity, _: &mut Self::Context) -> Self::Result {
        let activity = request.activity;
        self.in_session(request.by, move |pair, Caller { seat, .. }, _, _| {
            let last = pair.last_activities.get_or_insert_default();
            let last = &mut last[seat][activity as usize];
            if last.is_none_or(|last| last.elapsed() >= ACTIVITY_INTERVAL) {
                *last = Some(Instant::now());
                pair.announce(Notice::Activity { seat, activity });
            }
            Ok(())
        })
    }
}
