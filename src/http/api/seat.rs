//! What a person can do about their own seat: codes and sessions.

use actix_web::{HttpResponse, web};
use actors::{DeviceCode, EndSession, NewReturnCode, Sessions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::registration::NoBody;
use crate::http::{
    State,
    body::Json,
    envelope::{Envelope, Nothing, ok},
    field,
    problem::Problem,
    schema::{Code, DeviceName, Hash, Id, Moment},
    session::{Bearer, Caller, of_session},
};

/// A code for another device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceReply {
    /// Good once: log in with it as `deviceCode`.
    #[schema(value_type = Code)]
    pub device_code: String,
    /// Until when it is good.
    #[schema(value_type = Moment)]
    pub expires_at: String,
}

/// A new return code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnCodeReply {
    /// The code; the old one is dead.
    #[schema(value_type = Code)]
    pub return_code: String,
}

/// Where a seat is logged in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsReply {
    /// The oldest first.
    pub sessions: Vec<SessionView>,
}

/// One logged-in browser or client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// What ending it names.
    #[schema(value_type = Id)]
    pub id: Uuid,
    /// When it logged in.
    #[schema(value_type = Moment)]
    pub since: String,
    /// When it was last used, to the minute.
    #[schema(value_type = Moment)]
    pub last_seen: String,
    /// The browser and system that it logged in with, or the half that is known; null where neither is.
    #[schema(required, value_type = Option<DeviceName>)]
    pub device: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A session to be ended.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct EndSessionBody {
    /// Its id, from the list.
    #[schema(required, value_type = Id)]
    pub id: Option<Uuid>,
}

/// Makes a code that lets one in on another device, once, within ten minutes.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/device", tag = "seat", request_body = NoBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<DeviceReply>))
)]
pub async fn device(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.at(&state, &hash).await?;
    Ok(ok(device_code(&state, &caller).await?.0))
}

/// The code, and when it lapses in Unix milliseconds.
///
/// # Errors
/// [`Problem`] says why there is none.
pub async fn device_code(state: &State, caller: &Caller) -> Result<(DeviceReply, i64), Problem> {
    let request = DeviceCode {
        by: caller.by,
        hash: caller.hash.clone(),
    };
    let (code, lapses) = state
        .pairs
        .ask(caller.key, request)
        .await
        .map_err(of_session)?;
    let reply = DeviceReply {
        device_code: code.reveal(),
        expires_at: lapses.to_string(),
    };
    Ok((reply, lapses.unix_ms()))
}

/// Replaces the seat's return code.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/return_code", tag = "seat", request_body = NoBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<ReturnCodeReply>))
)]
pub async fn return_code(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.at(&state, &hash).await?;
    Ok(ok(new_return_code(&state, &caller).await?))
}

/// The new code.
///
/// # Errors
/// [`Problem`] says why there is none.
pub async fn new_return_code(state: &State, caller: &Caller) -> Result<ReturnCodeReply, Problem> {
    let request = NewReturnCode {
        by: caller.by,
        hash: caller.hash.clone(),
    };
    let code = state
        .pairs
        .ask(caller.key, request)
        .await
        .map_err(of_session)?;
    Ok(ReturnCodeReply {
        return_code: code.reveal(),
    })
}

/// Lists where this seat is logged in.
#[utoipa::path(
    get, path = "/chat-server/user/{hash}/sessions", tag = "seat",
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<SessionsReply>))
)]
pub async fn sessions(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
) -> Result<HttpResponse, Problem> {
    let caller = bearer.at(&state, &hash).await?;
    Ok(ok(list(&state, &caller).await?))
}

/// The list.
///
/// # Errors
/// [`Problem`] says why there is none.
pub async fn list(state: &State, caller: &Caller) -> Result<SessionsReply, Problem> {
    let request = Sessions { by: caller.by };
    let (sessions, current) = state
        .pairs
        .ask(caller.key, request)
        .await
        .map_err(of_session)?;
    let view = |session: &actors::domain::Session| SessionView {
        id: session.id,
        since: session.since.to_string(),
        last_seen: session.last_seen.unwrap_or(session.since).to_string(),
        device: session.device.label(),
        current: session.id == current,
    };
    Ok(SessionsReply {
        sessions: sessions.iter().map(view).collect(),
    })
}

/// Logs one of the seat's sessions out.
#[utoipa::path(
    post, path = "/chat-server/user/{hash}/sessions/end", tag = "seat",
    request_body = EndSessionBody,
    params(("hash" = Hash, Path, description = "The link's secret part", example = "abc123")),
    security(("bearer" = [])),
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn end_session(
    state: web::Data<State>,
    hash: web::Path<String>,
    bearer: Bearer,
    Json(body): Json<EndSessionBody>,
) -> Result<HttpResponse, Problem> {
    let id = *field::required(body.id.as_ref(), "id")?;
    let caller = bearer.at(&state, &hash).await?;
    log_out(&state, &caller, id).await?;
    Ok(ok(Nothing {}))
}

/// Logs it out; one that is logged out already stays so.
///
/// # Errors
/// [`Problem`] says why not.
pub async fn log_out(state: &State, caller: &Caller, id: Uuid) -> Result<(), Problem> {
    let request = EndSession { by: caller.by, id };
    state
        .pairs
        .ask(caller.key, request)
        .await
        .map_err(of_session)
}
