//! What a person can do about their own seat.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::domain::{self, Browser, System, Timestamp, UserName};
use views::{
    address,
    device::{Code, Device},
    return_code::ReturnCode,
    sessions::{Session, Sessions},
};

use super::{SeatPath, done, flash, frame, html, wants_json};
use crate::http::{
    State,
    api::{
        registration::NoBody,
        seat::{EndSessionBody, SessionView, device_code, list, log_out, new_return_code},
    },
    body::FormOrJson,
    envelope::{Nothing, ok},
    field,
    problem::Problem,
    session::seat_holder,
};

/// Makes a code for another device, which its page shows.
pub async fn make_device(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let (reply, expires_at_ms) = device_code(&state, &caller).await?;
    let holder = caller.look(&state).await?.hello.seat;
    let kept = flash::device(
        &state,
        &caller.hash,
        holder,
        &reply.device_code,
        expires_at_ms,
    );
    let mut response = done(&request, reply, &address::seat(&hash, seat, "device"));
    flash::add(&mut response, &kept);
    Ok(response)
}

/// The code for another device, while it is good.
pub async fn device(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let hello = caller.look(&state).await?.hello;
    let you = hello.names[hello.seat].as_ref().map(UserName::to_string);
    let now_ms = state.clock.now().unix_ms();
    let page = Device {
        link: state.link(&request, &caller.hash),
        hash,
        seat,
        you: you.unwrap_or_default(),
        code: flash::kept_device(&request)
            .filter(|(_, expires_at_ms)| *expires_at_ms > now_ms)
            .map(|(code, expires_at_ms)| Code {
                code,
                expires_at_ms,
            }),
    };
    Ok(html(
        StatusCode::OK,
        views::device::page(&frame(&request), &page),
    ))
}

/// Makes a new return code, which its page shows until it is saved.
pub async fn make_return_code(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let reply = new_return_code(&state, &caller).await?;
    let holder = caller.look(&state).await?.hello.seat;
    let kept = flash::code(&state, &caller.hash, holder, &reply.return_code);
    let mut response = done(&request, reply, &address::seat(&hash, seat, "return_code"));
    flash::add(&mut response, &kept);
    Ok(response)
}

/// The return code that is not saved yet.
pub async fn return_code(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    caller.look(&state).await?;
    let page = ReturnCode {
        hash,
        seat,
        code: flash::kept_code(&request),
    };
    Ok(html(
        StatusCode::OK,
        views::return_code::page(&frame(&request), &page),
    ))
}

/// The return code is saved: this browser need not keep it.
pub async fn saved(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let holder = caller.look(&state).await?.hello.seat;
    let mut response = done(&request, Nothing {}, &address::chat(&hash, seat));
    flash::forget_code(&state, &caller.hash, holder, &mut response);
    Ok(response)
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
    let mut sessions: Vec<_> = reply.sessions.iter().rev().map(shown).collect();
    // This device first, then the newest.
    sessions.sort_by_key(|session| !session.current);
    let page = Sessions {
        hash,
        seat,
        sessions,
        ended: request.query_string().contains("ended"),
    };
    Ok(html(
        StatusCode::OK,
        views::sessions::page(&frame(&request), &page),
    ))
}

fn shown(session: &SessionView) -> Session {
    let ms = |text: &str| Timestamp::parse_rfc3339(text).map_or(0, Timestamp::unix_ms);
    let device = domain::Device::from_label(session.device.as_deref().unwrap_or_default());
    Session {
        id: session.id.to_string(),
        since_ms: ms(&session.since),
        last_seen_ms: ms(&session.last_seen),
        browser: device.browser.map(Browser::name),
        system: device.system.map(System::name),
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
