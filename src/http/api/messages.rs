//! Messages, marks and typing.

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
        messages::{ReceiptBody, SendBody, SendReply},
    },
};

/// Sends a message. The answer comes when it is durable.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/message_send", tag = "chat", request_body = SendBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<SendReply>))
)]
pub async fn send(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<SendBody>,
) -> Result<HttpResponse, Problem> {
    let message = body.parse()?;
    let caller = bearer.caller(&state, &hash).await?;
    let sent = caller.send(&state, message).await?;
    Ok(ok(SendReply::from(sent)))
}

/// Moves the marks of the caller's seat; they never move back.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/receipt", tag = "chat", request_body = ReceiptBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn receipt(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<ReceiptBody>,
) -> Result<HttpResponse, Problem> {
    let marks = body.parse()?;
    let caller = bearer.caller(&state, &hash).await?;
    caller.move_marks(&state, marks).await?;
    Ok(ok(Nothing {}))
}

/// Tells the other person that the caller is typing.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/typing", tag = "chat", request_body = NoBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn typing(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.caller(&state, &hash).await?;
    caller.typing(&state).await?;
    Ok(ok(Nothing {}))
}
