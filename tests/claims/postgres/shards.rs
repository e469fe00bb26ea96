//! Several PostgreSQL servers that share the chats: one that is away takes its own chats with it and
//! no others, and servers come and go without a chat being moved.

mod change;
mod lacking;
mod migrating;
mod told;

use harness::servers::{Postgres, Proxy, Redis, Stalled};
use serde_json::json;

use crate::{
    start::refusing::refused,
    support::{Chat, Server, Setup, eventually},
};

/// Chats enough that every server has some.
const CHATS: usize = 12;

fn urls(servers: &[&Postgres]) -> String {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    urls.join(" ")
}

/// Settings of an instance over these servers.
fn over(servers: &[&Postgres]) -> Setup {
    Setup::new().env("DUET_STORE__URLS", urls(servers))
}

async fn until_store_is(server: &Server, state: &str) {
    eventually(&format!("the store is {state}"), async || {
        let ready = server.ops().get("/health/ready").await;
        assert_eq!(ready.status, 200, "{}", ready.text());
        (ready.json()["store"] == state).then_some(())
    })
    .await;
}

/// The place of a server as `duet shards` names it.
fn place(server: &Postgres) -> String {
    format!("127.0.0.1:{}/", server.port())
}

fn shards(servers: &[&Postgres], arguments: &[&str]) -> (bool, String) {
    let (code, said) = shards_by(over(servers), arguments);
    (code == Some(0), said)
}

/// Runs `duet shards`; its exit code, and what it says.
fn shards_by(settings: Setup, arguments: &[&str]) -> (Option<i32>, String) {
    let command = settings.arg("shards");
    let done = arguments
        .iter()
        .fold(command, |command, argument| command.arg(argument))
        .run();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(said).unwrap())
}

/// Two instances over two servers; the way to the second server can be cut.
struct Case {
    here: Server,
    there: Server,
    two: Postgres,
    to_two: Proxy,
    one: Postgres,
    redis: Redis,
}

impl Case {
    async fn start() -> Self {
        let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
        let redis = Redis::start().unwrap();
        let to_two = Proxy::start(two.port()).await.unwrap();
        let urls = format!("{} {}", one.url(), Postgres::url_at(to_two.port()));
        let setup = Setup::new()
            .env("DUET_STORE__URLS", urls)
            .set("bus.url", redis.url());
        Self {
            here: setup.clone().start().await,
            there: setup.start().await,
            two,
            to_two,
            one,
            redis,
        }
    }

    /// Breaks the second server, sees that its chats alone are gone, and mends it.
    async fn its_own_chats_go_with_it(mut self, breaks: fn(&mut Self), mends: fn(&mut Self)) {
        let mut chats = Vec::new();
        for _ in 0..CHATS {
            let chat = Chat::begin(&self.here).await;
            chat.two.at(&self.there).say("before").await;
            chats.push(chat);
        }
        until_store_is(&self.here, "up").await;

        breaks(&mut self);
        for server in [&self.here, &self.there] {
            until_store_is(server, "degraded").await;
        }
        let (mut answered, mut refused) = (Vec::new(), Vec::new());
        for chat in &chats {
            let said = json!({ "message": "meanwhile" });
            let said = chat.one.post("message_send", said).await;
            match said.status {
                200 => answered.push(chat),
                _ => {
                    said.fails(503);
                    assert!(said.header("retry-after").is_some());
                    refused.push(chat);
                }
            }
        }
        assert!(!answered.is_empty() && !refused.is_empty());
        for chat in &answered {
            let hers = chat.two.at(&self.there);
            assert_eq!(hers.texts().await, ["before", "meanwhile"]);
        }
        for _ in 0..CHATS {
            Chat::begin(&self.here).await.one.say("new").await;
        }

        mends(&mut self);
        until_store_is(&self.here, "up").await;
        for chat in refused {
            eventually("the server's chats are back", async || {
                let said = json!({ "message": "after" });
                let said = chat.one.post("message_send", said).await;
                (said.status == 200).then_some(())
            })
            .await;
        }
    }
}

#[actix_web::test]
async fn a_server_that_was_killed_takes_its_own_chats_with_it_and_no_others() {
    let resume = |case: &mut Case| case.two.resume().unwrap();
    let case = Case::start().await;
    case.its_own_chats_go_with_it(|case| case.two.kill(), resume)
        .await;
}

