//! What a person can do about their own seat.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::domain::{Timestamp, UserName};
use views::{
    address,
    device::Device,
    return_code::ReturnCode,
    sessions::{Session, Sessions},
};

use super::{SeatPath, done, frame, html, wants_json};
use crate::http::{
    State,
    api::{
        registration::NoBody,
        seat::{EndSessionBody, SessionView, device_code, list, log_out, new_return_code},
    },
    body::FormOrJson,
    envelope::{Nothing, Problem, ok},
    field,
    session::seat_holder,
};

/// A code for another device; a page of its own, since it is shown once.
pub async fn device(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let (reply, expires_at_ms) = device_code(&state, &caller).await?;
    if wants_json(&request) {
        return Ok(ok(reply));
    }
    let hello = caller.look(&state).await?.hello;
    let you = hello.names[hello.seat].as_ref().map(UserName::to_string);
    let page = Device {
        link: state.link(&request, &caller.hash),
        hash,
        seat,
        you: you.unwrap_or_default(),
        code: reply.device_code,
        expires_at_ms,
    };
    Ok(html(
        StatusCode::OK,
        views::device::page(&frame(&request), &page),
    ))
}

/// A new return code; a page of its own, since it is shown once.
pub async fn return_code(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let reply = new_return_code(&state, &caller).await?;
    if wants_json(&request) {
        return Ok(ok(reply));
    }
    let page = ReturnCode {
        hash,
        seat,
        code: reply.return_code,
    };
    Ok(html(
        StatusCode::OK,
        views::return_code::page(&frame(&request), &page),
    ))
}

/// Where one is logged in.
pub async fn sessions(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let reply = list(&state, &caller).await?;
    if wants_json(&request) {
        return Ok(ok(reply));
    }
    let page = Sessions {
        hash,
        seat,
        sessions: reply.sessions.iter().rev().map(shown).collect(),
        ended: request.query_string().contains("ended"),
    };
    Ok(html(
        StatusCode::OK,
        views::sessions::page(&frame(&request), &page),
    ))
}

fn shown(session: &SessionView) -> Session {
    let ms = |text: &str| Timestamp::parse_rfc3339(text).map_or(0, Timestamp::unix_ms);
    Session {
        id: session.id.to_string(),
        since_ms: ms(&session.since),
        last_seen_ms: ms(&session.last_seen),
        current: session.current,
    }
}

/// Logs one of them out.
pub async fn end_session(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    form: FormOrJson<EndSessionBody>,
) -> Result<HttpResponse, Problem> {
    let id = *field::required(form.body.id.as_ref(), "id")?;
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    log_out(&state, &caller, id).await?;
    let next = format!("{}?ended", address::seat(&hash, seat, "sessions"));
    Ok(done(&request, Nothing {}, &next))
}
