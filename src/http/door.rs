//! What a request must be before it is routed. Nothing that a stranger chose, a method or a path,
//! is matched, counted or logged under its own name before it has passed here.

use actix_web::{
    HttpMessage, HttpRequest,
    dev::{Payload, ServiceRequest},
    http::Method,
    web,
};

use super::{
    State,
    answers::NoRoom,
    origin::{is_api, is_page},
    problem::Problem,
};

/// Every method that is known here (RFC 9110, 9.3, and RFC 5789). CONNECT is for proxies.
const METHODS: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::TRACE,
];

/// A method as a label: one of a fixed set.
pub fn label(method: &Method) -> &'static str {
    let known = METHODS.iter().find(|known| *known == method);
    known.map_or("other", Method::as_str)
}

/// Lets a request in.
///
/// # Errors
/// [`Problem`] 501, 421, 404, 403, 400 or 503 says why not.
pub fn check(request: &ServiceRequest) -> Result<(), Problem> {
    let (request, payload) = request.parts();
    if !METHODS.contains(request.method()) {
        return Err(Problem::UnknownMethod);
    }
    let Some(state) = request.app_data::<web::Data<State>>() else {
        return Ok(());
    };
    if is_page(request.path()) && !state.origin.is_our_host(request) {
        return Err(Problem::Misdirected);
    }
    if !is_spelled_plainly(request) {
        return Err(Problem::NoSuchPage);
    }
    let takes_no_body = matches!(*request.method(), Method::GET | Method::HEAD);
    if takes_no_body && !matches!(payload, Payload::None) {
        return Err(Problem::BodyWithoutUse);
    }
    if is_api(request.path()) {
        state.origin.check_api(request)?;
    }
    match request.extensions().contains::<NoRoom>() {
        true => Err(Problem::Busy),
        false => Ok(()),
    }
}

/// Whether a path leads where it would lead as it is written. The router decodes a path before it
/// matches: `/%6detrics` is `/metrics` to it, and something else to a proxy that keeps `/metrics` to
/// itself. What stands for a name or a link may be encoded.
fn is_spelled_plainly(request: &HttpRequest) -> bool {
    let (written, decoded) = (request.path(), request.match_info().as_str());
    let leads_to = |path| request.resource_map().match_pattern(path);
    written == decoded || leads_to(written) == leads_to(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_not_known_has_no_label_of_its_own() {
        assert_eq!(label(&Method::GET), "GET");
        let unknown = Method::from_bytes(b"QWERTY").expect("it is a token");
        assert_eq!(label(&unknown), "other");
        assert_eq!(label(&Method::CONNECT), "other");
    }
}
