//! The sessions of a seat, and logging out.

use std::sync::Arc;

use actix::{AtomicResponse, Handler};

use super::{Pair, requests::receive};
use crate::{
    Refusal,
    domain::{Caller, Notice, Seat, SeatChange, SecretDigest, Session, SessionId},
    ports::{SessionChoice, Store},
};

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
            let (seat, current) = pair.authenticate(request.by)?;
            let mut list: Vec<Session> = pair.sessions_of(seat).cloned().collect();
            list.sort_by_key(|session| session.since);
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

    /// Tells the other instances that sessions changed. Here their streams were dropped already.
    pub(super) fn announce_sessions(&self) {
        self.publish(Notice::Sessions);
    }
}
