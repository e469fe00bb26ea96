//! Making chats.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::{
    State,
    actions::{self, Registration},
    body::Json,
    envelope::{EmptyReply, Envelope, ok},
    problem::{Problem, Result},
    wire::{
        EmptyBody,
        registration::{HashReply, RegisterBody, RegisterReply, User1Body, User2Body},
    },
};

/// Reserves a fresh hash for ten minutes.
#[utoipa::path(
    post, path = "/chat-server/hash", tag = "registration", request_body = EmptyBody,
    responses((status = 200, body = Envelope<HashReply>))
)]
pub async fn reserve(
    state: web::Data<State>,
    request: HttpRequest,
    _: Json<EmptyBody>,
) -> Result<HttpResponse> {
    state.limits.count_reservation(&request)?;
    let hash = actions::reserve(&state).await?;
    state.limits.remember_reserved(&hash);
    Ok(ok(HashReply {
        hash: hash.as_str().into(),
    }))
}

/// Makes a chat with both names.
#[utoipa::path(
    post, path = "/chat-server/register", tag = "registration", request_body = RegisterBody,
    responses((status = 200, body = Envelope<RegisterReply>))
)]
pub async fn register(
    state: web::Data<State>,
    request: HttpRequest,
    Json(body): Json<RegisterBody>,
) -> Result<HttpResponse> {
    let wanted = body.parse(state.ttl_hours)?;
    if wanted.name_two.is_none() {
        return Err(Problem::Missing("userTwo"));
    }
    make(&state, &request, &wanted).await
}

/// Makes a chat whose second person chooses their own name.
#[utoipa::path(
    post, path = "/chat-server/user1", tag = "registration", request_body = User1Body,
    responses((status = 200, body = Envelope<RegisterReply>))
)]
pub async fn user1(
    state: web::Data<State>,
    request: HttpRequest,
    Json(body): Json<User1Body>,
) -> Result<HttpResponse> {
    let wanted = body.parse(state.ttl_hours)?;
    make(&state, &request, &wanted).await
}

async fn make(state: &State, request: &HttpRequest, wanted: &Registration) -> Result<HttpResponse> {
    wanted.check(state)?;
    state
        .limits
        .count_registration(request, wanted.hash.as_ref())?;
    let (hash, expires_at) = actions::register(state, wanted).await?;
    let link = state.link(request, &hash);
    let made = RegisterReply::of(&hash, link, expires_at, wanted.encryption.is_some());
    Ok(ok(made))
}

/// Names the second person, once.
#[utoipa::path(
    post, path = "/chat-server/user2", tag = "registration", request_body = User2Body,
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn user2(
    state: web::Data<State>,
    request: HttpRequest,
    Json(body): Json<User2Body>,
) -> Result<HttpResponse> {
    let (hash, name, auth) = body.parse()?;
    state.limits.count_request(&request)?;
    actions::name_seat_two(&state, &hash, name, auth).await?;
    Ok(ok(EmptyReply {}))
}
