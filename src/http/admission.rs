//! Checks a request before it is routed: its method, host, path, body and origin. An arbitrary method or
//! path is not matched, counted or logged under its own name before it has passed these checks.

use actix_web::{
    HttpMessage, HttpRequest,
    dev::{Payload, ServiceRequest},
    http::Method,
    web,
};

use super::{
    Problem, Result, State,
    origin::{is_api, is_page},
    serve::response_memory::Overloaded,
};

/// The known methods (RFC 9110, 9.3, and RFC 5789) except CONNECT, which is for proxies; and QUERY, which
/// newer clients send.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
];

fn known(method: &Method) -> Option<&'static str> {
    METHODS.into_iter().find(|known| method == known)
}

/// The method as a metric label. Unknown methods share one, since a client can make up any number.
pub fn method_label(method: &Method) -> &'static str {
    known(method).unwrap_or("other")
}

/// Marks a GET or HEAD with a body. The router refuses it, because where the method is wrong that comes first.
pub struct UnexpectedBody;

/// Admits a request to the router.
///
/// # Errors
/// [`Problem`] 501, 421, 404, 403 or 503.
pub fn check(request: &ServiceRequest) -> Result<()> {
    let (request, payload) = request.parts();
    if known(request.method()).is_none() {
        return Err(Problem::UnknownMethod);
    }
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return Ok(());
    };
    if is_page(request.path()) && !state.origin.is_our_host(request) {
        return Err(Problem::Misdirected);
    }
    if !routes_as_written(request) {
        return Err(Problem::NoSuchPage);
    }
    let takes_no_body = matches!(*request.method(), Method::GET | Method::HEAD);
    if takes_no_body && !matches!(payload, Payload::None) {
        request.extensions_mut().insert(UnexpectedBody);
    }
    if is_api(request.path()) {
        state.origin.check_api(request)?;
    }
    match request.extensions().contains::<Overloaded>() {
        true => Err(Problem::Busy),
        false => Ok(()),
    }
}

/// Whether the encoded and the decoded path lead to the same route. The router decodes before it matches, so
/// `/%6detrics` is `/metrics` to it, and something else to a proxy that blocks `/metrics`. Path parameters
/// may be encoded.
fn routes_as_written(request: &HttpRequest) -> bool {
    let (written, decoded) = (request.path(), request.match_info().as_str());
    let leads_to = |path| request.resource_map().match_pattern(path);
    written == decoded || leads_to(written) == leads_to(decoded)
}
