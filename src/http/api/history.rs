//! The history and the stream.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::Refusal;

use super::docs::events::StreamEvent;
use crate::http::{
    State,
    envelope::{Envelope, ok},
    problem::Problem,
    schema::{Hash, Place},
    session::Bearer,
    stream,
    wire::history::{HistoryQuery, HistoryReply, StreamQuery, parse_last_seen, parse_page},
};

/// Reads a page of the history.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/messages", tag = "chat",
    params(
        ("hash" = Hash, Path, description = "The link's secret part", example = "abc123"),
        HistoryQuery,
    ),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<HistoryReply>))
)]
pub async fn messages(
    state: web::Data<State>,
    hash: web::Path<String>,
    query: web::Query<HistoryQuery>,
    bearer: Bearer,
) -> Result<HttpResponse, Problem> {
    let (page, limit) = parse_page(&query)?;
    let caller = bearer.caller(&state, &hash).await?;
    let (page, names) = caller.history(&state, page, limit).await?;
    Ok(ok(HistoryReply::of(&page, &names)))
}

/// Opens a stream of server-sent events.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/stream", tag = "chat",
    params(
        ("hash" = Hash, Path, description = "The link's secret part", example = "abc123"),
        StreamQuery,
        ("Last-Event-ID" = Option<Place>, Header, nullable = false, description = "The last place the client has seen"),
    ),
    security(("bearer" = [])),
    responses(
        (
            status = 200, body = StreamEvent, content_type = "text/event-stream",
            description = "Blocks of lines with a blank line behind each. `StreamEvent` describes one block; its \
                           `data` is JSON, whose schemas are `Hello`, `Message`, `Presence`, `Typing`, `Receipt`, \
                           `SeatChanged`, `Ended` and `Ping`. A block that holds `retry` alone comes first: the \
                           milliseconds to wait before coming back. Ignore events that you do not know.",
        ),
        (status = 204, description = "The chat has ended. A browser stops trying."),
    )
)]
pub async fn stream(
    state: web::Data<State>,
    request: HttpRequest,
    hash: web::Path<String>,
    query: web::Query<StreamQuery>,
    bearer: Bearer,
) -> Result<HttpResponse, Problem> {
    let after = parse_last_seen(&request, &query)?;
    match bearer.caller(&state, &hash).await {
        Ok(caller) => stream::open(&state, &request, caller, after).await,
        Err(Problem::Refused(Refusal::Gone)) => Ok(stream::no_content()),
        Err(problem) => Err(problem),
    }
}
