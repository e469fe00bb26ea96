//! What every request passes: it is measured, panics are caught, failures are told in the form of
//! their door, and pages get the headers that keep other sites out.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use actors::metrics::register;
use futures_util::FutureExt;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tracing::debug;

use super::{State, envelope::Problem, pages};

/// What the doors count.
#[derive(Clone)]
pub struct HttpMetrics {
    seconds: HistogramVec,
    rejected: IntCounterVec,
    /// Messages that a stream read from the store because its client had missed them.
    pub replayed: IntCounter,
}

impl HttpMetrics {
    /// Registers everything.
    ///
    /// # Panics
    /// When the registry holds one of the names already: a defect of the caller.
    pub fn register(registry: &Registry) -> Self {
        let seconds = HistogramOpts::new(
            "duet_http_request_seconds",
            "Time until the head of the response, in seconds, by route template.",
        )
        .buckets(prometheus::exponential_buckets(0.000_5, 2.0, 14).expect("they are positive"));
        let seconds = HistogramVec::new(seconds, &["method", "route", "status"]);
        let rejected = Opts::new(
            "duet_http_rejected_total",
            "Requests that failed, by reason.",
        );
        let rejected = IntCounterVec::new(rejected, &["reason"]);
        let replayed = IntCounter::new(
            "duet_messages_replayed_total",
            "Messages written to a stream that had missed them.",
        );
        Self {
            seconds: register(registry, seconds),
            rejected: register(registry, rejected),
            replayed: register(registry, replayed),
        }
    }

    /// Counts a connection that was refused before it asked for anything.
    pub fn refuse_connection(&self) {
        let reason = ["too_many_connections"];
        self.rejected.with_label_values(&reason).inc();
    }
}

/// Measures a request and tells its failure.
pub async fn request(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    // Nothing of the request may be held meanwhile: the router needs it for itself.
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let response =
        answered.unwrap_or_else(|_| Err(Problem::defect("a handler panicked").into()))?;
    let response = match problem_of(response.response()) {
        Some(problem) => told(response.request().clone(), &problem),
        None => response.map_into_boxed_body(),
    };
    observe(&response, started);
    Ok(response)
}

/// The problem a response stands for, if it does.
fn problem_of<B>(response: &HttpResponse<B>) -> Option<Problem> {
    let error = response.error()?;
    Some(of_error(error, response.status()))
}

/// Our own problems as they are; the framework's by their status.
fn of_error(error: &Error, status: StatusCode) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    match status {
        StatusCode::NOT_FOUND => Problem::no_such_page(),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
        StatusCode::REQUEST_TIMEOUT => Problem::timeout(),
        status if status.is_client_error() => Problem::malformed("The request cannot be read."),
        _ => Problem::defect(error),
    }
}

/// A failure in the form of its door.
fn told(request: HttpRequest, problem: &Problem) -> ServiceResponse<BoxBody> {
    if let Some(state) = request.app_data::<web::Data<State>>() {
        state
            .metrics
            .rejected
            .with_label_values(&[problem.error])
            .inc();
    }
    let path = request.path();
    let on_send = path.ends_with("/message_send");
    let by_script = path.starts_with("/chat-server/") || !pages::wants_page(&request);
    let mut response = match by_script {
        true => problem.respond(if on_send { "Failed" } else { "FAIL" }),
        false => pages::problem(&request, problem),
    };
    if !by_script {
        guard(response.headers_mut());
    }
    if problem.status == StatusCode::GONE {
        pages::forget_seat(&request, &mut response);
    }
    ServiceResponse::new(request, response)
}

fn observe(response: &ServiceResponse<BoxBody>, started: Instant) {
    let request = response.request();
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return;
    };
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status();
    let labels = [request.method().as_str(), &route(request), status.as_str()];
    state
        .metrics
        .seconds
        .with_label_values(&labels)
        .observe(seconds);
    debug!(
        method = labels[0],
        route = labels[1],
        status = labels[2],
        seconds,
        "answered"
    );
}

/// The template of the address: the address itself holds a secret.
fn route(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| "none".into())
}

/// Guards a page: what is asked for comes from its own site, and nothing else may reach into it.
pub async fn page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let from_elsewhere = match request.app_data::<web::Data<State>>() {
        Some(state) => state.origin.check(request.request()).err(),
        None => None,
    };
    let mut response = match from_elsewhere {
        Some(problem) => request.error_response(problem),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    guard(response.headers_mut());
    Ok(response)
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                   media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'";

/// The headers of every page. To a style or a module a policy for documents means nothing, and a
/// first visit fetches two dozen.
fn guard(headers: &mut header::HeaderMap) {
    let part = headers
        .get(header::CONTENT_TYPE)
        .and_then(|mime| mime.to_str().ok())
        .is_some_and(|mime| mime.starts_with("text/css") || mime.starts_with("text/javascript"));
    let everywhere = [
        (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let of_documents = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let of_documents = of_documents.into_iter().filter(|_| !part);
    for (name, value) in everywhere.into_iter().chain(of_documents) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
