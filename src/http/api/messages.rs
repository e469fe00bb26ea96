//! Messages, marks and activities.

use actix_web::HttpResponse;
use actors::domain::Activity;

use super::chat_request::ChatRequest;
use crate::http::{
    body::Json,
    envelope::{EmptyReply, Envelope, ok},
    problem::Result,
    wire::{
        EmptyBody,
        messages::{ReceiptBody, SendBody, SendReply},
    },
};

/// Sends a message. The answer comes when it is durable.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/message_send", tag = "chat", request_body = SendBody,
    responses((status = 200, body = Envelope<SendReply>))
)]
pub async fn send(at: ChatRequest, Json(body): Json<SendBody>) -> Result<HttpResponse> {
    let message = body.parse()?;
    let sent = at.caller().await?.send(message).await?;
    Ok(ok(SendReply::from(sent)))
}

/// Moves the marks of the caller's seat; they never move back.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/receipt", tag = "chat", request_body = ReceiptBody,
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn receipt(at: ChatRequest, Json(body): Json<ReceiptBody>) -> Result<HttpResponse> {
    let marks = body.parse()?;
    at.caller().await?.move_marks(marks).await?;
    Ok(ok(EmptyReply {}))
}

/// Tells the other person what the caller is doing. The description has one such operation for each activity.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/{activity}", tag = "chat", request_body = EmptyBody,
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn notify(
    activity: Activity,
    at: ChatRequest,
    _: Json<EmptyBody>,
) -> Result<HttpResponse> {
    at.caller().await?.notify(activity).await?;
    Ok(ok(EmptyReply {}))
}
