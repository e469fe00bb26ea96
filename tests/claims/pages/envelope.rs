//! The pages for scripts: the envelope, when it is asked for.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Browser, Chat, POST, Server, Stream};

const JSON: &str = "application/json";

struct Page {
    browser: Browser,
    seat: String,
}

impl Page {
    async fn open(server: &Server) -> Self {
        let mut browser = Browser::new(server);
        let hash = browser.register().await;
        let seat = format!("/demo/chat/user/{hash}/1");
        Self { browser, seat }
    }

    async fn post(&self, leaf: &str, body: Value) -> crate::support::Answer {
        let call = self.browser.call(POST, &format!("{}/{leaf}", self.seat));
        call.header("Accept", JSON).json(body).send().await
    }
}

#[tokio::test]
async fn what_the_api_door_answers_the_pages_door_answers_too() {
    let server = Server::start().await;
    let page = Page::open(&server).await;
    let sent = page
        .post("message_send", json!({"data": {"message": "Hello"}}))
        .await;
    assert_eq!(
        sent.ok_with(&["seq", "id", "timestamp", "online"])["seq"],
        1
    );
    page.post("message_send", json!({"message": "Hello"}))
        .await
        .ok();
    page.post("receipt", json!({"delivered": 1, "read": 1}))
        .await
        .ok_with(&[]);
    page.post("typing", json!({})).await.ok_with(&[]);
    page.post("device", json!({}))
        .await
        .ok_with(&["deviceCode", "expiresAt"]);
    page.post("return_code", json!({}))
        .await
        .ok_with(&["returnCode"]);
    for (leaf, fields) in [
        ("messages?after=0", vec!["messages", "more"]),
        ("sessions", vec!["sessions"]),
    ] {
        let call = page
            .browser
            .call(Method::GET, &format!("{}/{leaf}", page.seat));
        call.header("Accept", JSON).send().await.ok_with(&fields);
    }
    page.post("logout", json!({})).await.ok_with(&[]);
}

#[tokio::test]
async fn forms_are_answered_by_the_envelope_as_well() {
    let server = Server::start().await;
    let page = Page::open(&server).await;
    let call = page
        .browser
        .call(POST, &format!("{}/message_send", page.seat));
    let call = call.header("Accept", JSON);
    let sent = call
        .body("application/x-www-form-urlencoded", "message=a+form&id=")
        .send()
        .await;
    assert_eq!(sent.ok()["seq"], 1);
}

#[tokio::test]
async fn a_registration_that_is_sent_again_is_answered_by_the_envelope_too() {
    let server = Server::start().await;
    let names = json!({"userOne": "Abhi", "userTwo": "Anny", "id": Uuid::new_v4()});
    let register = async || {
        let call = Browser::new(&server).call(POST, "/demo/chat/register");
        call.header("Accept", JSON).json(names.clone()).send().await
    };
    let first = register().await;
    let made = first.ok();
    // Once the session is used it is not made anew.
    let cookie = first.header("set-cookie").unwrap().split(';').next();
    let hash = made["hash"].as_str().unwrap();
    let seat = server
        .front()
        .call(Method::GET, &format!("/demo/chat/user/{hash}/1"));
    let seat = seat.header("Cookie", cookie.unwrap()).send().await;
    assert_eq!(seat.status, 200, "{seat:?}");
    let again = register().await;
    assert_eq!(again.ok(), made);
    assert_eq!(again.header("set-cookie"), None);
}

#[tokio::test]
async fn a_token_does_not_leave_its_cookie() {
    let server = Server::start().await;
    let hash = Page::open(&server)
        .await
        .seat
        .split('/')
        .nth(4)
        .unwrap()
        .to_owned();
    let call = Browser::new(&server).call(POST, &format!("/demo/chat/user/{hash}/login"));
    let seated = call
        .header("Accept", JSON)
        .json(json!({"user": "Anny"}))
        .send()
        .await;
    let data = seated.ok();
    assert_eq!(data["seat"], 2);
    assert_eq!(data["token"], Value::Null);
    let cookie = seated.header("set-cookie").unwrap();
    assert!(cookie.starts_with("duet=") && cookie.contains("HttpOnly"));
}

