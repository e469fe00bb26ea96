//! The response when a handler panics.

use actix_web::{
    App,
    body::to_bytes,
    dev::{Service, ServiceResponse},
    http::header,
    middleware::from_fn,
    test, web,
};

use super::*;

/// No real handler panics, so this one always does.
async fn defective() -> HttpResponse {
    panic!("a defect")
}

/// The response to a request for a path with this `Accept`: status, type, request id, body.
async fn answer(path: &str, accept: &str) -> (StatusCode, String, String, String) {
    let app = App::new()
        .wrap(from_fn(request))
        .default_service(web::to(defective));
    let app = test::init_service(app).await;
    let asked = test::TestRequest::get().uri(path);
    let asked = asked.insert_header((header::ACCEPT, accept)).to_request();
    let answered: Result<ServiceResponse<BoxBody>, Error> = app.call(asked).await;
    // As the connection loops do.
    let response = match answered {
        Ok(response) => response.map_into_boxed_body().into_parts().1,
        Err(error) => error.error_response(),
    };
    let of = |name: &str| {
        let value = response.headers().get(name);
        value.unwrap().to_str().unwrap().to_owned()
    };
    let (status, kind, id) = (response.status(), of("content-type"), of("x-request-id"));
    assert_eq!(of("x-content-type-options"), "nosniff");
    let body = to_bytes(response.into_body()).await.unwrap();
    (status, kind, id, String::from_utf8(body.into()).unwrap())
}

#[actix_web::test]
async fn a_browser_gets_the_error_page_with_the_reference_when_a_page_panics() {
    for path in ["/", "/demo/chat/register", "/demo/chat/user/abc123/1"] {
        let (status, kind, id, body) = answer(path, "text/html,application/xhtml+xml,*/*").await;
        assert_eq!(status, 500);
        assert_eq!(kind, "text/html; charset=utf-8");
        assert!(
            body.starts_with("<!DOCTYPE html>") && body.contains(&id),
            "{body}"
        );
        assert!(!body.contains("a defect"), "{body}");
    }
}

#[actix_web::test]
async fn a_script_gets_the_envelope_with_the_reference_when_something_panics() {
    for (path, accept, status_word) in [
        ("/demo/chat/register", "application/json", "FAIL"),
        ("/demo/chat/user/abc123/1/message_send", "*/*", "Failed"),
        ("/chat-server/register", "text/html", "FAIL"),
        ("/chat-server/user/abc123/message_send", "*/*", "Failed"),
    ] {
        let (status, kind, id, body) = answer(path, accept).await;
        assert_eq!(status, 500, "{path}");
        assert_eq!(kind, "application/json", "{path}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let data = &body["data"];
        assert_eq!(data["status"], status_word, "{path}");
        assert_eq!(data["error"], "defect");
        assert_eq!(data["reference"], id.as_str());
        assert!(!body.to_string().contains("a defect"), "{body}");
    }
}
