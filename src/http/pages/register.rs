//! Making a chat.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::{Login, Refusal};
use uuid::Uuid;
use views::{
    address,
    register::{NameFault, Notice, Problem as Fault, Register},
};

use super::{done, flash, frame, login, show_page, show_problem, shows_form_again};
use crate::http::{
    State, actions,
    body::FormOrJson,
    device,
    envelope::ok,
    field, has_parameter,
    problem::{Problem, Result, whole_seconds},
    wire::{
        EmptyBody,
        registration::{HashReply, RegisterBody, RegisterReply},
    },
};

pub async fn show(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let asks_for = |name| has_parameter(&request, name);
    let notice = match (asks_for("ended"), asks_for("loggedout")) {
        (true, _) if flash::was_ended_by_you(&request) => Some(Notice::EndedByYou),
        (true, _) => Some(Notice::Ended),
        (false, true) => Some(Notice::LoggedOut),
        (false, false) => None,
    };
    let page = Register {
        id: actions::fresh_id(&state).to_string(),
        plain: asks_for("plain"),
        notice,
        ..Register::default()
    };
    let mut response = show_page(&request, |frame| views::register::page(frame, &page));
    flash::forget_end(&state, &mut response);
    response
}

/// Makes the chat and logs its maker in.
pub async fn submit(
    state: web::Data<State>,
    request: HttpRequest,
    form: FormOrJson<RegisterBody>,
) -> Result<HttpResponse> {
    let mut body = form.body;
    if body.encryption.is_none() {
        // The page has no field for the hash: the server generates that of a plain chat.
        body.hash = None;
    }
    // A blank name lets the second person choose their own.
    body.user_two = body.user_two.filter(|name| !name.trim().is_empty());
    let mut page = Register {
        reserved: body.hash.clone(),
        plain: body.encryption.is_none(),
        id: body.id.unwrap_or_else(Uuid::new_v4).to_string(),
        user_one: body.user_one.clone().unwrap_or_default(),
        user_two: body.user_two.clone().unwrap_or_default(),
        ttl_hours: body
            .ttl_hours
            .and_then(|hours| hours.try_into().ok())
            .unwrap_or(0),
        ..Register::default()
    };
    match register(&state, &request, body).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            let fault = fault_of(&page, &problem);
            page.problem = fault.filter(|_| shows_form_again(&request, &problem));
            if page.problem.is_none() {
                return Err(problem);
            }
            if matches!(problem, Problem::Refused(Refusal::PartitionUnavailable)) {
                // This id and hash belong to a server that is away, so the next try needs others.
                page.id = actions::fresh_id(&state).to_string();
                page.reserved = None;
            }
            let page = views::register::page(&frame(&request), &page);
            Ok(show_problem(&problem, page))
        }
    }
}

async fn register(
    state: &State,
    request: &HttpRequest,
    body: RegisterBody,
) -> Result<HttpResponse> {
    if body.encryption.is_some() {
        // `auth` was derived with the hash, so the chat must have that one.
        field::required(body.hash.as_ref(), "hash")?;
    }
    let wanted = body.parse(state.ttl_hours)?;
    wanted.check(state)?;
    state
        .limits
        .count_registration(request, wanted.hash.as_ref())?;
    let (hash, expires_at) = actions::register(state, &wanted).await?;
    let invite = address::seat(hash.as_str(), 1, "invite");
    let link = state.link(request, &hash);
    let reply = RegisterReply::of(&hash, link, expires_at, wanted.encryption.is_some());
    let login = Login {
        hash: hash.clone(),
        name: wanted.name_one,
        proof: None,
        id: wanted.id,
        device: device::of(request),
        auth: wanted.encryption.map(|encryption| encryption.auth),
        may_name: false,
    };
    let next = done(request, reply, &invite);
    match actions::login(state, login).await {
        Ok(logged_in) => Ok(login::with_cookies(state, request, &hash, &logged_in, next)),
        // A double click: the first one has logged in already.
        Err(Refusal::SeatTaken) => Ok(next),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Reserves the hash of an encrypted chat, for a script: the chat's keys depend on it.
pub async fn reserve(
    state: web::Data<State>,
    request: HttpRequest,
    _: FormOrJson<EmptyBody>,
) -> Result<HttpResponse> {
    state.limits.count_reservation(&request)?;
    let hash = actions::reserve(&state).await?;
    state.limits.remember_reserved(&hash);
    Ok(ok(HashReply {
        hash: hash.as_str().into(),
    }))
}

/// Why a registration failed, if the page has words for it.
fn fault_of(page: &Register, problem: &Problem) -> Option<Fault> {
    Some(match problem {
        Problem::Refused(Refusal::SameNames) => Fault::UserTwo(NameFault::Same),
        Problem::Missing(field) | Problem::Refused(Refusal::Invalid { field, .. }) => {
            match *field {
                "userOne" => Fault::UserOne(name_fault(&page.user_one)),
                "userTwo" => Fault::UserTwo(name_fault(&page.user_two)),
                "ttlHours" => Fault::Lifetime,
                _ => return None,
            }
        }
        Problem::Refused(Refusal::TooMany { retry_after }) => Fault::TooMany {
            retry_after_s: whole_seconds(*retry_after),
        },
        _ if problem.status() == StatusCode::SERVICE_UNAVAILABLE => Fault::Unavailable,
        _ => return None,
    })
}

/// What is wrong with a name that was refused.
pub fn name_fault(typed: &str) -> NameFault {
    let typed = typed.trim();
    match typed.chars().count() {
        0 => NameFault::Missing,
        count if count > actors::domain::NAME_CHARS_MAX => NameFault::TooLong,
        _ => NameFault::Characters,
    }
}
