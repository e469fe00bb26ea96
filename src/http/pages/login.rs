//! The page behind the shared link: log in, or continue.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::{
    LoggedIn, Refusal,
    domain::{PairHash, Seat, UserName},
};
use serde::Serialize;
use uuid::Uuid;
use views::{
    address,
    login::{Held, Login, Problem as Fault},
    replaced::Replaced,
};

use super::{done, flash, frame, register, show_page, show_problem, shows_form_again};
use crate::http::{
    State, actions,
    body::FormOrJson,
    device,
    problem::{Problem, Result, whole_seconds},
    session::{Cookies, SEAT_COOKIE, cookie},
    wire::login::LoginBody,
};

/// Which seats of a chat this browser has logged in to, and their names, so that the page can offer to
/// continue. It proves nothing. Its path is the chat's address.
pub const SEATS_COOKIE: &str = "duet_seats";

/// A session of a browser; its token is in the cookie alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeatedReply {
    seat: u8,
    peer: Option<String>,
    last_seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_code: Option<String>,
}

/// The page.
///
/// # Errors
/// [`Problem`] 404 and 410 where there is no living chat.
pub async fn show(
    state: web::Data<State>,
    request: HttpRequest,
    hash: web::Path<String>,
) -> Result<HttpResponse> {
    state.limits.count_request(&request)?;
    let hash = link_hash(&hash)?;
    let page = login_page(&state, &request, &hash).await?;
    Ok(show_page(&request, |frame| {
        views::login::page(frame, &page)
    }))
}

/// The hash in a path; an invalid one is an unknown chat.
pub fn link_hash(text: &str) -> Result<PairHash> {
    PairHash::parse(text).map_err(|_| Refusal::NotFound.into())
}

async fn login_page(state: &State, request: &HttpRequest, hash: &PairHash) -> Result<Login> {
    let info = actions::public_info(state, hash).await?;
    Ok(Login {
        hash: hash.as_str().into(),
        id: Uuid::new_v4().to_string(),
        encrypted: info.encrypted,
        choose_name: info.unnamed,
        expires_at_ms: Some(info.expires_at.unix_ms()),
        continue_as: held_seats(request)
            .into_iter()
            .map(|(seat, name)| Held {
                seat: seat.number(),
                name,
            })
            .collect(),
        ..Login::default()
    })
}

pub async fn submit(
    state: web::Data<State>,
    request: HttpRequest,
    hash: web::Path<String>,
    form: FormOrJson<LoginBody>,
) -> Result<HttpResponse> {
    let mut body = form.body;
    // The page has a field for each, and a device code that was refused is still in its own.
    if body.return_code.is_some() {
        body.device_code = None;
    }
    let typed = LoginAttempt {
        user: body.user.clone().unwrap_or_default(),
        id: body.id,
        return_code: body.return_code.clone().unwrap_or_default(),
        device_code: body.device_code.clone().unwrap_or_default(),
        ask: body.ask_id.is_some(),
        encrypted: body.auth.is_some(),
    };
    match log_in(&state, &request, &hash, body).await {
        Ok(response) => Ok(response),
        Err(problem) => show_again(&state, &request, &hash, typed, problem).await,
    }
}

/// What the user entered, to fill the form again.
#[derive(Default)]
pub struct LoginAttempt {
    pub user: String,
    pub id: Option<Uuid>,
    pub return_code: String,
    pub device_code: String,
    /// Whether the request has the id of an allowed ask.
    pub ask: bool,
    /// Whether the request has the proof of an encrypted chat.
    pub encrypted: bool,
}

/// Shows the page again to a browser, with what was typed and what is wrong with it.
///
/// # Errors
/// The same [`Problem`] for a script, and where the page has no words for it.
pub async fn show_again(
    state: &State,
    request: &HttpRequest,
    hash: &str,
    typed: LoginAttempt,
    problem: Problem,
) -> Result<HttpResponse> {
    let fault = fault_of(&typed, &problem);
    let fault = fault.filter(|_| shows_form_again(request, &problem));
    let (Some(fault), Ok(hash)) = (fault, link_hash(hash)) else {
        return Err(problem);
    };
    let page = login_page(state, request, &hash).await;
    // If the store cannot say whether the chat is encrypted, the form does: the page of a plain chat would warn somebody
    // who has the key of an encrypted one.
    let page = page.unwrap_or_else(|_| Login {
        hash: hash.as_str().into(),
        encrypted: typed.encrypted,
        ..Login::default()
    });
    let page = Login {
        id: typed.id.unwrap_or_else(Uuid::new_v4).to_string(),
        user: typed.user,
        return_code: typed.return_code,
        device_code: typed.device_code,
        problem: Some(fault),
        replaced: replaced(&problem),
        ..page
    };
    let page = views::login::page(&frame(request), &page);
    Ok(show_problem(&problem, page))
}

