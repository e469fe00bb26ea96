//! Many at once, of whom one may.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Chat, Server, Setup, chat::register, chat::try_login};

/// Many logins at the same moment, each on a connection of its own; the one that was let in.
async fn race(server: &Server, hash: &str, name: &str, proof: Value, others: u16) -> Value {
    let apis: Vec<_> = (0..20).map(|_| server.api()).collect();
    let tries = apis
        .iter()
        .map(|api| try_login(api, hash, name, proof.clone()));
    let answers = join_all(tries).await;
    let (winners, losers): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(winners.len(), 1, "{losers:?}");
    for loser in losers {
        loser.fails(others);
    }
    winners[0].ok()
}

fn many_logins() -> Setup {
    Setup::new().set("limits.logins_per_chat_per_minute", 1_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_first_logins_exactly_one_takes_the_seat() {
    let server = many_logins().start().await;
    for _ in 0..3 {
        let hash = register(&server.api()).await;
        for (name, seat) in [("Abhi", 1), ("Anny", 2)] {
            let won = race(&server, &hash, name, json!({}), 409).await;
            assert_eq!(won["seat"], seat);
            assert!(won["returnCode"].is_string());
            let winner = server.api().with(won["token"].as_str().unwrap());
            let path = format!("/chat-server/user/{hash}/sessions");
            let sessions = winner.get(&path).await.ok()["sessions"].clone();
            assert_eq!(sessions.as_array().map(Vec::len), Some(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_with_one_device_code_exactly_one_is_let_in() {
    let server = many_logins().start().await;
    let chat = Chat::begin(&server).await;
    let code = chat.one.post("device", json!({})).await.ok()["deviceCode"].clone();
    race(
        &server,
        &chat.hash,
        "Abhi",
        json!({ "deviceCode": code }),
        403,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_logins_by_one_wish_that_was_allowed_exactly_one_is_let_in() {
    let server = many_logins().start().await;
    let chat = Chat::begin(&server).await;
    let mut stream = chat.one.listen().await;
    let ask = json!({"user": "Anny", "hash": chat.hash});
    let ask = server
        .api()
        .post("/chat-server/user/Anny/login/ask", ask)
        .await
        .ok();
    let word = stream.next_with("seat", "state", "asking").await.data["ask"].clone();
    chat.one
        .post("answer", json!({"ask": word, "allow": true}))
        .await
        .ok();
    race(
        &server,
        &chat.hash,
        "Anny",
        json!({"askId": ask["askId"]}),
        403,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_names_for_the_second_person_exactly_one_is_taken() {
    let server = Server::start().await;
    let made = server
        .api()
        .post("/chat-server/user1", json!({"user": "Abhi"}))
        .await
        .ok();
    let hash = made["hash"].as_str().unwrap();
    let apis: Vec<_> = (0..20).map(|_| server.api()).collect();
    let tries = apis.iter().enumerate().map(|(number, api)| async move {
        let body = json!({"user": format!("Anny {number}"), "hash": hash});
        api.post("/chat-server/user2", body).await
    });
    let answers = join_all(tries).await;
    let named: Vec<usize> = (0..20)
        .filter(|number| answers[*number].status == 200)
        .collect();
    let [winner] = named[..] else {
        panic!("{answers:?}")
    };
    try_login(&server.api(), hash, &format!("Anny {winner}"), json!({})).await;
    for (number, answer) in answers.iter().enumerate() {
        if number != winner {
            answer.fails_as(409, "named_already");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_registrations_of_one_hash_exactly_one_makes_a_chat() {
    let server = Server::start().await;
    let apis: Vec<_> = (0..20).map(|_| server.api()).collect();
    let body = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "wanted"});
    let tries = apis
        .iter()
        .map(|api| api.post("/chat-server/register", body.clone()));
    let answers = join_all(tries).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.fails_as(409, "hash_taken");
    }
}
