//! The conversation that the API was made for, word for word.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, POST, Server, Stream};

async fn posted(api: &Api, path: &str, body: Value) -> Value {
    api.call(POST, path).json(body).send().await.ok()
}

#[tokio::test]
async fn two_people_register_log_in_talk_log_out_and_end_the_chat() {
    let server = Server::start().await;
    let api = server.api();

    let names = json!({"data": {"userOne": "Abhi", "userTwo": "Anny", "hash": "abc123"}});
    let made = posted(&api, "/chat-server/register", names).await;
    assert_eq!(made["hash"], "abc123");
    let link = format!("http://{}/demo/chat/user/abc123", server.address);
    assert_eq!(made["url"], link);

    let abhi = json!({"data": {"user": "Abhi", "hash": "abc123"}});
    let abhi = posted(&api, "/chat-server/user/Abhi/login", abhi).await;
    assert_eq!((&abhi["seat"], &abhi["peer"]), (&json!(1), &json!("Anny")));
    let abhi = api.with(abhi["token"].as_str().unwrap());

    let anny = json!({"data": {"user": "Anny", "hash": "abc123"}});
    let anny = posted(&api, "/chat-server/user/Anny/login", anny).await;
    assert_eq!((&anny["seat"], &anny["peer"]), (&json!(2), &json!("Abhi")));
    let anny = api.with(anny["token"].as_str().unwrap());
    let stream = anny.call(Method::GET, "/chat-server/user/abc123/stream");
    let mut stream = Stream::open(stream).await;

    let hello = json!({"data": {
        "userHash": "abc123", "senderName": "Abhi", "reciever": "Anny",
        "message": "Hello", "timestamp": "2026-11-23T10:00:00.000Z",
        "id": "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11",
    }});
    let sent = posted(&abhi, "/chat-server/user/abc123/message_send", hello).await;
    assert_eq!(sent["seq"], 1);
    assert_eq!(sent["id"], "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11");

    let heard = stream.next_of("message").await;
    assert_eq!(heard.id.as_deref(), Some("1"));
    assert_eq!(heard.data["message"], "Hello");
    assert_eq!(heard.data["senderName"], "Abhi");
    assert_eq!(heard.data["reciever"], "Anny");
    assert_eq!(heard.data["timestamp"], sent["timestamp"]);

    abhi.get("/chat-server/user/logout").await.ok_with(&[]);
    let after = json!({"message": "Still there?"});
    let after = abhi
        .post("/chat-server/user/abc123/message_send", after)
        .await;
    after.fails(401);

    anny.get("/chat-server/user/endchat").await.ok_with(&[]);
    let last = stream.next_of("ended").await;
    assert_eq!(last.data, json!({"by": "Anny"}));
    let anew = json!({"user": "Anny", "hash": "abc123"});
    api.post("/chat-server/user/Anny/login", anew)
        .await
        .fails(410);
}