async fn log_in(
    state: &State,
    request: &HttpRequest,
    hash: &str,
    body: LoginBody,
) -> Result<HttpResponse> {
    let mut wanted = body.parse(link_hash(hash), device::of(request))?;
    wanted.may_name = true;
    let hash = wanted.hash.clone();
    state.limits.count_request(request)?;
    let logged_in = actions::login(state, wanted).await?;
    let seat = logged_in.seat.number();
    let reply = SeatedReply {
        seat,
        peer: logged_in.peer.as_ref().map(ToString::to_string),
        last_seq: logged_in.last_seq,
        return_code: logged_in.return_code.as_ref().map(|code| code.reveal()),
    };
    let next = done(request, reply, &address::chat(hash.as_str(), seat));
    Ok(with_cookies(state, request, &hash, &logged_in, next))
}

/// Why a login failed, if the page has words for it.
fn fault_of(typed: &LoginAttempt, problem: &Problem) -> Option<Fault> {
    let wrong_code = || match (typed.device_code.is_empty(), typed.ask) {
        (false, _) => Fault::WrongDeviceCode,
        (_, true) => Fault::AskOver,
        _ => Fault::WrongReturnCode,
    };
    Some(match problem {
        Problem::Missing(field) | Problem::Refused(Refusal::Invalid { field, .. }) => {
            match *field {
                "user" => Fault::Name(register::name_fault(&typed.user)),
                "auth" => Fault::LinkIncomplete,
                "returnCode" | "deviceCode" | "askId" => wrong_code(),
                _ => return None,
            }
        }
        Problem::Refused(Refusal::Replaced(_)) => Fault::Replaced,
        Problem::Refused(Refusal::WrongName) => Fault::WrongName,
        Problem::Refused(Refusal::LinkIncomplete) => Fault::LinkIncomplete,
        Problem::Refused(Refusal::WrongCode) => wrong_code(),
        Problem::Refused(Refusal::SeatTaken) => Fault::SeatTaken,
        Problem::Refused(Refusal::TooMany { retry_after }) => Fault::TooMany {
            retry_after_s: whole_seconds(*retry_after),
        },
        _ if problem.status() == StatusCode::SERVICE_UNAVAILABLE => Fault::Unavailable,
        _ => return None,
    })
}

/// What a page shows to somebody who was replaced at their seat.
pub fn replaced(problem: &Problem) -> Option<Replaced> {
    let Problem::Refused(Refusal::Replaced(replaced)) = problem else {
        return None;
    };
    let shown = |name: &Option<UserName>| name.as_ref().map(UserName::to_string);
    Some(Replaced {
        at_ms: replaced.at.unix_ms(),
        user: shown(&replaced.user).unwrap_or_default(),
        peer: shown(&replaced.peer),
        encrypted: replaced.encrypted,
    })
}

/// Adds the cookies of a login to a response.
pub fn with_cookies(
    state: &State,
    request: &HttpRequest,
    hash: &PairHash,
    logged_in: &LoggedIn,
    mut response: HttpResponse,
) -> HttpResponse {
    let seat = logged_in.seat;
    let cookies = Cookies::of_seat(state, hash, seat);
    cookies.set(&mut response, SEAT_COOKIE, logged_in.token.reveal());
    if let Some(code) = &logged_in.return_code {
        cookies.set(&mut response, flash::CODE_COOKIE, code.reveal());
    }
    hold_seat(
        state,
        request,
        &mut response,
        hash,
        seat,
        Some(&logged_in.name),
    );
    response
}

/// The seats in the browser's cookie.
fn held_seats(request: &HttpRequest) -> Vec<(Seat, String)> {
    let held = cookie(request, SEATS_COOKIE).unwrap_or_default();
    let parts = held.split('~').filter_map(|part| {
        let (seat, name) = part.split_once('.')?;
        Some((Seat::parse(seat)?, flash::decode(name)))
    });
    parts.collect()
}

/// Notes in the browser's cookie that it holds a seat under this name, or no longer.
pub fn hold_seat(
    state: &State,
    request: &HttpRequest,
    response: &mut HttpResponse,
    hash: &PairHash,
    seat: Seat,
    name: Option<&UserName>,
) {
    let mut seats = held_seats(request);
    seats.retain(|(held, _)| *held != seat);
    seats.extend(name.map(|name| (seat, name.to_string())));
    let part = |(seat, name): &(Seat, String)| format!("{}.{}", seat.number(), flash::encode(name));
    let value = seats.iter().map(part).collect::<Vec<_>>().join("~");
    let cookies = Cookies::at(state, address::login(hash.as_str()));
    match value.is_empty() {
        true => cookies.remove(response, SEATS_COOKIE),
        false => cookies.set(response, SEATS_COOKIE, value),
    }
}
