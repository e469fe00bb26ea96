//! One of two servers is away after the map was changed, so that most chats may be on either.

use tokio::task::spawn_blocking;

use super::*;
use crate::support::{Browser, Stream};

/// The map that was made last is in force.
async fn until_in_force(server: &Postgres) {
    // Without psql, for which this thread would wait: the proxy before the second server runs on it.
    let asking = server.connect().await.unwrap();
    eventually("the map is in force", async || {
        let in_force = "SELECT max(since) <= clock_ms() FROM shard_maps";
        let asked = asking.query_one(in_force, &[]).await;
        asked.unwrap().get::<_, bool>(0).then_some(())
    })
    .await;
}

/// A reader's open stream at one instance, of a chat whose people act at another one.
struct Followed<'a> {
    chat: &'a Chat,
    stream: Stream,
}

impl Followed<'_> {
    /// What can be done in a chat is done, and its other person sees it.
    async fn goes_on(&mut self, there: &Server, with_redis: bool) {
        let (one, two) = (&self.chat.one, self.chat.two.at(there));
        let seq = one.say("meanwhile").await;
        self.stream.next_with("message", "seq", seq).await;
        one.post("typing", json!({})).await.ok();
        if with_redis {
            self.stream.next_of("typing").await;
        }
        two.post("receipt", json!({ "read": seq })).await.ok();
        one.post("receipt", json!({ "read": seq })).await.ok();
        loop {
            let told = self.stream.next_of("receipt").await.data;
            if (&told["seat"], &told["read"]) == (&json!(1), &json!(seq)) {
                break;
            }
        }
        for reader in [one, &two] {
            assert_eq!(reader.texts().await.last().unwrap(), "meanwhile");
            let hello = reader.listen().await.next_of("hello").await.data;
            assert_eq!(hello["lastSeq"], seq);
        }
        two.get("sessions").await.ok();
        // Nobody's token is refused, and needs no server that is away.
        let (known, end) = two.token.split_at(two.token.len() - 4);
        let other = if end == "AAAA" { "BBBB" } else { "AAAA" };
        let stranger = two.api.with(&format!("{known}{other}"));
        stranger.get(&two.path("messages")).await.fails(401);
    }
}

impl Case {
    /// Half of the chats were made before a change of the map, and half after it; the server that takes
    /// new chats breaks.
    async fn the_others_go_on(mut self, breaks: fn(&mut Self)) {
        let urls = format!(
            "{} {}",
            self.one.url(),
            Postgres::url_at(self.to_two.port())
        );
        let mut chats = Vec::new();
        for _ in 0..CHATS {
            chats.push(Chat::begin(&self.here).await);
        }
        let place = format!("127.0.0.1:{}/postgres", self.one.port());
        let command = Setup::new().env("DUET_STORE__URLS", urls);
        let command = command.arg("shards").arg("drain").arg(&place);
        // The proxy before the second server runs on this thread.
        let drained = spawn_blocking(|| command.run()).await.unwrap();
        assert!(drained.status.success(), "{drained:?}");
        until_in_force(&self.one).await;
        for _ in 0..CHATS {
            chats.push(Chat::begin(&self.here).await);
        }
        let on_one = self.one.run("SELECT count(*) FROM chats").unwrap();
        let on_one: usize = on_one.trim().parse().unwrap();
        assert!((1..CHATS).contains(&on_one), "{on_one}");

        breaks(&mut self);
        for server in [&self.here, &self.there] {
            until_store_is(server, "degraded").await;
        }
        let mut followed = Vec::new();
        for chat in &chats {
            match chat.one.get("messages").await {
                answer if answer.status == 200 => {
                    let stream = chat.two.at(&self.there).listen().await;
                    followed.push(Followed { chat, stream });
                }
                answer => _ = answer.fails(503),
            }
        }
        assert_eq!(
            followed.len(),
            on_one,
            "the chats of the server that is there"
        );
        for followed in &mut followed {
            followed.goes_on(&self.there, true).await;
        }
        self.redis.kill();
        for server in [&self.here, &self.there] {
            eventually("the bus is away", async || {
                let ready = server.ops().get("/health/ready").await;
                (ready.json()["bus"] == "away").then_some(())
            })
            .await;
        }
        for followed in &mut followed {
            followed.goes_on(&self.there, false).await;
        }
    }
}

#[actix_web::test]
async fn after_a_change_the_chats_of_a_server_go_on_wholly_while_the_other_is_killed() {
    let case = Case::start().await;
    case.the_others_go_on(|case| case.two.kill()).await;
}

#[actix_web::test]
async fn after_a_change_the_chats_of_a_server_go_on_wholly_while_the_other_answers_nothing() {
    let case = Case::start().await;
    case.the_others_go_on(|case| case.to_two.stall(Stalled::BOTH))
        .await;
}

/// What a page's form has in its hidden field `id`.
fn id_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"id\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.into()
}

