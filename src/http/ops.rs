//! Health and metrics.

use std::time::Duration;

use actix_web::{HttpResponse, http::header, web};
use prometheus::{Encoder, TextEncoder};
use serde::Serialize;

use super::{State, envelope::Problem};

/// How long the store and the bus may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Ready {
    ready: bool,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The tasks that do not run at the moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tasks_down: Vec<&'static str>,
}

/// The process runs.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body("live\n")
}

/// The instance wants requests: the store and the bus answer, all tasks run, and it is not on its way
/// out.
pub async fn ready(state: web::Data<State>) -> HttpResponse {
    let store = state.directory.store().ping();
    let bus = state.directory.bus().ping();
    let tasks_down = state.readiness.tasks_down();
    let reason = if state.readiness.is_draining() {
        Some("draining")
    } else if !matches!(tokio::time::timeout(DEADLINE, store).await, Ok(Ok(()))) {
        Some("store")
    } else if !matches!(tokio::time::timeout(DEADLINE, bus).await, Ok(Ok(()))) {
        Some("bus")
    } else if !tasks_down.is_empty() {
        Some("tasks")
    } else {
        None
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
        })
}

/// Everything that is counted, for Prometheus.
pub async fn metrics(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    state.metrics.measure(&state.limits, &state.answers);
    let mut text = Vec::new();
    TextEncoder::new()
        .encode(&state.registry.gather(), &mut text)
        .map_err(Problem::defect)?;
    Ok(HttpResponse::Ok()
        .content_type(prometheus::TEXT_FORMAT)
        .body(text))
}
