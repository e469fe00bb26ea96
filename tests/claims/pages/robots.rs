//! What reads links before people do: no GET and no HEAD of a page changes anything.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Person, Server, browser::leads_to, store};

/// Every address under a chat, whatever it takes.
fn addresses(hash: &str, ask: &str) -> Vec<String> {
    let home = format!("/demo/chat/user/{hash}");
    let mut all = vec![
        "/".into(),
        "/demo/chat/register".into(),
        "/demo/chat/register?ended".into(),
        "/demo/chat/register?loggedout".into(),
        "/demo/chat/register?userOne=Eve&userTwo=Bob".into(),
        home.clone(),
        format!("{home}?user=Anny"),
        format!("{home}/login"),
        format!("{home}/login?user=Anny"),
        format!("{home}/login/ask"),
        format!("{home}/login/ask?user=Anny"),
        format!("{home}/login/ask/{ask}"),
    ];
    for seat in [1, 2] {
        all.push(format!("{home}/{seat}"));
        for leaf in [
            "invite",
            "messages",
            "message_send",
            "message_send?message=Hello",
            "receipt",
            "receipt?read=1",
            "typing",
            "answer",
            "answer?allow=true",
            "device",
            "return_code",
            "sessions",
            "sessions/end",
            "logout",
            "endchat",
            "download",
        ] {
            all.push(format!("{home}/{seat}/{leaf}"));
        }
    }
    all
}

/// Everything in the store that a visit could change, save when sessions were last used.
fn content(server: &Server) -> (BTreeMap<&'static str, i64>, Vec<String>) {
    let database = store::look_into(&server.database());
    let dump = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let value = |column| row.get::<_, rusqlite::types::Value>(column);
            Ok(format!(
                "{:?}",
                (0..columns)
                    .map(|at| value(at).unwrap())
                    .collect::<Vec<_>>()
            ))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let mut all =
        dump("SELECT seat, name, taken, return_code, device_code, delivered, read FROM seats");
    all.extend(dump(
        "SELECT seat, digest, login, code_set, since FROM sessions",
    ));
    all.extend(dump(
        "SELECT digest, word, seat, allowed, expires_at FROM asks",
    ));
    (store::rows(&server.database()), all)
}

#[tokio::test]
async fn a_robot_that_visits_every_address_takes_no_seat_uses_no_code_and_ends_nothing() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let seat = format!("/demo/chat/user/{hash}/1");
    leads_to(
        &abhi
            .submit(&format!("{seat}/message_send"), &[("message", "Hello")])
            .await,
    );
    let ask = json!({"user": "Abhi", "hash": hash});
    let ask = server
        .api()
        .post("/chat-server/user/Abhi/login/ask", ask)
        .await
        .ok();
    let ask = ask["askId"].as_str().unwrap();

    let before = content(&server);
    // Once as somebody who knows the link alone, once with all that the browser holds.
    for visitor in [Browser::new(&server), abhi.clone()] {
        for address in addresses(&hash, ask) {
            for method in [Method::GET, Method::HEAD] {
                for accept in ["text/html", "application/json", "*/*"] {
                    let visit = visitor
                        .call(method.clone(), &address)
                        .header("Accept", accept);
                    let answer = visit.send().await;
                    assert!(answer.status < 500, "{answer:?}");
                }
            }
        }
    }
    assert_eq!(content(&server), before);
    assert_eq!(abhi.get(&seat).await.status, 200);
    let anny = Person::log_in(&server.api(), &hash, "Anny").await;
    assert_eq!(anny.texts().await, ["Hello"]);
}

#[tokio::test]
async fn a_head_request_is_answered_like_its_get_without_the_body() {
    let server = Server::start().await;
    let mut abhi = Browser::new(&server);
    let hash = abhi.register().await;
    let home = format!("/demo/chat/user/{hash}");
    for path in [
        "/demo/chat/register".into(),
        home.clone(),
        format!("{home}/1"),
        format!("{home}/1/invite"),
        format!("{home}/1/sessions"),
        format!("{home}/1/logout"),
        format!("{home}/1/endchat"),
    ] {
        let head = abhi
            .call(Method::HEAD, &path)
            .header("Accept", "text/html")
            .send()
            .await;
        assert_eq!((head.status, head.text()), (200, ""), "{path}");
    }
}

#[tokio::test]
async fn a_page_shows_neither_name_nor_hash_to_holders_of_the_link() {
    let server = Server::start().await;
    let names = json!({"userOne": "Ottilie", "userTwo": "Bartholomew", "hash": "preview-hash-1"});
    server.api().post("/chat-server/register", names).await.ok();
    let page = Browser::new(&server)
        .get("/demo/chat/user/preview-hash-1")
        .await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(
        !text.contains("Ottilie") && !text.contains("Bartholomew"),
        "{text}"
    );
    // What a preview shows: the title, and the tags made for previews.
    let title = text
        .split("<title>")
        .nth(1)
        .unwrap()
        .split("</title>")
        .next()
        .unwrap();
    assert!(!title.contains("preview-hash-1"), "{title}");
    for tag in text
        .split("<meta ")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap())
    {
        assert!(!tag.contains("preview-hash-1"), "{tag}");
    }
    let robots = page.header("x-robots-tag");
    assert!(robots.is_some_and(|robots| robots.contains("noindex")));
}