#[actix_web::test]
async fn a_server_that_answers_nothing_takes_its_own_chats_with_it_and_no_others() {
    let go_on = |case: &mut Case| case.to_two.stall(Stalled::NEITHER);
    let case = Case::start().await;
    case.its_own_chats_go_with_it(|case| case.to_two.stall(Stalled::BOTH), go_on)
        .await;
}

#[actix_web::test]
async fn servers_are_added_and_drained_without_a_chat_being_moved() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let both = [&one, &two];
    let alone = Setup::new().set("store.url", one.url()).start().await;
    let chat = Chat::begin(&alone).await;
    chat.one.say("alone").await;
    drop(alone);

    let duet = over(&both).start().await;
    let chat = chat.moved_to(&duet);
    assert_eq!(chat.two.texts().await, ["alone"]);
    eventually("both servers take chats", async || {
        let (_, said) = shards(&both, &[]);
        (said.matches("takes new chats").count() == 2).then_some(())
    })
    .await;

    let (drained, said) = shards(&both, &["drain", &name_of(&both, &one)]);
    assert!(drained, "{said}");
    let (again, said) = shards(&both, &["drain", &name_of(&both, &one)]);
    assert!(!again && said.contains("already"), "{said}");
    let (last, said) = shards(&both, &["drain", &name_of(&both, &two)]);
    assert!(!last && said.contains("the last one"), "{said}");
    assert_eq!(chat.two.texts().await, ["alone"]);
    chat.two.say("still here").await;

    let (fewer, said) = shards(&[&two], &[]);
    assert!(
        !fewer && said.contains("store.urls lacks a server"),
        "{said}"
    );
    chat.one.end().await.ok();
    let count = "SELECT count(*) FROM chats";
    assert_eq!(one.run(count).unwrap().trim(), "0");
}

/// The name that the listing has for a server.
fn name_of(servers: &[&Postgres], server: &Postgres) -> String {
    let (_, said) = shards(servers, &[]);
    let line = said.lines().find(|line| line.starts_with(&place(server)));
    let name = line.and_then(|line| line.split_whitespace().next());
    name.unwrap_or_else(|| panic!("{} is not in {said}", place(server)))
        .into()
}

#[actix_web::test]
async fn a_server_that_is_named_twice_is_refused_before_a_map_is_made_of_it() {
    let (one, two) = (Postgres::start().unwrap(), Postgres::start().unwrap());
    let again = one.url().replace("127.0.0.1", "localhost");
    let twice = Setup::new().env("DUET_STORE__URLS", format!("{} {again}", one.url()));
    refused(&twice.arg("migrate").run(), &["store.urls names twice"]);
    let maps = one.run("SELECT count(*) FROM shard_maps").unwrap();
    assert_eq!(maps, "0");
    let both = [&one, &two];
    let _duet = over(&both).start().await;
    let (_, said) = shards(&both, &[]);
    assert_eq!(said.matches("takes new chats").count(), 2, "{said}");
}

#[test]
fn a_server_that_cannot_be_reached_is_looked_for_in_the_list() {
    let nobody = "postgres://duet@127.0.0.1:1/duet";
    let setup = Setup::new().env("DUET_STORE__URLS", nobody);
    let told = setup.set("store.start_seconds", 1).run();
    refused(&told, &["store.urls"]);
}

#[test]
fn settings_that_cannot_be_a_store_of_several_servers_are_refused() {
    for (urls, url, part) in [
        ("postgres://a@one/duet", "postgres://a@two/duet", "both set"),
        ("sqlite://data/duet.db", "", "only PostgreSQL servers"),
        (
            "postgres://a@one/d postgres://b@one/d",
            "",
            "one:5432/d twice",
        ),
    ] {
        let mut setup = Setup::new()
            .env("DUET_STORE__URLS", urls)
            .arg("check-config");
        if !url.is_empty() {
            setup = setup.env("DUET_STORE__URL", url);
        }
        let done = setup.run();
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(said.contains(part), "{said}");
        assert_eq!(done.status.code(), Some(2));
    }
}
