//! Where a seat is logged in, and logging out.

use actix::{ActorFutureExt, AtomicResponse, Handler, WrapFuture};

use super::Pair;
use crate::{
    Refusal,
    domain::{Caller, Seat, SeatChange, SecretDigest, Session, SessionId},
    ports::{Notice, SessionChoice},
};

/// Lists the sessions of the sender's seat, and says which is the sender's own.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(Vec<Session>, SessionId), Refusal>")]
pub struct Sessions {
    /// The owner's token.
    pub by: SecretDigest,
}

impl Handler<Sessions> for Pair {
    type Result = AtomicResponse<Self, Result<(Vec<Session>, SessionId), Refusal>>;

    /// What the store says now is listed, and to whom it knows now.
    fn handle(&mut self, sessions: Sessions, _: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.caller(sessions.by) {
            return Self::refuse(refusal);
        }
        let (store, key) = (self.environment.world.store.clone(), self.key);
        let load = async move { store.load(key).await };
        AtomicResponse::new(Box::pin(load.into_actor(self).map(
            move |found, pair: &mut Self, ctx| {
                if let Err(failure) = &found {
                    return Err(failure.clone().into());
                }
                pair.apply(found, ctx);
                let (seat, current) = pair.who(sessions.by)?;
                let mut list: Vec<Session> = pair.sessions_of(seat).cloned().collect();
                list.sort_by_key(|session| session.since);
                Ok((list, current))
            },
        )))
    }
}

/// Logs one of the seat's other sessions out.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct EndSession {
    /// The owner's token.
    pub by: SecretDigest,
    /// Which session.
    pub id: SessionId,
}

impl Handler<EndSession> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, end: EndSession, _: &mut Self::Context) -> Self::Result {
        match self.caller(end.by) {
            Ok(caller) => self.end_session(caller, SessionChoice::Id(end.id)),
            Err(refusal) => Self::refuse(refusal),
        }
    }
}

/// Ends the sender's own session.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Logout {
    /// The token that dies.
    pub by: SecretDigest,
}

impl Handler<Logout> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, logout: Logout, _: &mut Self::Context) -> Self::Result {
        match self.caller(logout.by) {
            Ok(caller) => self.end_session(caller, SessionChoice::Own),
            Err(refusal) => Self::refuse(refusal),
        }
    }
}

impl Pair {
    fn end_session(
        &self,
        caller: Caller,
        which: SessionChoice,
    ) -> AtomicResponse<Self, Result<(), Refusal>> {
        let (store, seat) = (self.environment.world.store.clone(), caller.seat);
        let end = async move { store.end_session(caller, which).await?.granted() };
        self.change(end, move |pair, ended: bool| {
            let left = pair.sessions_of(seat).next().is_none();
            match (ended, left) {
                (false, _) => {}
                (true, true) => pair.tell_seat(seat, SeatChange::Left),
                (true, false) => pair.tell_sessions(),
            }
        })
    }

    pub(super) fn sessions_of(&self, seat: Seat) -> impl Iterator<Item = &Session> {
        let sessions = self.chat.as_ref().map_or(&[][..], |chat| &chat.sessions);
        sessions.iter().filter(move |session| session.seat == seat)
    }

    /// Tells the other instances alone: the streams here were dropped with their sessions.
    pub(super) fn tell_sessions(&self) {
        self.environment
            .world
            .bus
            .publish(self.key, Notice::Sessions);
    }
}
