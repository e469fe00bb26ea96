//! What surrounds the answers of the API.

use reqwest::Method;
use serde_json::json;

use super::paths::{PATHS, Path, Place, Proof};
use crate::support::{Chat, POST, Server};

#[tokio::test]
async fn no_answer_allows_another_site_to_read_it() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for path in &PATHS {
        let address = path.address(Place::at(&chat.hash));
        let preflight = chat
            .one
            .api
            .call(Method::OPTIONS, &address)
            .header("Origin", "https://example.org")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization");
        preflight.send().await.fails(405);
    }
    let from_elsewhere = chat.one.api.call(POST, &chat.path("message_send"));
    let from_elsewhere = from_elsewhere.header("Origin", "https://example.org");
    // Not even with a token: no page of another site has one for a good reason.
    let refused = from_elsewhere.json(json!({"message": "x"})).send().await;
    refused.fails_as(403, "cross_site");
}

#[tokio::test]
async fn a_cookie_proves_nothing_on_the_api_door() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for path in Path::wanting(&[Proof::Session, Proof::Token]) {
        for call in path.calls(&server.api(), Place::at(&chat.hash)) {
            let cookie = format!("duet={0}; token={0}; session={0}", chat.one.token);
            call.header("Cookie", &cookie)
                .send()
                .await
                .fails_as(401, "no_session");
        }
    }
    // Nor does a token in the address.
    let in_address = format!(
        "{}?token={1}&access_token={1}",
        chat.path("messages"),
        chat.one.token
    );
    server.api().get(&in_address).await.fails(401);
}

#[tokio::test]
async fn nothing_of_a_chat_is_kept_on_the_way() {
    let server = Server::start().await;
    for path in &PATHS {
        let chat = Chat::begin(&server).await;
        for answer in path.calls(&chat.one.api, Place::at(&chat.hash)) {
            let answer = answer.open().await;
            let control = answer.headers().get("cache-control").unwrap();
            assert_eq!(control, "no-store", "{}", answer.url());
            assert!(
                answer.headers().get("set-cookie").is_none(),
                "{}",
                answer.url()
            );
        }
    }
}

#[tokio::test]
async fn the_word_bearer_is_read_in_any_case() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    for word in ["Bearer", "bearer", "BEARER"] {
        let proof = format!("{word} {}", chat.one.token);
        let call = server.api().call(Method::GET, &chat.path("messages"));
        call.header("Authorization", &proof).send().await.ok();
    }
}
