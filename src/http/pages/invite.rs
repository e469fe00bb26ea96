//! The invitation, for the person in seat 1.

use actix_web::HttpResponse;
use actors::domain::{PeerState, Seat, UserName};
use views::invite::Invite;

use super::{flash, holder::SeatRequest};
use crate::http::problem::Problem;

pub async fn show(at: SeatRequest) -> Result<HttpResponse, Problem> {
    if at.seat != Seat::One {
        return Err(Problem::NoSuchPage);
    }
    let holder = at.holder().await?;
    let hello = holder.snapshot().await?.hello;
    let page = Invite {
        encrypted: hello.encrypted,
        link: holder.link(),
        peer: hello.names[Seat::Two].as_ref().map(UserName::to_string),
        peer_joined: matches!(hello.peer_state, PeerState::Taken | PeerState::Left),
        expires_at_ms: hello.expires_at.unix_ms(),
        return_code: flash::kept_code(&holder.request),
        hash: holder.hash(),
    };
    Ok(holder.show(|frame| views::invite::page(frame, &page)))
}
