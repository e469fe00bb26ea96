//! What a person can do about their own seat: codes and sessions.

use actix_web::HttpResponse;

use super::chat_request::ChatRequest;
use crate::http::{
    body::Json,
    envelope::{EmptyReply, Envelope, ok},
    problem::Result,
    wire::{
        EmptyBody,
        seat::{DeviceReply, EndSessionBody, ReturnCodeReply, SessionsReply},
    },
};

/// Makes a code that logs the caller in on another device, once, within ten minutes.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/device", tag = "seat", request_body = EmptyBody,
    responses((status = 200, body = Envelope<DeviceReply>))
)]
pub async fn device(at: ChatRequest, _: Json<EmptyBody>) -> Result<HttpResponse> {
    let (state, caller) = at.caller().await?;
    let (code, expires_at) = caller.new_device_code(&state).await?;
    Ok(ok(DeviceReply::of(&code, expires_at)))
}

/// Replaces the seat's return code.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/return_code", tag = "seat", request_body = EmptyBody,
    responses((status = 200, body = Envelope<ReturnCodeReply>))
)]
pub async fn return_code(at: ChatRequest, _: Json<EmptyBody>) -> Result<HttpResponse> {
    let (state, caller) = at.caller().await?;
    let code = caller.new_return_code(&state).await?;
    Ok(ok(ReturnCodeReply::of(&code)))
}

/// Lists the sessions of the caller's seat.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/sessions", tag = "seat",
    responses((status = 200, body = Envelope<SessionsReply>))
)]
pub async fn sessions(at: ChatRequest) -> Result<HttpResponse> {
    let (state, caller) = at.caller().await?;
    let (sessions, current) = caller.sessions(&state).await?;
    Ok(ok(SessionsReply::of(&sessions, current)))
}

/// Ends one of the seat's sessions.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/sessions/end", tag = "seat",
    request_body = EndSessionBody,
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn end_session(
    at: ChatRequest,
    Json(body): Json<EndSessionBody>,
) -> Result<HttpResponse> {
    let id = body.parse()?;
    let (state, caller) = at.caller().await?;
    caller.end_session(&state, id).await?;
    Ok(ok(EmptyReply {}))
}
