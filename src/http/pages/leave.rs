//! The ways out.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::{
    Refusal,
    domain::{PairHash, Seat, UserName},
};
use views::{address, end::End, logout::Logout};

use super::{SeatPath, done, flash, frame, html, login};
use crate::http::{
    State,
    api::{
        leave::{end_chat, log_out},
        registration::NoBody,
    },
    body::FormOrJson,
    envelope::Nothing,
    problem::Problem,
    session::{clear_seat_cookie, seat_holder},
};

/// The question whether to log out.
pub async fn ask_logout(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    seat_holder(&state, &request, &hash, seat)
        .await?
        .look(&state)
        .await?;
    let page = Logout { hash, seat };
    Ok(html(
        StatusCode::OK,
        views::logout::page(&frame(&request), &page),
    ))
}

/// Logs this browser out.
pub async fn logout(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    log_out(&state, caller.key, caller.by).await?;
    let mut response = done(&request, Nothing {}, address::REGISTER_LOGGED_OUT);
    forget_seat(&request, &mut response);
    Ok(response)
}

/// The question whether to end the chat for both.
pub async fn ask_end(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let hello = seat_holder(&state, &request, &hash, seat)
        .await?
        .look(&state)
        .await?
        .hello;
    let peer = hello.names[hello.seat.other()]
        .as_ref()
        .map(UserName::to_string);
    let page = End { hash, seat, peer };
    Ok(html(
        StatusCode::OK,
        views::end::page(&frame(&request), &page),
    ))
}

/// Ends the chat for both. Twice is fine.
pub async fn end(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    match seat_holder(&state, &request, &hash, seat).await {
        Ok(caller) => end_chat(&state, caller.key, caller.by).await?,
        Err(Problem::Refused(Refusal::Gone)) => {}
        Err(problem) => return Err(problem),
    }
    let mut response = done(&request, Nothing {}, address::REGISTER_ENDED);
    flash::add(&mut response, &flash::ended_by_you(&state));
    forget_seat(&request, &mut response);
    Ok(response)
}

/// Takes back what a browser holds of the seat that is addressed.
pub fn forget_seat(request: &HttpRequest, response: &mut HttpResponse) {
    let part = |name| request.match_info().get(name);
    let (Some(hash), Some(number)) = (part("hash"), part("seat")) else {
        return;
    };
    let seat = number
        .parse::<i64>()
        .ok()
        .and_then(|number| Seat::try_from(number).ok());
    let state = request.app_data::<web::Data<State>>();
    if let (Ok(hash), Some(seat), Some(state)) = (PairHash::parse(hash), seat, state) {
        flash::add(response, &clear_seat_cookie(state, &hash, seat));
        flash::forget_codes(state, &hash, seat, response);
        flash::add(response, &login::without_seat(state, request, &hash, seat));
    }
}
