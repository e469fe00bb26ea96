//! What every request passes: it is measured, panics are caught, failures are told in the form of
//! their door, and pages get the headers that keep other sites out.

mod metrics;

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, AcceptEncoding, Encoding, Header as _, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::{Instrument, debug, error_span, warn};
use uuid::Uuid;

use super::{State, door, pages, problem::Problem, session};

pub use metrics::HttpMetrics;

tokio::task_local! {
    static REQUEST_ID: String;
}

fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The id of the request that is being answered; every line of the log about it has it.
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(String::clone).ok()
}

/// Lets a request in or refuses it, measures it, and tells its failure.
pub async fn request(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = new_id();
    // Whatever the filter lets pass, its lines can be told apart by request.
    let span = error_span!("request", id);
    let answered = answered(request, next).instrument(span);
    let mut response = REQUEST_ID.scope(id.clone(), answered).await?;
    identify(response.headers_mut(), &id);
    Ok(response)
}

fn identify(headers: &mut header::HeaderMap, id: &str) {
    // It is made of hexadecimal digits.
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// The answer to what is no request that any handler could be asked.
pub fn refused(problem: &Problem) -> HttpResponse {
    let id = new_id();
    let error = problem.error();
    debug!(id, error, "refused before it was a request");
    let mut response = problem.respond("FAIL");
    identify(response.headers_mut(), &id);
    guard(response.headers_mut(), false);
    response
}

/// The answer to a request that was lost when its handler panicked, under its id.
pub fn lost(problem: &Problem) -> HttpResponse {
    let mut response = problem.respond("FAIL");
    if let Some(id) = problem.reference() {
        identify(response.headers_mut(), id);
        guard(response.headers_mut(), false);
    }
    response
}

async fn answered(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let mut response = match door::check(&request) {
        Ok(()) => {
            // Nothing of the request may be held meanwhile: the router needs it for itself.
            let state = request.app_data::<web::Data<State>>().cloned();
            let method = door::label(request.method());
            let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
            let Ok(response) = answered else {
                let problem = Problem::defect("a handler panicked");
                if let Some(state) = state {
                    state.metrics.count_lost(method, &problem, started);
                }
                return Err(problem.into());
            };
            let response = response?;
            match problem_of(response.response()) {
                Some(problem) => {
                    let request = response.request().clone();
                    let problem = session::explained(&request, problem).await;
                    told(request, &problem)
                }
                None => response.map_into_boxed_body(),
            }
        }
        Err(problem) => told(request.into_parts().0, &problem),
    };
    observe(&mut response, started);
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
        StatusCode::NOT_FOUND => Problem::NoSuchPage,
        StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge,
        StatusCode::REQUEST_TIMEOUT => Problem::Timeout,
        status if status.is_client_error() => {
            Problem::Malformed("The request cannot be read.".into())
        }
        _ => Problem::defect(error),
    }
}

/// A failure in the form of its door.
fn told(request: HttpRequest, problem: &Problem) -> ServiceResponse<BoxBody> {
    if let Some(state) = request.app_data::<web::Data<State>>() {
        let rejected = &state.metrics.rejected;
        rejected.with_label_values(&[problem.error()]).inc();
        if problem.is_about_nothing() {
            // It is answered as what it is, but it uses up what its address may ask.
            let _ = state.limits.request(&request);
        }
    }
    let path = request.path();
    let not_ended = is_ending(path) && (problem.is_unavailable() || problem.is_storage_full());
    let message = match problem.is_unavailable() || not_ended {
        true => advice(path).into(),
        false => problem.message(),
    };
    if not_ended {
        // Somebody believes that it is over, and it is not.
        warn!(
            route = request.match_pattern(),
            reason = problem.error(),
            "an end was not carried out: the store takes no writes"
        );
    }
    let on_send = path.ends_with("/message_send");
    let by_script = path.starts_with("/chat-server/") || !pages::wants_page(&request);
    let failed = if on_send { "Failed" } else { "FAIL" };
    let mut response = match by_script {
        true => problem.respond_with(failed, message),
        false => pages::problem(&request, problem),
    };
    if problem.status() == StatusCode::GONE {
        pages::forget_seat(&request, &mut response);
    }
    ServiceResponse::new(request, response)
}

fn is_ending(path: &str) -> bool {
    ["/endchat", "/logout", "/sessions/end"]
        .iter()
        .any(|action| path.ends_with(action))
}

/// What to do about a request that could not be carried out.
fn advice(path: &str) -> &'static str {
    if path.ends_with("/message_send") {
        "The server cannot store this right now. Send it again in a moment with the same id: it is \
         stored once."
    } else if path.ends_with("/endchat") {
        "The server cannot end the chat right now, so it may go on. End it again in a moment; that \
         is safe."
    } else if is_ending(path) {
        "The server cannot log out right now, so the session may be open. Try again in a moment; \
         that is safe."
    } else {
        "The server cannot do this right now. Try again in a moment."
    }
}

fn observe(response: &mut ServiceResponse<BoxBody>, started: Instant) {
    let request = response.request();
    // The template of the address: the address itself holds a secret.
    let route = request.match_pattern();
    let route = route.as_deref().unwrap_or("none");
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        return;
    };
    if let Some(proxy) = state.limits.untrusted_proxy(request) {
        state.metrics.forwarded_by(proxy);
    }
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status();
    let labels = [door::label(request.method()), route, status.as_str()];
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
    guard(response.headers_mut(), state.origin.is_https());
}

/// Guards a page: what is asked for comes from its own site.
pub async fn page(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    without_hopeless_encodings(&mut request);
    let from_elsewhere = match request.app_data::<web::Data<State>>() {
        Some(state) => state.origin.check(request.request()).err(),
        None => None,
    };
    match from_elsewhere {
        Some(problem) => Ok(request.error_response(problem)),
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// A page that can be had in no encoding that the client names is sent as it is (RFC 9110, 12.5.3).
fn without_hopeless_encodings(request: &mut ServiceRequest) {
    let offered = [
        Encoding::identity(),
        Encoding::brotli(),
        Encoding::gzip(),
        Encoding::deflate(),
    ];
    let accepted = AcceptEncoding::parse(request.request());
    if !accepted.is_ok_and(|accepted| accepted.negotiate(offered.iter()).is_some()) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
}

/// No script runs that did not come as a file of ours, and none turns text into markup.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; \
                   media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// The same for the page to try the API on, whose library makes markup of what the API's
/// description says, and styles of its own.
pub const CSP_OF_DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";
/// What a page here never needs.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), \
                           midi=(), payment=(), serial=(), usb=()";
/// A year, as browsers ask for.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// The headers of everything that a browser can open. To a style, a script or a stream a policy for
/// documents means nothing, and a first visit fetches two dozen.
pub fn guard(headers: &mut header::HeaderMap, is_https: bool) {
    let is_part = headers
        .get(header::CONTENT_TYPE)
        .and_then(|mime| mime.to_str().ok())
        .is_some_and(|mime| PARTS.iter().any(|part| mime.starts_with(part)));
    let everywhere = [
        (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let of_documents = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        (header::PERMISSIONS_POLICY, PERMISSIONS),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let by_tls = (header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    let of_documents = of_documents.into_iter().filter(|_| !is_part);
    let by_tls = is_https.then_some(by_tls);
    for (name, value) in everywhere.into_iter().chain(of_documents).chain(by_tls) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

const PARTS: [&str; 3] = ["text/css", "text/javascript", "text/event-stream"];
