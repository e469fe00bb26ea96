//! Being let in without a code.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::{
    Answer as AnswerRequest, AskIn, AskStanding, AskStateOf, Refusal,
    domain::{ChatKey, PairHash, Token},
    ports::AskState,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::login::{ask_secret, same_name};
use crate::http::{
    State,
    body::Json,
    envelope::{Envelope, Nothing, ok},
    field,
    problem::Problem,
    schema::{Auth, Digits, Hash, Id, Name, Secret},
    session::{Bearer, Caller, of_session},
};

/// Who wants to be let in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"user": "Anny", "hash": "abc123"}))]
pub struct AskBody {
    /// The name of the seat.
    #[schema(required, value_type = Name)]
    pub user: Option<String>,
    /// The link's secret part.
    #[schema(required, value_type = Hash)]
    pub hash: Option<String>,
    /// Proof of having the whole link, in an encrypted chat.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

/// An ask to be let in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskReply {
    /// The asker's secret: ask with it how things stand, and log in with it once allowed.
    #[schema(value_type = Secret)]
    pub ask_id: String,
    /// Two digits that the people in the chat see as well, to be compared some other way.
    #[schema(value_type = Digits)]
    pub number: String,
}

/// How an ask stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskStateReply {
    /// `waiting`, `allowed` (`login` takes the `askId` within two minutes), `refused`, or `expired`:
    /// after two minutes, or when a newer ask for the same seat took its place.
    #[schema(pattern = "^(waiting|allowed|refused|expired)$", example = "waiting")]
    pub state: &'static str,
}

/// An answer to somebody who wants in.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct AnswerBody {
    /// The `ask` word of the `seat` event.
    #[schema(required, value_type = Id)]
    pub ask: Option<Uuid>,
    /// Whether they may log in.
    #[schema(required, nullable = false)]
    pub allow: Option<bool>,
}

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
) -> Result<HttpResponse, Problem> {
    let name = field::name(body.user.as_deref(), "user")?;
    let hash = field::hash(body.hash.as_deref())?;
    let auth = field::auth(body.auth.as_deref())?;
    same_name(&username, &name)?;
    state.limits.request(&request)?;
    Ok(ok(ask_in(&state, &hash, AskIn { name, auth }).await?))
}

/// Records the ask.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn ask_in(state: &State, hash: &PairHash, ask: AskIn) -> Result<AskReply, Problem> {
    let (secret, number) = state.pairs.ask(ChatKey::of(hash), ask).await?;
    Ok(AskReply {
        ask_id: secret.reveal(),
        number: number.to_string(),
    })
}

/// How an ask to be let in stands.
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
) -> Result<HttpResponse, Problem> {
    let (username, ask_id) = path.into_inner();
    let secret = ask_secret(&ask_id)?;
    state.limits.request(&request)?;
    let found = ask_state(&state, &secret).await?;
    same_name(&username, &found.user)?;
    Ok(ok(AskStateReply {
        state: word(found.state),
    }))
}

/// How the ask stands, and under which name.
///
/// # Errors
/// [`Problem`] 403 when there is no such ask.
pub async fn ask_state(state: &State, secret: &Token) -> Result<AskStanding, Problem> {
    let request = AskStateOf {
        secret: secret.digest(),
    };
    Ok(state.pairs.ask(secret.key(), request).await?)
}

/// The state's word on the wire.
pub fn word(state: AskState) -> &'static str {
    match state {
        AskState::Waiting => "waiting",
        AskState::Allowed => "allowed",
        AskState::Refused => "refused",
        AskState::Expired => "expired",
    }
}

/// Lets somebody in, or does not: 409 `seat_open` while the person asked for has a stream open, 503
/// `presence_unknown` while nobody can say whether they have. Allowing ends the seat's old sessions
/// and codes; whoever comes with one of them is answered `replaced`.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/answer", tag = "login", request_body = AnswerBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn answer(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<AnswerBody>,
) -> Result<HttpResponse, Problem> {
    let verdict = verdict(&body)?;
    let caller = bearer.at(&state, &hash).await?;
    give(&state, &caller, verdict).await?;
    Ok(ok(Nothing {}))
}

/// Understands the fields of an answer.
///
/// # Errors
/// [`Problem`] 400 names the field.
pub fn verdict(body: &AnswerBody) -> Result<(Uuid, bool), Problem> {
    let word = field::required(body.ask.as_ref(), "ask")?;
    let allow = field::required(body.allow.as_ref(), "allow")?;
    Ok((*word, *allow))
}

/// Gives the answer.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn give(
    state: &State,
    caller: &Caller,
    (word, allow): (Uuid, bool),
) -> Result<(), Problem> {
    let answer = AnswerRequest {
        by: caller.by,
        word,
        allow,
    };
    let given: Result<(), Refusal> = state.pairs.ask(caller.key, answer).await;
    given.map_err(of_session)
}
