//! Logging out, and ending the chat. The address holds no hash: the token names its chat.

use actix_web::{HttpResponse, web};

use crate::http::{
    State, actions,
    body::Json,
    envelope::{Envelope, Nothing, ok},
    problem::Problem,
    session::Bearer,
    wire::NoBody,
};

/// Ends the caller's session. Succeeds when it has ended already.
#[utoipa::path(
    get, path = "/chat-server/user/logout", tag = "leave", operation_id = "logout_get",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn logout_get(state: web::Data<State>, bearer: Bearer) -> Result<HttpResponse, Problem> {
    let token = bearer.token()?;
    actions::log_out(&state, token.key(), token.digest()).await?;
    Ok(ok(Nothing {}))
}

/// Ends the caller's session. Succeeds when it has ended already.
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

/// Ends the chat for both. Succeeds when it is over already.
#[utoipa::path(
    get, path = "/chat-server/user/endchat", tag = "leave", operation_id = "endchat_get",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn end_get(state: web::Data<State>, bearer: Bearer) -> Result<HttpResponse, Problem> {
    let token = bearer.token()?;
    actions::end_chat(&state, token.key(), token.digest()).await?;
    Ok(ok(Nothing {}))
}

/// Ends the chat for both. Succeeds when it is over already.
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