#[actix_web::test]
async fn while_a_server_is_away_people_make_chats_on_the_other() {
    let mut case = Case::start().await;
    let names = [("userOne", "Abhi"), ("userTwo", "Anny")];
    let mut browsers = Vec::new();
    for _ in 0..CHATS {
        let mut browser = Browser::new(&case.here);
        let page = browser.get("/demo/chat/register").await;
        browsers.push((browser, id_of(page.text())));
    }
    case.two.kill();
    until_store_is(&case.here, "degraded").await;
    let mut told_to_try_again = 0;
    for (browser, id) in &mut browsers {
        // The page was opened before.
        let form = [names[0], names[1], ("id", &*id)];
        let mut made = browser.submit("/demo/chat/register", &form).await;
        if made.status == 503 {
            told_to_try_again += 1;
            let other = id_of(made.text());
            assert_ne!(other, *id);
            let form = [names[0], names[1], ("id", &*other)];
            made = browser.submit("/demo/chat/register", &form).await;
        }
        assert_eq!(made.status, 303, "{made:?}");
    }
    assert!((1..CHATS).contains(&told_to_try_again));
    for _ in 0..CHATS {
        let mut browser = Browser::new(&case.here);
        let page = browser.get("/demo/chat/register").await;
        let id = id_of(page.text());
        let form = [names[0], names[1], ("id", &*id)];
        let made = browser.submit("/demo/chat/register", &form).await;
        assert_eq!(made.status, 303, "{made:?}");
        // What a script reserves for an encrypted chat has a place as well.
        let api = case.here.api();
        let hash = api.post("/chat-server/hash", json!({})).await.ok();
        let (id, hash) = (uuid::Uuid::new_v4(), &hash["hash"]);
        let body = json!({ "userOne": "Abhi", "userTwo": "Anny", "hash": hash, "id": id });
        let made = api.post("/chat-server/register", body).await;
        if made.status != 200 {
            made.fails_as(503, "part_away");
        }
    }
    let api = case.here.api();
    let body = |id: uuid::Uuid| json!({ "userOne": "Abhi", "userTwo": "Anny", "id": id });
    let (mut made, mut away) = (Vec::new(), Vec::new());
    for _ in 0..3 * CHATS {
        let id = uuid::Uuid::new_v4();
        let answer = api.post("/chat-server/register", body(id)).await;
        match answer.status {
            200 => made.push((id, answer.ok()["hash"].clone())),
            _ => {
                answer.fails_as(503, "part_away");
                assert!(answer.header("retry-after").is_some());
                away.push(id);
            }
        }
    }
    assert!(!made.is_empty() && !away.is_empty());
    for (id, hash) in &made {
        let again = api.post("/chat-server/register", body(*id)).await.ok();
        assert_eq!(again["hash"], *hash);
    }
    case.two.resume().unwrap();
    until_store_is(&case.here, "up").await;
    for id in away {
        let first = api.post("/chat-server/register", body(id)).await.ok();
        let again = api.post("/chat-server/register", body(id)).await.ok();
        assert_eq!(first["hash"], again["hash"]);
    }
}

#[actix_web::test]
async fn one_id_makes_one_chat_whatever_hash_comes_with_it() {
    let case = Case::start().await;
    let api = case.here.api();
    for round in 0..CHATS {
        let id = uuid::Uuid::new_v4();
        let register = async |hash: Option<String>| {
            let mut body = json!({ "userOne": "Abhi", "userTwo": "Anny", "id": id });
            if let Some(hash) = hash {
                body["hash"] = hash.into();
            }
            api.post("/chat-server/register", body).await
        };
        let own = |part: &str| Some(format!("own-{part}-{round}-of-more-than-22-characters"));
        register(own("first")).await.ok();
        register(own("second")).await.fails_as(409, "id_reused");
        let again = register(None).await.ok();
        assert_eq!(again["hash"].as_str(), own("first").as_deref());
        register(own("first")).await.ok();
    }
}

#[actix_web::test]
async fn an_empty_server_takes_the_place_of_one_that_is_lost_for_good() {
    let [one, mut two, three] = [(); 3].map(|()| Postgres::start().unwrap());
    let mut server = over(&[&one, &two]).start().await;
    let mut chats = Vec::new();
    for _ in 0..CHATS {
        let chat = Chat::begin(&server).await;
        chat.one.say("before").await;
        chats.push(chat);
    }
    assert_eq!(server.terminate().await.code(), Some(0));
    two.kill();

    let without = over(&[&one]).run();
    let told = String::from_utf8(without.stderr).unwrap();
    let (_, told) = told.rsplit_once("shard_identity: ").unwrap();
    let (lost, _) = told.split_once(')').unwrap();
    let alone = Setup::new().set("store.url", three.url());
    assert!(alone.arg("migrate").run().status.success());
    let take_its_place = format!("UPDATE shard_identity SET id = '{lost}'");
    three.run(&take_its_place).unwrap();

    let server = over(&[&one, &three]).start().await;
    until_store_is(&server, "up").await;
    let mut kept = 0;
    for chat in chats {
        let chat = chat.moved_to(&server);
        let messages = chat.two.get("messages").await;
        match messages.status {
            200 => kept += 1,
            _ => drop(messages.fails(401)),
        }
    }
    assert!((1..CHATS).contains(&kept), "{kept}");
    for _ in 0..CHATS {
        Chat::begin(&server).await.one.say("after").await;
    }
    assert_ne!(three.run("SELECT count(*) FROM chats").unwrap(), "0");
    let (done, said) = shards(&[&one, &three], &[]);
    assert!(done && said.contains(&place(&three)), "{said}");
}
