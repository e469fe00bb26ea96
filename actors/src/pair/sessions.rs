//! The sessions of a seat, and logging out.

use std::{sync::Arc, time::Duration};

use actix::{AtomicResponse, Handler};

use super::{Pair, requests::receive};
use crate::{
    Refusal,
    domain::{Caller, Notice, Seat, SeatChange, SecretDigest, Session, SessionId, Timestamp},
    ports::{DeferredWrite, SessionChoice, Store},
};

/// A session's last use is recorded again when the recorded one is this old.
pub(super) const SEEN_STEP: Duration = Duration::from_secs(60);
/// The same of a session that only listens, which would otherwise cost a write a minute.
pub(super) const LISTENING_STEP: Duration = Duration::from_secs(3600);

/// Lists the sessions of the caller's seat, with the id of the caller's own.
#[derive(Debug, Clone)]
pub struct ListSessions {
    /// The owner's token.
    pub by: SecretDigest,
}

receive!(BLOCKING: ListSessions => (Vec<Session>, SessionId));

impl Handler<ListSessions> for Pair {
    type Result = AtomicResponse<Self, Result<(Vec<Session>, SessionId), Refusal>>;

    /// Reads the store first: other instances may have changed the sessions, or ended the caller's own.
    fn handle(&mut self, request: ListSessions, _: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.caller(request.by) {
            return Self::refuse(refusal);
        }
        self.block_for(self.load(), move |pair, found, ctx| {
            pair.apply(Ok(found?), ctx);
            pair.record_use_by_streams(Duration::ZERO);
            let (seat, current) = pair.authenticate(request.by)?;
            let mut list: Vec<Session> = pair.sessions_of(seat).cloned().collect();
            list.sort_by_key(|session| session.since);
            let now = pair.environment.world.clock.now();
            for session in &mut list {
                // By the clock of another instance it may lie in the future.
                session.last_seen = session.last_seen.min(Some(now));
            }
            Ok((list, current))
        })
    }
}

/// Ends one of the seat's sessions.
#[derive(Debug, Clone)]
pub struct EndSession {
    /// The caller's token.
    pub by: SecretDigest,
    /// Which of them.
    pub which: SessionChoice,
}

receive!(BLOCKING: EndSession => ());

impl Handler<EndSession> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, request: EndSession, _: &mut Self::Context) -> Self::Result {
        let end = async move |store: Arc<dyn Store>, caller: Caller| {
            let ended = store.end_session(caller, request.which).await??;
            Ok((ended, caller.seat))
        };
        self.change_as(request.by, end, |pair, (ended, seat): (bool, Seat)| {
            let left = pair.sessions_of(seat).next().is_none();
            match (ended, left) {
                (false, _) => {}
                (true, true) => pair.announce_seat(seat, SeatChange::Left),
                (true, false) => pair.announce_sessions(),
            }
        })
    }
}

impl Pair {
    pub(super) fn sessions_of(&self, seat: Seat) -> impl Iterator<Item = &Session> {
        let sessions = self.chat.as_ref().map_or(&[][..], |chat| &chat.sessions);
        sessions.iter().filter(move |session| session.seat == seat)
    }

    /// Records that a session is used.
    pub(super) fn record_use(&mut self, id: SessionId) {
        self.record_use_after(SEEN_STEP, id);
    }

    /// Records that the sessions of open streams are used: one that only listens sends no requests.
    pub(super) fn record_use_by_streams(&mut self, step: Duration) {
        for place in 0..self.streams.len() {
            self.record_use_after(step, self.streams[place].session);
        }
    }

    fn record_use_after(&mut self, step: Duration, id: SessionId) {
        let now = self.environment.world.clock.now();
        let Ok(chat) = &mut self.chat else { return };
        let stale = |seen: Timestamp| now.since(seen) >= step;
        if let Some(session) = chat.sessions.iter_mut().find(|session| session.id == id)
            && session.last_seen.is_none_or(stale)
        {
            session.last_seen = Some(now);
            self.defer(DeferredWrite::Used(id, now));
        }
    }

    /// Tells the other instances that sessions changed. Here their streams were dropped already.
    pub(super) fn announce_sessions(&self) {
        self.publish(Notice::Sessions);
    }
}
