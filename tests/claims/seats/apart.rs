//! Two servers on one PostgreSQL that do not hear each other: the store alone says whose session
//! lives, and nobody is taken for absent.

use serde_json::{Value, json};

use super::asking::Asker;
use crate::{
    faults::Case,
    support::{Chat, Person, Setup, Stream, Twins, chat::try_login, eventually},
};

/// A second session of Abhi, known and used at the other server.
async fn phone(twins: &Twins, chat: &Chat) -> Person {
    let code = json!({"returnCode": chat.one.return_code});
    let phone = Person::log_in_by(&twins.two.api(), &chat.hash, "Abhi", code).await;
    phone.get("messages").await.ok();
    phone
}

/// Ends every session of Abhi but the first, at the first server.
async fn end_others(chat: &Chat) {
    let list = chat.one.get("sessions").await.ok();
    for session in list["sessions"].as_array().unwrap() {
        if session["current"] == false {
            let id = json!({"id": session["id"]});
            chat.one.post("sessions/end", id).await.ok();
        }
    }
}

fn device_code(made: &Value) -> Value {
    json!({"deviceCode": made["deviceCode"]})
}

#[tokio::test]
async fn a_session_that_ended_elsewhere_changes_nothing_and_what_it_made_is_dead() {
    let mut twins = Twins::start(Setup::new()).await;
    let chat = Chat::begin(&twins.one).await;
    let phone = phone(&twins, &chat).await;
    let made = phone.post("device", json!({})).await.ok();
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&twins.one, &chat, &mut stream).await;
    twins.redis.kill();
    end_others(&chat).await;

    for (leaf, body) in [
        ("device", json!({})),
        ("return_code", json!({})),
        ("sessions/end", json!({"id": uuid::Uuid::new_v4()})),
        ("answer", json!({"ask": asker.word, "allow": false})),
        ("answer", json!({"ask": asker.word, "allow": true})),
    ] {
        phone.post(leaf, body).await.fails_as(401, "no_session");
    }
    phone.get("sessions").await.fails_as(401, "no_session");
    phone.log_out().await.ok();
    assert_eq!(asker.state().await, "waiting");
    for server in [&twins.one, &twins.two] {
        try_login(&server.api(), &chat.hash, "Abhi", device_code(&made))
            .await
            .fails_as(403, "wrong_code");
    }
    twins.redis.resume().unwrap();
    try_login(&twins.two.api(), &chat.hash, "Abhi", device_code(&made))
        .await
        .fails_as(403, "wrong_code");
    // The owner is none the worse for it, and the old return code is still the code.
    chat.one.get("sessions").await.ok();
    let code = json!({"returnCode": chat.one.return_code});
    try_login(&twins.two.api(), &chat.hash, "Abhi", code)
        .await
        .ok();
}

