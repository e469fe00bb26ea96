//! What was said, and what is being said.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::{
    History, Refusal,
    domain::{Page, Seq},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::{
    State,
    envelope::{Envelope, ok},
    problem::Problem,
    schema::{Hash, Place, StreamEvent},
    session::{Bearer, Caller, of_session},
    stream,
    wire::MessageView,
};

/// The most messages of one page.
const LIMIT_MAX: usize = 200;
/// The messages of a page that does not say how many.
const LIMIT_DEFAULT: usize = 50;

/// Which part of the history is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The first messages behind this place.
    #[param(value_type = Option<Place>)]
    pub after: Option<String>,
    /// The last messages ahead of this place.
    #[param(value_type = Option<Place>)]
    pub before: Option<String>,
    /// How many, 1 to 200; 50 when left out. Fewer come where their texts are long.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<String>,
}

/// Where a stream begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The last place the client has seen; `Last-Event-ID` beats it.
    #[param(value_type = Option<Place>)]
    pub after: Option<String>,
}

/// A page of the history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryReply<'a> {
    /// Ascending in `seq`.
    pub messages: Vec<MessageView<'a>>,
    /// Whether there are more in the direction asked for.
    pub more: bool,
}

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
    let (page, limit) = part(&query)?;
    let caller = bearer.at(&state, &hash).await?;
    read(&state, &caller, page, limit).await
}

/// Understands which part is asked for.
///
/// # Errors
/// [`Problem`] 400 names the parameter.
pub fn part(query: &HistoryQuery) -> Result<(Page, usize), Problem> {
    let page = match (&query.after, &query.before) {
        (Some(_), Some(_)) => {
            let message = "Send \"after\" or \"before\", not both.";
            return Err(Problem::invalid("before", message));
        }
        (Some(after), None) => Page::After(place(after, "after")?),
        (None, Some(before)) => Page::Before(place(before, "before")?),
        (None, None) => Page::Newest,
    };
    let wrong = || Problem::invalid("limit", "\"limit\" is a number from 1 to 200.");
    let limit = match &query.limit {
        Some(limit) => limit.parse().map_err(|_| wrong())?,
        None => LIMIT_DEFAULT,
    };
    match limit {
        1..=LIMIT_MAX => Ok((page, limit)),
        _ => Err(wrong()),
    }
}

fn place(text: &str, field: &'static str) -> Result<Seq, Problem> {
    let wrong = || {
        let message = format!("\"{field}\" is a message's seq: a whole number.");
        Problem::invalid(field, message)
    };
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Beyond any place there can be is as good as the last.
        true if !text.is_empty() => Ok(text.parse().unwrap_or(Seq::MAX)),
        _ => Err(wrong()),
    }
}

/// Reads that part.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn read(
    state: &State,
    caller: &Caller,
    part: Page,
    limit: usize,
) -> Result<HttpResponse, Problem> {
    let history = History {
        by: caller.by,
        page: part,
        limit,
    };
    let (page, names) = state
        .pairs
        .ask(caller.key, history)
        .await
        .map_err(of_session)?;
    Ok(ok(HistoryReply {
        messages: page
            .messages
            .iter()
            .map(|message| MessageView::of(message, &names))
            .collect(),
        more: page.more,
    }))
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
        (status = 200, body = StreamEvent, content_type = "text/event-stream"),
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
    let after = last_seen(&request, &query)?;
    match bearer.at(&state, &hash).await {
        Ok(caller) => stream::open(&state, &request, caller, after).await,
        Err(Problem::Refused(Refusal::Gone)) => Ok(stream::over()),
        Err(problem) => Err(problem),
    }
}

/// The last place that the client of a stream has seen. What is said twice has to be right twice.
///
/// # Errors
/// [`Problem`] 400 when it is not a number.
pub fn last_seen(request: &HttpRequest, query: &StreamQuery) -> Result<Option<Seq>, Problem> {
    let header = request
        .headers()
        .get("last-event-id")
        .filter(|value| !value.is_empty());
    let id = header.map(|id| place(id.to_str().unwrap_or("not ASCII"), "Last-Event-ID"));
    let after = query.after.as_ref().map(|after| place(after, "after"));
    Ok(id.transpose()?.or(after.transpose()?))
}
