//! The invitation, and for the guest the link to come back with.

use actix_web::HttpResponse;
use actors::domain::{PeerState, Seat, UserName};
use serde::Serialize;
use views::invite::Invite;

use super::{flash, holder::SeatRequest, wants_json};
use crate::http::{envelope::ok, problem::Problem};

/// What an open page asks for, again and again.
#[derive(Serialize)]
struct InviteStateReply {
    /// `waiting`, or `joined` once the other person has taken their seat.
    state: &'static str,
}

pub async fn show(at: SeatRequest) -> Result<HttpResponse, Problem> {
    let holder = at.holder().await?;
    let hello = holder.snapshot().await?.hello;
    let peer_joined = matches!(hello.peer_state, PeerState::Taken | PeerState::Left);
    if wants_json(&holder.request) {
        let state = if peer_joined { "joined" } else { "waiting" };
        return Ok(ok(InviteStateReply { state }));
    }
    let page = Invite {
        seat: holder.seat.number(),
        encrypted: hello.encrypted,
        link: holder.link(),
        peer: hello.names[Seat::Two].as_ref().map(UserName::to_string),
        peer_joined,
        expires_at_ms: hello.expires_at.unix_ms(),
        return_code: flash::kept_code(&holder.request),
        hash: holder.hash(),
    };
    Ok(holder.show(|frame| views::invite::page(frame, &page)))
}