#[tokio::test]
async fn nobody_is_let_in_while_nobody_can_say_who_is_there() {
    let setup = Setup::new().set("limits.presence_grace_ms", 100);
    let mut twins = Twins::start(setup).await;
    let chat = Chat::begin(&twins.one).await;
    let anny = chat.two.at(&twins.two);
    let mut hers = anny.listen().await;
    hers.next_of("hello").await;
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&twins.one, &chat, &mut stream).await;
    asker
        .answered_by(&chat.one, true)
        .await
        .fails_as(409, "seat_open");
    twins.redis.kill();
    // Whether she is there or has gone: it cannot be said.
    let refused = eventually("the bus is known to be away", async || {
        let answer = asker.answered_by(&chat.one, true).await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    refused.fails_as(503, "presence_unknown");
    drop(hers);
    asker
        .answered_by(&chat.one, true)
        .await
        .fails_as(503, "presence_unknown");
    assert_eq!(asker.state().await, "waiting");
    anny.get("messages").await.ok();
    // To refuse somebody, nobody has to be absent.
    asker.answered_by(&chat.one, false).await.ok();
    assert_eq!(asker.state().await, "refused");
}

/// Allows somebody in again and again, until told this; they never sit.
async fn never_allowed(asker: &Asker, chat: &Chat, status: u16, word: &str) {
    let refused = eventually(word, async || {
        let answer = asker.answered_by(&chat.one, true).await;
        assert_ne!(answer.status, 200, "somebody was let in at an open seat");
        (answer.status == status).then_some(answer)
    });
    refused.await.fails_as(status, word);
}

/// Abhi is at one server and Anny at the other, and somebody asks for her seat. Their streams are open while they are kept.
async fn asked_at_an_open_seat(case: &Case) -> (Chat, Asker, Stream, Stream) {
    let chat = Chat::begin(&case.one).await;
    let mut hers = chat.two.at(&case.two).listen().await;
    hers.next_of("hello").await;
    let mut his = chat.one.listen().await;
    let asker = Asker::ask(&case.one, &chat, &mut his).await;
    (chat, asker, hers, his)
}

/// Anny is at a server that Redis does not reach; Abhi's server and Redis are well.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_while_a_server_that_lives_is_not_heard() {
    let case = Case::start().await;
    let (chat, asker, hers, _his) = asked_at_an_open_seat(&case).await;
    never_allowed(&asker, &chat, 409, "seat_open").await;
    case.to_redis.refuse(true);
    case.to_redis.cut();
    never_allowed(&asker, &chat, 503, "presence_unknown").await;
    // Also once Abhi's server has noticed, and for as long as it lasts.
    eventually("the bus is known to be split", async || {
        never_allowed(&asker, &chat, 503, "presence_unknown").await;
        (case.one.metric("duet_bus_split").await == 1.0).then_some(())
    })
    .await;
    case.to_redis.refuse(false);
    never_allowed(&asker, &chat, 409, "seat_open").await;
    drop(hers);
    eventually("she has left, and somebody is let in", async || {
        (asker.answered_by(&chat.one, true).await.status == 200).then_some(())
    })
    .await;
}

/// Redis begins again with nothing in it, and Anny's server has not written down again where she is.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_while_redis_has_forgotten_who_is_there() {
    let mut case = Case::start().await;
    let (chat, asker, hers, _his) = asked_at_an_open_seat(&case).await;
    case.to_redis.refuse(true);
    case.to_redis.cut();
    case.redis.kill();
    case.redis.resume().unwrap();
    never_allowed(&asker, &chat, 503, "presence_unknown").await;
    // Also once Abhi's server has found everything in it again that is its own.
    eventually("Abhi's server is on the list again", async || {
        let answer = asker.answered_by(&chat.one, true).await;
        answer.fails_as(503, "presence_unknown");
        let names = case.redis.command(&["KEYS", "duet:lease:*"]).unwrap();
        (names.lines().count() == 1).then_some(())
    })
    .await;
    never_allowed(&asker, &chat, 503, "presence_unknown").await;
    case.to_redis.refuse(false);
    never_allowed(&asker, &chat, 409, "seat_open").await;
    drop(hers);
}

/// Redis loses everything between two beats of the servers, which stay connected to it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_in_the_moment_in_which_redis_forgets_who_is_there() {
    let case = Case::start().await;
    let (chat, asker, hers, _his) = asked_at_an_open_seat(&case).await;
    for _ in 0..20 {
        never_allowed(&asker, &chat, 409, "seat_open").await;
        case.redis.command(&["FLUSHALL"]).unwrap();
    }
    drop(hers);
}

#[tokio::test]
async fn who_was_replaced_is_told_at_every_server_without_redis() {
    let mut twins = Twins::start(Setup::new()).await;
    let chat = Chat::begin(&twins.one).await;
    let anny = chat.two.at(&twins.two);
    anny.get("messages").await.ok();
    let mut stream = chat.one.listen().await;
    let asker = Asker::ask(&twins.one, &chat, &mut stream).await;
    asker.answered_by(&chat.one, true).await.ok();
    twins.redis.kill();
    let at = anny.get("sessions").await.fails_as(401, "replaced")["replacedAt"].clone();
    for server in [&twins.one, &twins.two] {
        let code = json!({"returnCode": chat.two.return_code});
        let refused = try_login(&server.api(), &chat.hash, "Anny", code).await;
        assert_eq!(refused.fails_as(403, "replaced")["replacedAt"], at);
        let bare = try_login(&server.api(), &chat.hash, "Anny", json!({})).await;
        assert_eq!(bare.fails_as(409, "replaced")["replacedAt"], at);
    }
}
