//! Logging in.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::{
    State, actions,
    body::Json,
    device,
    envelope::{Envelope, ok},
    field,
    problem::Result,
    schema::Name,
    wire::login::{LoginBody, LoginReply},
};

/// Takes a seat, or comes back to it. Where somebody else was let in at the seat, a login by name
/// alone (409) and one with a code from before (403) are answered `replaced`, with `replacedAt`.
#[utoipa::path(
    post, path = "/chat-server/user/{username}/login", tag = "login", request_body = LoginBody,
    params(("username" = Name, Path, description = "The same name as `user`", example = "Abhi")),
    responses((status = 200, body = Envelope<LoginReply>))
)]
pub async fn login(
    state: web::Data<State>,
    request: HttpRequest,
    username: web::Path<String>,
    Json(body): Json<LoginBody>,
) -> Result<HttpResponse> {
    let hash = field::hash(body.hash.as_deref());
    let login = body.parse(hash, device::of(&request))?;
    field::same_name(&username, &login.name)?;
    state.limits.count_request(&request)?;
    let logged_in = actions::login(&state, login).await?;
    Ok(ok(LoginReply::from(logged_in)))
}
