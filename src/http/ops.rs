//! Health and metrics.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use actors::ports::StoreError;
use prometheus::{Encoder, TextEncoder};
use serde::Serialize;

use super::{Problem, Result, State, has_parameter};

#[derive(Serialize)]
struct Ready {
    ready: bool,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Background tasks that are down.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tasks_down: Vec<&'static str>,
    /// "up"; "degraded" while one of several servers is out of reach, or missing in `store.urls`; "full"; "away".
    store: &'static str,
    /// Whether instances hear each other: "up" or "away".
    bus: &'static str,
}

/// Liveness: the process runs.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body("live\n")
}

/// Readiness: the store answers, all tasks run, and the instance is not draining. A bus that is away does not
/// make it unready, because notices then come through the store; with `?bus` it does.
pub async fn ready(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let store = state.pairs.store();
    let bus_is_up = state.pairs.bus_is_up();
    let bus_is_wanted = has_parameter(&request, "bus");
    let tasks_down = state.readiness.tasks.down();
    let probe = state.readiness.store.clone();
    // In a task of its own: a write that is given up, because a client has left, costs the store's connection.
    let checked = tokio::spawn(async move { probe.check().await }).await;
    let store = match checked {
        Ok(Ok(())) if store.away().is_empty() => "up",
        Ok(Ok(())) => "degraded",
        Ok(Err(StoreError::NoRoom(_))) => "full",
        Ok(Err(_)) | Err(_) => "away",
    };
    let reason = match store {
        _ if state.readiness.is_draining() => Some("draining"),
        "full" => Some("storage_full"),
        "away" => Some("store"),
        _ if !tasks_down.is_empty() => Some("tasks"),
        _ if bus_is_wanted && !bus_is_up => Some("bus"),
        _ => None,
    };
    let mut response = match reason {
        None => HttpResponse::Ok(),
        Some(_) => HttpResponse::ServiceUnavailable(),
    };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Ready {
            ready: reason.is_none(),
            reason,
            tasks_down,
            store,
            bus: if bus_is_up { "up" } else { "away" },
        })
}

/// The metrics in Prometheus' text format.
pub async fn metrics(state: web::Data<State>) -> Result<HttpResponse> {
    state
        .metrics
        .update_gauges(&state.limits, &state.response_memory);
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&state.registry.gather(), &mut text)
        .map_err(Problem::defect)?;
    Ok(HttpResponse::Ok()
        .content_type(prometheus::TEXT_FORMAT)
        .body(text))
}
