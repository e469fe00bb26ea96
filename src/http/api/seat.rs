//! What a person can do about their own seat: codes and sessions.

use actix_web::{HttpResponse, web};

use crate::http::{
    State,
    body::Json,
    envelope::{Envelope, Nothing, ok},
    problem::Problem,
    schema::Hash,
    session::Bearer,
    wire::{
        NoBody,
        seat::{DeviceReply, EndSessionBody, ReturnCodeReply, SessionsReply},
    },
};

/// Makes a code that logs the caller in on another device, once, within ten minutes.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/device", tag = "seat", request_body = NoBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<DeviceReply>))
)]
pub async fn device(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.caller(&state, &hash).await?;
    let (code, expires_at) = caller.new_device_code(&state).await?;
    Ok(ok(DeviceReply::of(&code, expires_at)))
}

/// Replaces the seat's return code.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/return_code", tag = "seat", request_body = NoBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<ReturnCodeReply>))
)]
pub async fn return_code(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.caller(&state, &hash).await?;
    let code = caller.new_return_code(&state).await?;
    Ok(ok(ReturnCodeReply::of(&code)))
}

/// Lists the sessions of the caller's seat.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/sessions", tag = "seat",
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<SessionsReply>))
)]
pub async fn sessions(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.caller(&state, &hash).await?;
    let (sessions, current) = caller.sessions(&state).await?;
    Ok(ok(SessionsReply::of(&sessions, current)))
}

/// Ends one of the seat's sessions.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/sessions/end", tag = "seat",
    request_body = EndSessionBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn end_session(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<EndSessionBody>,
) -> Result<HttpResponse, Problem> {
    let id = body.parse()?;
    let caller = bearer.caller(&state, &hash).await?;
    caller.end_session(&state, id).await?;
    Ok(ok(Nothing {}))
}
