//! Logging out, and ending the chat. The address holds no hash: the token names its chat.

use actix_web::{HttpResponse, web};
use actors::{
    EndChat, Logout, Refusal,
    domain::{ChatKey, SecretDigest},
};

use super::registration::NoBody;
use crate::http::{
    State,
    body::Json,
    envelope::{Envelope, Nothing, ok},
    problem::Problem,
    session::{Bearer, of_session},
};

/// Ends one's session. Twice is fine.
#[utoipa::path(
    get, path = "/chat-server/user/logout", tag = "leave", operation_id = "logout_get",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn logout_get(state: web::Data<State>, bearer: Bearer) -> Result<HttpResponse, Problem> {
    let token = bearer.token()?;
    log_out(&state, token.key(), token.digest()).await?;
    Ok(ok(Nothing {}))
}

/// Ends one's session. Twice is fine.
#[utoipa::path(
    post, path = "/chat-server/user/logout", tag = "leave", request_body = NoBody,
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn logout(
    state: web::Data<State>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    logout_get(state, bearer).await
}

/// Ends the session of a token, if it has not ended yet.
///
/// # Errors
/// [`Problem`] when the chat is over or the store out of reach.
pub async fn log_out(state: &State, key: ChatKey, by: SecretDigest) -> Result<(), Problem> {
    match state.pairs.ask(key, Logout { by }).await {
        Ok(()) | Err(Refusal::NoSession) => Ok(()),
        Err(refusal) => Err(of_session(refusal)),
    }
}

/// Ends the chat for both. Twice is fine.
#[utoipa::path(
    get, path = "/chat-server/user/endchat", tag = "leave", operation_id = "endchat_get",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn end_get(state: web::Data<State>, bearer: Bearer) -> Result<HttpResponse, Problem> {
    let token = bearer.token()?;
    end_chat(&state, token.key(), token.digest()).await?;
    Ok(ok(Nothing {}))
}

/// Ends the chat for both. Twice is fine.
#[utoipa::path(
    post, path = "/chat-server/user/endchat", tag = "leave", operation_id = "endchat",
    request_body = NoBody,
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn end(
    state: web::Data<State>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    end_get(state, bearer).await
}

/// Ends a chat, if it is not over yet.
///
/// # Errors
/// [`Problem`] without a session, or when the store is out of reach.
pub async fn end_chat(state: &State, key: ChatKey, by: SecretDigest) -> Result<(), Problem> {
    match state.pairs.ask(key, EndChat { by }).await {
        Ok(()) | Err(Refusal::Gone) => Ok(()),
        Err(refusal) => Err(of_session(refusal)),
    }
}