#[tokio::test]
async fn an_error_is_a_page_for_a_browser_and_the_envelope_for_a_script() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    let path = format!("/demo/chat/user/{}/1", chat.hash);
    let navigation = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, page) in [
        (Some("text/html"), true),
        (Some(navigation), true),
        (Some(JSON), false),
        (Some("*/*"), false),
        (None, false),
    ] {
        let mut call = Browser::new(&server).call(Method::GET, &path);
        if let Some(accept) = accept {
            call = call.header("Accept", accept);
        }
        let answer = call.send().await;
        assert_eq!(answer.status, 401);
        let kind = answer.header("content-type").unwrap();
        assert_eq!(kind.starts_with("text/html"), page, "{accept:?} {answer:?}");
        if !page {
            answer.fails_as(401, "no_session");
        }
    }
}

#[tokio::test]
async fn a_message_that_fails_says_failed_on_this_door_too() {
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.post("message_send", json!({"message": ""}))
        .await
        .fails_at(400, "message");
    page.post(
        "message_send",
        json!({"message": "x".repeat(16 * 1024 + 1)}),
    )
    .await
    .fails(413);
    let gone = page
        .post(
            "message_send",
            json!({"message": "x", "senderName": "Anny"}),
        )
        .await;
    gone.fails(403);
}

#[tokio::test]
async fn every_action_of_the_pages_refuses_what_the_api_refuses() {
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.post("receipt", json!({}))
        .await
        .fails_as(400, "missing_field");
    page.post("receipt", json!({"read": 1}))
        .await
        .fails_at(400, "read");
    page.post("sessions/end", json!({"id": "x"}))
        .await
        .fails_at(400, "id");
    page.post(
        "answer",
        json!({"ask": uuid::Uuid::new_v4(), "allow": true}),
    )
    .await
    .fails(409);
    page.post("typing", json!([])).await.fails(400);
    let text = page.browser.call(POST, &format!("{}/typing", page.seat));
    text.header("Accept", JSON)
        .body("text/plain", "x")
        .send()
        .await
        .fails(415);
    let wrong = page
        .browser
        .call(Method::DELETE, &format!("{}/typing", page.seat));
    let wrong = wrong.header("Accept", JSON).send().await;
    wrong.fails(405);
    assert_eq!(wrong.header("allow"), Some("POST"));
    for query in ["after=x", "limit=0", "after=1&before=2"] {
        let call = page
            .browser
            .call(Method::GET, &format!("{}/messages?{query}", page.seat));
        call.header("Accept", JSON).send().await.fails(400);
    }
    let place = page
        .browser
        .call(Method::GET, &format!("{}/stream", page.seat));
    place.header("Last-Event-ID", "x").send().await.fails(400);
}

#[tokio::test]
async fn a_wrong_field_comes_before_an_address_that_names_no_chat() {
    let server = Server::start().await;
    for hash in ["x", "no-such-chat"] {
        for leaf in ["login", "login/ask"] {
            let post = async |body: Value| {
                let path = format!("/demo/chat/user/{hash}/{leaf}");
                let call = Browser::new(&server).call(POST, &path);
                call.header("Accept", JSON).json(body).send().await
            };
            post(json!({})).await.fails_at(400, "user");
            post(json!({"user": "Anny"})).await.fails(404);
        }
        let ask = format!("/demo/chat/user/{hash}/login/ask/x");
        let call = Browser::new(&server).call(Method::GET, &ask);
        let answer = call.header("Accept", JSON).send().await;
        answer.fails_at(400, "askId");
    }
}

#[tokio::test]
async fn the_end_by_a_page_is_the_end() {
    let server = Server::start().await;
    let page = Page::open(&server).await;
    let call = page
        .browser
        .call(Method::GET, &format!("{}/stream", page.seat));
    let mut stream = Stream::open(call).await;
    stream.next_of("hello").await;
    page.post("endchat", json!({})).await.ok_with(&[]);
    assert_eq!(
        stream.rest().await.last().unwrap().data,
        json!({"by": "Abhi"})
    );
    for _ in 0..2 {
        page.post("endchat", json!({})).await.ok_with(&[]);
    }
}
