//! The history and the stream.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::Refusal;

use super::{chat_request::ChatRequest, docs::events::StreamEvent};
use crate::http::{
    envelope::{Envelope, ok},
    problem::{Problem, Result},
    schema::MessageSeq,
    stream,
    wire::history::{HistoryQuery, HistoryReply, StreamQuery, parse_last_seen, parse_page},
};

/// Reads a page of the history.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/messages", tag = "chat",
    params(HistoryQuery),
    responses((status = 200, body = Envelope<HistoryReply>))
)]
pub async fn messages(at: ChatRequest, query: web::Query<HistoryQuery>) -> Result<HttpResponse> {
    let (page, limit) = parse_page(&query)?;
    let (page, names) = at.caller().await?.history(page, limit).await?;
    Ok(ok(HistoryReply::of(&page, &names)))
}

/// Opens a stream of server-sent events.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/stream", tag = "chat",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<MessageSeq>, Header, nullable = false, description = "The last `seq` that the client has seen"),
    ),
    responses(
        (
            status = 200, body = StreamEvent, content_type = "text/event-stream",
            description = "Blocks of lines with a blank line behind each. `StreamEvent` describes one block; its \
                           `data` is JSON, whose schemas are `Hello`, `Message`, `Presence`, `Activity`, `Receipt`, \
                           `SeatChanged`, `Ended` and `Ping`. A block that holds `retry` alone comes first: the \
                           milliseconds to wait before coming back. Ignore events that you do not know.",
        ),
        (status = 204, description = "The chat has ended. A browser stops trying."),
    )
)]
pub async fn stream(
    at: ChatRequest,
    request: HttpRequest,
    query: web::Query<StreamQuery>,
) -> Result<HttpResponse> {
    let after = parse_last_seen(&request, &query)?;
    match at.caller().await {
        Ok(caller) => stream::open(&request, caller, after).await,
        Err(Problem::Refused(Refusal::Gone)) => Ok(stream::no_content()),
        Err(problem) => Err(problem),
    }
}
