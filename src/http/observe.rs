//! The middleware that every request passes: it measures, catches panics, writes failures as JSON or as a
//! page, and adds the security headers.

mod metrics;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use futures_util::FutureExt;
use tracing::{Instrument, debug, error_span, warn};
use uuid::Uuid;

use super::{State, admission, pages, problem::Problem, serve, session};

pub use metrics::HttpMetrics;

tokio::task_local! {
    static REQUEST_ID: String;
}

fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The id of the current request, which is on every log line about it.
pub fn request_id() -> Option<String> {
    REQUEST_ID.try_with(String::clone).ok()
}

/// Admits or refuses a request, measures it, and writes its failure.
pub async fn request(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = new_id();
    // At error level, so that every line has the id whatever the log filter is.
    let span = error_span!("request", id);
    let handled = handle(request, next).instrument(span);
    let mut response = REQUEST_ID.scope(id.clone(), handled).await?;
    set_request_id(response.headers_mut(), &id);
    Ok(response)
}

fn set_request_id(headers: &mut header::HeaderMap, id: &str) {
    // Hexadecimal digits are always a valid header value.
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

/// A refusal from outside the app, of what is not a valid request.
pub fn bare_refusal(problem: &Problem, metrics: &HttpMetrics, is_https: bool) -> HttpResponse {
    let id = new_id();
    let error = problem.error();
    debug!(id, error, "refused outside the app");
    metrics.count_rejected(error);
    let mut response = problem.respond("FAIL");
    set_request_id(response.headers_mut(), &id);
    add_security_headers(response.headers_mut(), is_https);
    response
}

/// The form of a failure: a page for a browser, the envelope for a script. Determined before the handler runs,
/// because a handler that panics drops the request.
struct Teller {
    page: Option<pages::ErrorPage>,
    failed: &'static str,
}

impl Teller {
    fn of(request: &HttpRequest) -> Self {
        let path = request.path();
        let by_script = path.starts_with("/chat-server/") || !pages::wants_page(request);
        let on_send = path.ends_with("/message_send");
        Self {
            page: (!by_script).then(|| pages::ErrorPage::of(request)),
            failed: if on_send { "Failed" } else { "FAIL" },
        }
    }

    /// The answer; scripts get it with this sentence.
    fn respond(self, problem: &Problem, message: Cow<'static, str>) -> HttpResponse {
        match self.page {
            Some(page) => page.about(problem),
            None => problem.respond_with(self.failed, message),
        }
    }
}

/// The response to a request whose handler panicked, with the request's id.
fn panicked(problem: Problem, teller: Teller, is_https: bool) -> Error {
    let mut response = teller.respond(&problem, problem.message());
    if let Some(id) = problem.reference() {
        set_request_id(response.headers_mut(), id);
    }
    add_security_headers(response.headers_mut(), is_https);
    InternalError::from_response(problem, response).into()
}

async fn handle(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let mut response = match admission::check(&request) {
        Ok(()) => {
            // The router needs the only reference to the request, so everything is cloned before.
            let state = request.app_data::<web::Data<State>>().cloned();
            let method = admission::method_label(request.method());
            let teller = Teller::of(request.request());
            let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
            let Ok(response) = answered else {
                let problem = Problem::defect("a handler panicked");
                if let Some(state) = &state {
                    state.metrics.count_panic(method, &problem, started);
                }
                let is_https = state.is_some_and(|state| state.origin.is_https());
                return Err(panicked(problem, teller, is_https));
            };
            let response = response?;
            let error = response.response().error();
            match error.map(|error| of_error(error, response.status())) {
                Some(problem) => {
                    let request = response.request().clone();
                    let problem = session::explain_replaced(&request, problem).await;
                    failure_response(request, &problem)
                }
                None => response.map_into_boxed_body(),
            }
        }
        Err(problem) => failure_response(request.into_parts().0, &problem),
    };
    response = match serve::fit(response).await {
        Ok(response) => response,
        Err(request) => failure_response(request, &Problem::Busy),
    };
    record(&mut response, started);
    Ok(response)
}

/// Our own problems unchanged, and the framework's errors by their status.
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

/// Writes a failure as JSON or as a page, and counts it.
fn failure_response(request: HttpRequest, problem: &Problem) -> ServiceResponse<BoxBody> {
    if let Some(state) = request.app_data::<web::Data<State>>() {
        state.metrics.count_rejected(problem.error());
        if problem.is_unroutable() {
            // Scanning for addresses counts as requests; the response stays a 404.
            let _ = state.limits.count_request(&request);
        }
    }
    let path = request.path();
    let not_ended = is_ending(path) && (problem.is_unavailable() || problem.is_storage_full());
    let message = match problem.is_unavailable() || not_ended {
        true => advice(path).into(),
        false => problem.message(),
    };
    if not_ended {
        // The user may believe that the chat is over, and it is not.
        warn!(
            route = request.match_pattern(),
            reason = problem.error(),
            "an end was not carried out: the store takes no writes"
        );
    }
    let mut response = Teller::of(&request).respond(problem, message);
    if problem.status() == StatusCode::GONE {
        pages::forget_chat(&request, &mut response);
    }
    ServiceResponse::new(request, response)
}

fn is_ending(path: &str) -> bool {
    ["/endchat", "/logout", "/sessions/end"]
        .iter()
        .any(|action| path.ends_with(action))
}

/// What a user should do when the store is unavailable.
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

fn record(response: &mut ServiceResponse<BoxBody>, started: Instant) {
    let request = response.request();
    // The route's template: the path itself contains the chat's hash.
    let route = request.match_pattern();
    let route = route.as_deref().unwrap_or("none");
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else {
        return;
    };
    if let Some(proxy) = state.limits.untrusted_proxy(request) {
        state.metrics.count_untrusted_forward(proxy);
    }
    let seconds = started.elapsed().as_secs_f64();
    let status = response.status();
    let (method, status) = (admission::method_label(request.method()), status.as_str());
    let timed = &state.metrics.seconds;
    timed
        .with_label_values(&[method, route, status])
        .observe(seconds);
    debug!(method, route, status, seconds, "answered");
    add_security_headers(response.headers_mut(), state.origin.is_https());
}

/// The middleware of pages: refuses requests that other sites made a browser send.
pub async fn page(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let from_elsewhere = match request.app_data::<web::Data<State>>() {
        Some(state) => state.origin.check(request.request()).err(),
        None => None,
    };
    match from_elsewhere {
        Some(problem) => Ok(request.error_response(problem)),
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// Only our own script files run, and none of them can turn text into markup.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; \
                   media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                   frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
/// The policy for the Swagger UI, which creates markup from the API's description and inline styles.
pub const CSP_OF_DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";
/// Browser features that no page uses.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), \
                           midi=(), payment=(), serial=(), usb=()";
/// One year: browsers' preload lists ask for that.
const STRICT_TRANSPORT: &str = "max-age=31536000";

/// Adds the security headers. Styles, scripts and streams get fewer: a policy for documents means nothing to
/// them, and a first visit fetches two dozen.
pub fn add_security_headers(headers: &mut header::HeaderMap, is_https: bool) {
    let mime = headers.get(header::CONTENT_TYPE);
    let mime = mime.map_or(&b""[..], HeaderValue::as_bytes);
    let is_part = SUBRESOURCES
        .iter()
        .any(|part| mime.starts_with(part.as_bytes()));
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

const SUBRESOURCES: [&str; 3] = ["text/css", "text/javascript", "text/event-stream"];
