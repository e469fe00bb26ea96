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
    let (code, expires_at) = at.caller().await?.new_device_code().await?;
    Ok(ok(DeviceReply::of(&code, expires_at)))
}

/// Replaces the seat's return code.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/return_code", tag = "seat", request_body = EmptyBody,
    responses((status = 200, body = Envelope<ReturnCodeReply>))
)]
pub async fn return_code(at: ChatRequest, _: Json<EmptyBody>) -> Result<HttpResponse> {
    let code = at.caller().await?.new_return_code().await?;
    Ok(ok(ReturnCodeReply::of(&code)))
}

/// Lists the sessions of the caller's seat.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/sessions", tag = "seat",
    responses((status = 200, body = Envelope<SessionsReply>))
)]
pub async fn sessions(at: ChatRequest) -> Result<HttpResponse> {
    let (sessions, current) = at.caller().await?.sessions().await?;
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
    at.caller().await?.end_session(id).await?;
    Ok(ok(EmptyReply {}))
}
