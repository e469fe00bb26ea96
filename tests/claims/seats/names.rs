//! Names, as people write them.

use serde_json::json;

use crate::support::{Api, Browser, Person, Server, Setup, chat::try_login};

#[tokio::test]
async fn a_name_is_kept_as_it_was_registered_and_compared_without_case() {
    let server = Server::start().await;
    let api = server.api();
    let names = json!({"userOne": "  Zoe\u{308} Straße ", "userTwo": "ΣΊΣΥΦΟΣ", "hash": "names-1"});
    api.post("/chat-server/register", names).await.ok();
    let zoe = json!({"user": "ZOË STRASSE", "hash": "names-1"});
    let path = "/chat-server/user/zo%C3%AB%20strasse/login";
    let zoe = api.post(path, zoe).await.ok();
    assert_eq!((&zoe["seat"], &zoe["peer"]), (&json!(1), &json!("ΣΊΣΥΦΟΣ")));
    let other = json!({"user": "σίσυφοσ", "hash": "names-1"});
    let path = "/chat-server/user/%CE%A3%CE%AF%CF%83%CF%85%CF%86%CE%BF%CF%82/login";
    let other = api.post(path, other).await.ok();
    // Trimmed, and composed.
    assert_eq!(
        (&other["seat"], &other["peer"]),
        (&json!(2), &json!("Zoë Straße"))
    );
}

#[tokio::test]
async fn names_may_be_as_people_are() {
    let server = Server::start().await;
    let forty = "x".repeat(40);
    // Forty characters once they are composed.
    let composed = "e\u{301}".repeat(40);
    for name in [
        "A",
        "O'Brien-Smith",
        "李小龙",
        "José María",
        "🙂",
        "❤️",
        "  1 ",
        "علی\u{200c}رضا",
        "क्\u{200d}ष",
        "👩\u{200d}🚀",
        &forty,
        &composed,
    ] {
        let names = json!({"userOne": name, "userTwo": "Anny"});
        let made = server.api().post("/chat-server/register", names).await.ok();
        let hash = made["hash"].as_str().unwrap();
        let anny = Person::log_in(&server.api(), hash, "Anny").await;
        let hello = anny.listen().await.next_of("hello").await.data;
        let shown = hello["peer"].as_str().unwrap();
        assert!(
            shown.chars().count() <= 40 && !shown.starts_with(' '),
            "{shown:?}"
        );
    }
}

#[tokio::test]
async fn a_name_is_refused_in_another_chat() {
    let server = Server::start().await;
    let api = server.api();
    for (hash, two) in [("chat-one", "Anny"), ("chat-two", "Zoe")] {
        let names = json!({"userOne": "Abhi", "userTwo": two, "hash": hash});
        api.post("/chat-server/register", names).await.ok();
    }
    try_login(&api, "chat-one", "Zoe", json!({}))
        .await
        .fails_as(403, "wrong_name");
    try_login(&api, "chat-two", "Zoe", json!({})).await.ok();
}

/// A chat whose second person chooses their name.
async fn unnamed(api: &Api) -> String {
    let made = api
        .post("/chat-server/user1", json!({"user": "Abhi"}))
        .await;
    made.ok()["hash"].as_str().unwrap().into()
}

#[tokio::test]
async fn a_try_to_log_in_counts_once_also_where_the_second_name_is_open() {
    let one_try = Setup::new().set("limits.logins_per_chat_per_minute", 1);
    let server = one_try.start().await;
    let api = server.api();
    // The first try is what names the second person.
    let hash = unnamed(&api).await;
    let answer = Browser::new(&server).log_in(&hash, "Anny").await;
    assert_eq!(answer.status, 303, "{answer:?}");
    // Somebody whose tries are used up stores no name.
    let hash = unnamed(&api).await;
    try_login(&api, &hash, "Mallory", json!({}))
        .await
        .fails_as(403, "wrong_name");
    let answer = Browser::new(&server).log_in(&hash, "Anny").await;
    assert_eq!(answer.status, 429, "{answer:?}");
    let naming = json!({"user": "Zoe", "hash": hash});
    api.post("/chat-server/user2", naming).await.ok();
}
