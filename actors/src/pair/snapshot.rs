//! Snapshots of a chat's state, for pages and for the start of a stream.

use std::{collections::HashSet, sync::Arc};

use actix::{Handler, ResponseActFuture};

use super::{Pair, requests::receive, streams::StreamEntry};
use crate::{
    Refusal,
    domain::{BySeat, Caller, Event, Hello, PeerState, Seat, SecretDigest, Seq},
};

/// Gets the state of the chat.
#[derive(Debug, Clone)]
pub struct GetSnapshot {
    /// The reader's token.
    pub by: SecretDigest,
}

/// The state of the chat at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Everything but the messages.
    pub hello: Hello,
    /// For [`Attach`](super::Attach): shows whether something changed meanwhile.
    pub changes: u64,
}

receive!(CONCURRENT: GetSnapshot => Snapshot);

impl Handler<GetSnapshot> for Pair {
    type Result = ResponseActFuture<Self, Result<Snapshot, Refusal>>;

    fn handle(&mut self, request: GetSnapshot, _: &mut Self::Context) -> Self::Result {
        self.snapshot(request.by, None)
    }
}

impl Pair {
    /// Asks the store first: nothing is shown once the chat or the session is over.
    pub(super) fn snapshot(
        &mut self,
        by: SecretDigest,
        after: Option<Seq>,
    ) -> ResponseActFuture<Self, Result<Snapshot, Refusal>> {
        let known = self.status.last_seq();
        self.in_session(by, move |pair, Caller { seat, .. }, last, ctx| {
            if last > pair.status.last_seq() {
                pair.catch_up(ctx);
            } else if last < known {
                pair.rewind(last, ctx);
            }
            let mut hello = pair.hello(seat, after.unwrap_or(last).min(last))?;
            hello.last_seq = last;
            Ok(Snapshot {
                hello,
                changes: pair.changes,
            })
        })
    }

    pub(super) fn hello(&self, seat: Seat, position: Seq) -> Result<Hello, Refusal> {
        let chat = self.chat()?;
        let peer = seat.other();
        let of_peer = chat.sessions.iter().filter(|session| session.seat == peer);
        let oldest_session = of_peer.map(|session| session.since).min();
        let logged_in = oldest_session.is_some();
        let peer_state = match (&self.names[peer], chat.seats[peer].taken) {
            (None, _) => PeerState::Unnamed,
            (Some(_), false) => PeerState::Named,
            (Some(_), true) if logged_in => PeerState::Taken,
            (Some(_), true) => PeerState::Left,
        };
        Ok(Hello {
            seat,
            names: (*self.names).clone(),
            peer_state,
            online: self.online(peer),
            last_seen: self.last_seen(peer),
            peer_joined_at: chat.seats[peer].joined_at.or(oldest_session),
            position,
            last_seq: self.status.last_seq().max(position),
            marks: self.status.position().marks,
            expires_at: chat.expires_at,
            asks: self.open_asks(),
            encrypted: chat.encryption.is_some(),
            replaced_at: BySeat(Seat::BOTH.map(|seat| chat.seats[seat].replaced_at)),
        })
    }

    /// Sends every live stream a fresh hello.
    pub(super) fn resend_hello(&mut self) {
        self.send_hello(Event::Hello);
    }

    /// Sends every live stream its state, in an event of this kind. One may have read messages from the store that this pair
    /// does not know yet; it goes on after them.
    pub(super) fn send_hello(&mut self, event: fn(Arc<Hello>) -> Event) {
        let last = self.status.last_seq();
        let place = |open: &StreamEntry| (open.seat, open.position.max(last));
        let places: HashSet<(Seat, Seq)> = self.streams.iter().map(place).collect();
        for (seat, position) in places {
            let Ok(hello) = self.hello(seat, position) else {
                return;
            };
            let event = event(Arc::new(hello));
            self.send_where(&event, |open| place(open) == (seat, position));
        }
        self.changes += 1;
    }
}
