//! Servers of which a running instance learns later that its settings are wrong: `store.urls` lacks one, or names a copy.

use super::*;

#[actix_web::test]
async fn an_instance_that_lacks_an_added_server_says_so_and_serves_the_chats_of_its_own() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let (both, redis) = ([&one, &two], Redis::start().unwrap());
    let run = async |servers: &[&Postgres]| {
        let setup = over(servers).set("bus.url", redis.url());
        setup.start().await
    };
    let forgotten = run(&[&one]).await;
    let old = Chat::begin(&forgotten).await;
    until_store_is(&forgotten, "up").await;

    let whole = run(&both).await;
    let (added, said) = shards(&both, &["add", &name_of(&both, &two)]);
    assert!(added, "{said}");
    until_store_is(&forgotten, "degraded").await;
    until_store_is(&whole, "up").await;
    let identity = two.run("SELECT id FROM shard_identity").unwrap();
    let identity = identity.trim();
    let up = format!("duet_shard_up{{server=\"{identity}\"}} 0");
    let metrics = forgotten.ops().get("/metrics").await;
    assert!(metrics.text().contains(&up), "{}", metrics.text());

    let mut chats = vec![old];
    eventually("new chats are put on the added server", async || {
        chats.push(Chat::begin(&whole).await);
        let on_two = two.run("SELECT count(*) FROM chats").unwrap();
        (on_two.trim() != "0").then_some(())
    })
    .await;
    let mut refused = 0;
    for chat in &chats {
        let here = chat.one.at(&forgotten);
        let answer = here.get("messages").await;
        match answer.status {
            200 => _ = here.say("here").await,
            _ => {
                answer.fails(503);
                refused += 1;
            }
        }
        chat.two.at(&whole).say("there").await;
    }
    assert!((1..chats.len()).contains(&refused), "{refused}");
    for _ in 0..CHATS {
        let chat = Chat::begin(&forgotten).await;
        chat.one.at(&whole).say("new").await;
    }

    let log = forgotten.log();
    let mut told = log.lines().filter(|line| line.contains("store.urls lacks"));
    let line = told.next().unwrap();
    for part in [
        "ERROR",
        identity,
        "its URL is added and this instance is restarted",
    ] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(told.next(), None, "it is said once");
}

#[actix_web::test]
async fn a_copy_of_a_server_that_comes_late_is_refused_and_the_chats_stay_where_they_are() {
    let [one, two, mut copy] = [(); 3].map(|()| Postgres::start().unwrap());
    drop(over(&[&one, &two]).start().await);
    let migrated = Setup::new().set("store.url", copy.url()).arg("migrate");
    assert!(migrated.run().status.success());
    let identity = one.run("SELECT id FROM shard_identity").unwrap();
    let copied = format!("UPDATE shard_identity SET id = '{}'", identity.trim());
    copy.run(&copied).unwrap();
    copy.kill();

    let redis = Redis::start().unwrap();
    let setup = over(&[&copy, &one, &two]).set("bus.url", redis.url());
    let server = setup.start().await;
    let mut chats = Vec::new();
    for _ in 0..CHATS {
        let chat = Chat::begin(&server).await;
        chat.one.say("before").await;
        chats.push(chat);
    }
    copy.resume().unwrap();
    eventually("the copy is refused", async || {
        let log = server.log();
        log.contains("a copy of another one").then_some(())
    })
    .await;
    for chat in &chats {
        assert_eq!(chat.two.texts().await, ["before"]);
    }
    until_store_is(&server, "degraded").await;
}
