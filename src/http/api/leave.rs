//! Logging out, and ending the chat. The address holds no hash: the token names its chat.

use actix_web::{HttpResponse, web};

use crate::http::{
    State, actions,
    body::Json,
    envelope::{EmptyReply, Envelope, ok},
    problem::Result,
    session::Bearer,
    wire::EmptyBody,
};

/// Ends the caller's session. Succeeds when it has ended already.
#[utoipa::path(
    get, path = "/chat-server/user/logout", tag = "leave", operation_id = "logout_get",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn logout_get(state: web::Data<State>, bearer: Bearer) -> Result<HttpResponse> {
    let token = bearer.token()?;
    actions::log_out(&state, token.key(), token.digest()).await?;
    Ok(ok(EmptyReply {}))
}

/// Ends the caller's session. Succeeds when it has ended already.
#[utoipa::path(
    post, path = "/chat-server/user/logout", tag = "leave", request_body = EmptyBody,
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn logout(
    state: web::Data<State>,
    bearer: Bearer,
    _: Json<EmptyBody>,
) -> Result<HttpResponse> {
    logout_get(state, bearer).await
}

/// Ends the chat for both. Succeeds when it is over already.
#[utoipa::path(
    get, path = "/chat-server/user/endchat", tag = "leave", operation_id = "endchat_get",
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn end_get(state: web::Data<State>, bearer: Bearer) -> Result<HttpResponse> {
    let token = bearer.token()?;
    actions::end_chat(&state, token.key(), token.digest()).await?;
    Ok(ok(EmptyReply {}))
}

/// Ends the chat for both. Succeeds when it is over already.
#[utoipa::path(
    post, path = "/chat-server/user/endchat", tag = "leave", operation_id = "endchat",
    request_body = EmptyBody,
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<EmptyReply>))
)]
pub async fn end(
    state: web::Data<State>,
    bearer: Bearer,
    _: Json<EmptyBody>,
) -> Result<HttpResponse> {
    end_get(state, bearer).await
}
