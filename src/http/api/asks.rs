//! Asks: being let in without a code.

use actix_web::{HttpRequest, HttpResponse, web};

use super::chat_request::ChatRequest;
use crate::http::{
    State, actions,
    body::Json,
    envelope::{EmptyReply, Envelope, ok},
    field,
    problem::Result,
    schema::{Name, Secret},
    wire::asks::{AnswerBody, AskBody, AskReply, AskStateReply},
};

/// Asks the person in the other seat to be let in. A seat has one open ask, the newest.
#[utoipa::path(
    post, path = "/chat-server/user/{username}/login/ask", tag = "login", request_body = AskBody,
    params(("username" = Name, Path, description = "The same name as `user`", example = "Anny")),
    responses((status = 200, body = Envelope<AskReply>))
)]
pub async fn ask(
    state: web::Data<State>,
    request: HttpRequest,
    username: web::Path<String>,
    Json(body): Json<AskBody>,
) -> Result<HttpResponse> {
    let ask = body.parse()?;
    let hash = field::hash(body.hash.as_deref())?;
    field::same_name(&username, &ask.name)?;
    state.limits.count_request(&request)?;
    let asked = actions::ask(&state, &hash, ask).await?;
    Ok(ok(AskReply::of(asked)))
}

/// Reads the state of an ask.
#[utoipa::path(
    get, path = "/chat-server/user/{username}/login/ask/{askId}", tag = "login",
    params(
        ("username" = Name, Path, description = "The name that was asked for", example = "Anny"),
        ("askId" = Secret, Path, description = "The asker's secret"),
    ),
    responses((status = 200, body = Envelope<AskStateReply>))
)]
pub async fn state(
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse> {
    let (username, ask_id) = path.into_inner();
    let secret = field::ask_secret(&ask_id)?;
    state.limits.count_request(&request)?;
    let found = actions::ask_status(&state, secret.key(), &secret).await?;
    field::same_name(&username, &found.user)?;
    Ok(ok(AskStateReply::from(found.state)))
}

/// Lets somebody in, or does not: 409 `seat_open` while the person asked for has a stream open, 503
/// `presence_unknown` while the server cannot tell. Allowing ends the seat's old sessions
/// and codes; a request with one of them gets the error `replaced`.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/answer", tag = "login", request_body = AnswerBody,
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn answer(at: ChatRequest, Json(body): Json<AnswerBody>) -> Result<HttpResponse> {
    let answer = body.parse()?;
    at.caller().await?.answer(answer).await?;
    Ok(ok(EmptyReply {}))
}
