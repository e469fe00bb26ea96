//! Logging out, and ending the chat.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::{
    Refusal,
    domain::{PairHash, Seat, UserName},
};
use views::{address, end::End, logout::Logout};

use super::{done, flash, holder::SeatRequest, login};
use crate::http::{
    Problem, Result, State, actions,
    body::FormOrJson,
    envelope::EmptyReply,
    session::{Cookies, SEAT_COOKIE},
    wire::EmptyBody,
};

/// The page that asks whether to log out.
pub async fn ask_logout(at: SeatRequest) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    let page = Logout {
        encrypted: holder.snapshot().await?.hello.encrypted,
        hash: holder.hash(),
        seat: holder.seat.number(),
    };
    Ok(holder.show(|frame| views::logout::page(frame, &page)))
}

pub async fn logout(at: SeatRequest, _: FormOrJson<EmptyBody>) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    actions::log_out(&at.state, holder.caller.key, holder.caller.by).await?;
    let mut response = holder.done(EmptyReply {}, address::REGISTER_LOGGED_OUT);
    let (hash, seat) = (&holder.caller.hash, holder.seat);
    forget_seat(&at.state, &mut response, hash, seat);
    login::hold_seat(&at.state, &at.request, &mut response, hash, seat, None);
    Ok(response)
}

/// The page that asks whether to end the chat for both.
pub async fn ask_end(at: SeatRequest) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    let hello = holder.snapshot().await?.hello;
    let peer = hello.names[hello.seat.other()].as_ref();
    let page = End {
        encrypted: hello.encrypted,
        hash: holder.hash(),
        seat: holder.seat.number(),
        peer: peer.map(UserName::to_string),
    };
    Ok(holder.show(|frame| views::end::page(frame, &page)))
}

/// Ends the chat for both. Succeeds when it is over already.
pub async fn end(at: SeatRequest, _: FormOrJson<EmptyBody>) -> Result<HttpResponse> {
    match at.holder().await {
        Ok(holder) => actions::end_chat(&at.state, holder.caller.key, holder.caller.by).await?,
        Err(Problem::Refused(Refusal::Gone)) => {}
        Err(problem) => return Err(problem),
    }
    let mut response = done(&at.request, EmptyReply {}, address::REGISTER_ENDED);
    flash::remember_end(&at.state, &mut response);
    forget_chat(&at.request, &mut response);
    Ok(response)
}

/// Removes every cookie of the chat that the path leads to: it is over.
pub fn forget_chat(request: &HttpRequest, response: &mut HttpResponse) {
    let (hash, _) = address::place(request.path());
    let hash = hash.and_then(|hash| PairHash::parse(hash).ok());
    if let (Some(hash), Some(state)) = (hash, request.app_data::<web::Data<State>>()) {
        for seat in Seat::BOTH {
            forget_seat(state, response, &hash, seat);
        }
        Cookies::at(state, address::login(hash.as_str())).remove(response, login::SEATS_COOKIE);
    }
}

/// Removes every cookie at a seat's address.
fn forget_seat(state: &State, response: &mut HttpResponse, hash: &PairHash, seat: Seat) {
    let cookies = Cookies::of_seat(state, hash, seat);
    for name in [SEAT_COOKIE, flash::CODE_COOKIE, flash::DEVICE_COOKIE] {
        cookies.remove(response, name);
    }
}
