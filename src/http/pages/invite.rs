//! The invitation, for the one in seat 1.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::domain::{PeerState, Seat, UserName};
use views::invite::Invite;

use super::{SeatPath, flash, frame, html};
use crate::http::{State, problem::Problem, session::seat_holder};

/// The page.
///
/// # Errors
/// [`Problem`] 401 without the seat's session, 404 at seat 2.
pub async fn show(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    if seat != 1 {
        return Err(Problem::NoSuchPage);
    }
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let hello = caller.look(&state).await?.hello;
    let page = Invite {
        link: state.link(&request, &caller.hash),
        peer: hello.names[Seat::Two].as_ref().map(UserName::to_string),
        peer_joined: matches!(hello.peer_state, PeerState::Taken | PeerState::Left),
        expires_at_ms: hello.expires_at.unix_ms(),
        return_code: flash::kept_code(&request),
        hash,
    };
    Ok(html(
        StatusCode::OK,
        views::invite::page(&frame(&request), &page),
    ))
}
