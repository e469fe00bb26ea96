//! The sessions of a seat, and logging out.

use std::sync::Arc;

use actix::{ActorFutureExt, AtomicResponse, Handler, WrapFuture};

use super::{Pair, requests::receive};
use crate::{
    Refusal,
    domain::{Caller, Notice, Seat, SeatChange, SecretDigest, Session, SessionId},
    ports::{SessionChoice, Store},
};

/// Lists the sessions of the caller's seat, with the id of the caller's own.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(Vec<Session>, SessionId), Refusal>")]
pub struct ListSessions {
    /// The owner's token.
    pub by: SecretDigest,
}

receive!(BLOCKING: ListSessions);

impl Handler<ListSessions> for Pair {
    type Result = AtomicResponse<Self, Result<(Vec<Session>, SessionId), Refusal>>;

    /// Reads the store first: other instances may have changed the sessions, or ended the caller's own.
    fn handle(&mut self, request: ListSessions, _: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.caller(request.by) {
            return Self::refuse(refusal);
        }
        let (store, key) = (self.store(), self.key);
        let load = async move { store.load(key).await };
        AtomicResponse::new(Box::pin(load.into_actor(self).map(
            move |found, pair: &mut Self, ctx| {
                if let Err(failure) = &found {
                    return Err(failure.clone().into());
                }
                pair.apply(found, ctx);
                let (seat, current) = pair.authenticate(request.by)?;
                let mut list: Vec<Session> = pair.sessions_of(seat).cloned().collect();
                list.sort_by_key(|session| session.since);
                Ok((list, current))
            },
        )))
    }
}

/// Ends one of the seat's sessions.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct EndSession {
    /// The owner's token.
    pub by: SecretDigest,
    /// The session's id.
    pub id: SessionId,
}

receive!(BLOCKING: EndSession);

impl Handler<EndSession> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, end: EndSession, _: &mut Self::Context) -> Self::Result {
        self.end_session(end.by, SessionChoice::Id(end.id))
    }
}

/// Ends the caller's own session.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Logout {
    /// The caller's token.
    pub by: SecretDigest,
}

receive!(BLOCKING: Logout);

impl Handler<Logout> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, logout: Logout, _: &mut Self::Context) -> Self::Result {
        self.end_session(logout.by, SessionChoice::Own)
    }
}

impl Pair {
    fn end_session(
        &mut self,
        by: SecretDigest,
        which: SessionChoice,
    ) -> AtomicResponse<Self, Result<(), Refusal>> {
        let end = async move |store: Arc<dyn Store>, caller: Caller| {
            let ended = store.end_session(caller, which).await?.granted()?;
            Ok((ended, caller.seat))
        };
        self.change_as(by, end, |pair, (ended, seat): (bool, Seat)| {
            let left = pair.sessions_of(seat).next().is_none();
            match (ended, left) {
                (false, _) => {}
                (true, true) => pair.announce_seat(seat, SeatChange::Left),
                (true, false) => pair.announce_sessions(),
            }
        })
    }

    pub(super) fn sessions_of(&self, seat: Seat) -> impl Iterator<Item = &Session> {
        let sessions = self.chat.as_ref().map_or(&[][..], |chat| &chat.sessions);
        sessions.iter().filter(move |session| session.seat == seat)
    }

    /// Tells the other instances that sessions changed. Here their streams were dropped already.
    pub(super) fn announce_sessions(&self) {
        self.publish(Notice::Sessions);
    }
}
