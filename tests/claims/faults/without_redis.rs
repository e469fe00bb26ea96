//! While Redis is away, or instances listen to different ones, everything that is stored crosses from
//! instance to instance through the store, soon and in order; only who is there nobody knows.

use std::time::{Duration, Instant};

use harness::servers::{Postgres, Proxy, Redis, Stalled};
use serde_json::{Value, json};

use crate::support::{Chat, Person, Server, Setup, Stream, eventually, stream::Block, within};

/// Far longer than it takes where nothing else is going on.
const SOON: Duration = Duration::from_secs(20);
/// A chat that is opened without Redis does not wait for Redis.
const COLD: Duration = Duration::from_millis(1_500);

/// Two instances; the second one's way to Redis can be cut.
pub struct Case {
    pub one: Server,
    pub two: Server,
    pub redis: Redis,
    pub to_redis: Proxy,
    pub postgres: Postgres,
}

impl Case {
    pub async fn start() -> Self {
        let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
        let to_redis = Proxy::start(redis.port()).await.unwrap();
        let setup = Setup::new().set("store.url", postgres.url());
        let direct = setup.clone().set("bus.url", redis.url());
        let around = setup.set("bus.url", Redis::url_at(to_redis.port()));
        let case = Self {
            one: direct.start().await,
            two: around.start().await,
            redis,
            to_redis,
            postgres,
        };
        case.until_bus_is("up").await;
        case
    }

    pub fn command(&self, command: &str) {
        let command: Vec<&str> = command.split(' ').collect();
        self.redis.command(&command).unwrap();
    }

    /// Both are ready all the while, and say how the bus is.
    pub async fn until_bus_is(&self, state: &str) {
        for server in [&self.one, &self.two] {
            until_bus_is(server, state).await;
        }
    }
}

async fn until_bus_is(server: &Server, state: &str) {
    eventually(&format!("the bus is {state}"), async || {
        let ready = server.ops().get("/health/ready").await;
        let told = ready.json();
        // On a busy machine a write to the store may take longer than readiness waits for it.
        let reason = told["reason"].as_str();
        assert!(matches!(reason, None | Some("store")), "{told}");
        (ready.status == 200 && told["bus"] == state).then_some(())
    })
    .await;
}

async fn say(person: &Person, text: &str) -> Value {
    let said = person
        .post("message_send", json!({ "message": text }))
        .await;
    said.ok()
}

/// Everything up to a message, typing and presence among it.
async fn up_to(stream: &mut Stream, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    loop {
        let block = stream.next().await;
        let found = block.event == "message" && block.data["message"] == text;
        blocks.push(block);
        if found {
            return blocks;
        }
    }
}

/// What is stored at one instance is seen at the other.
async fn everything_stored_crosses(one: &Server, two: &Server) {
    let chat = Chat::begin(one).await;
    let (his, hers) = (&chat.one, chat.two.at(two));
    let mut his_stream = his.listen().await;
    let hello = his_stream.next_of("hello").await;
    assert_eq!(hello.data["online"], Value::Null);
    let mut her_stream = hers.listen().await;
    her_stream.next_of("hello").await;

    let sent = say(his, "to her").await;
    assert_eq!(sent["online"], Value::Null);
    let heard = her_stream.next_with("message", "message", "to her");
    within(SOON, "a message crosses", heard).await;
    let marks = json!({ "delivered": 1, "read": 1 });
    hers.post("receipt", marks).await.ok();
    let told = his_stream.next_with("receipt", "read", 1);
    within(SOON, "a receipt crosses", told).await;
    hers.post("typing", json!({})).await.ok();
    let sent = say(&hers, "to him").await;
    assert_eq!((&sent["seq"], &sent["online"]), (&json!(2), &Value::Null));
    let arrived = within(SOON, "an answer crosses", up_to(&mut his_stream, "to him")).await;
    assert!(arrived.iter().all(|block| block.event != "typing"));

    let code = json!({ "returnCode": his.return_code });
    let phone = Person::log_in_by(&one.api(), &chat.hash, "Abhi", code).await;
    let mut phone_stream = phone.at(two).listen().await;
    phone_stream.next_of("hello").await;
    phone.log_out().await.ok();
    within(SOON, "a logout crosses", phone_stream.rest()).await;
    phone.at(two).get("messages").await.fails(401);

    his.end().await.ok();
    within(SOON, "an end crosses", her_stream.next_of("ended")).await;
    hers.get("messages").await.fails(410);
}

/// A chat that is not in memory is opened as fast as ever; the machine may be busy now and then.
async fn cold_chats_do_not_wait(one: &Server, two: &Server) {
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let chat = Chat::begin(one).await;
        let began = Instant::now();
        chat.two.at(two).get("messages").await.ok();
        fastest = fastest.min(began.elapsed());
    }
    assert!(fastest < COLD, "a chat was opened within {fastest:?}");
}

/// Both talk before, during and after the fault, and see everything once.
async fn goes_on(mut begin: impl FnMut(&mut Case), mut end: impl FnMut(&mut Case), away: bool) {
    let mut case = Case::start().await;
    let chat = Chat::begin(&case.one).await;
    let (his, hers) = (&chat.one, chat.two.at(&case.two));
    let mut his_stream = his.listen().await;
    let mut her_stream = hers.listen().await;
    say(his, "before").await;
    her_stream.next_with("message", "message", "before").await;

    begin(&mut case);
    if away {
        case.until_bus_is("away").await;
        let wanted = case.one.ops().get("/health/ready?bus").await;
        assert_eq!(wanted.status, 503, "{}", wanted.text());
    } else {
        until_bus_is(&case.two, "away").await;
        // The other one hears that it is not heard.
        until_bus_is(&case.one, "away").await;
    }
    say(his, "during").await;
    let heard = her_stream.next_with("message", "message", "during");
    within(SOON, "a message crosses", heard).await;
    everything_stored_crosses(&case.one, &case.two).await;
    cold_chats_do_not_wait(&case.one, &case.two).await;

    end(&mut case);
    case.until_bus_is("up").await;
    eventually("who is there is known again", async || {
        (say(his, "after").await["online"] == true).then_some(())
    })
    .await;
    let last = say(&hers, "the last").await["seq"].as_u64().unwrap();
    for stream in [&mut his_stream, &mut her_stream] {
        let mut seqs = Vec::new();
        for block in up_to(stream, "the last").await {
            if block.event == "message" {
                seqs.push(block.seq());
            }
        }
        assert!(seqs.is_sorted_by(|a, b| b - a == 1), "{seqs:?}");
        assert_eq!(seqs.last(), Some(&last));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_dead_stops_nobody() {
    let kill = |case: &mut Case| tokio::task::block_in_place(|| case.redis.kill());
    let resume = |case: &mut Case| tokio::task::block_in_place(|| case.redis.resume().unwrap());
    goes_on(kill, resume, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_stands_still_stops_nobody() {
    let pause = |case: &mut Case| case.redis.process().unwrap().pause();
    let go_on = |case: &mut Case| case.redis.process().unwrap().go_on();
    goes_on(pause, go_on, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_swallows_everything_stops_nobody() {
    let swallow = |case: &mut Case| case.to_redis.stall(Stalled::BOTH);
    let pass = |case: &mut Case| {
        case.to_redis.cut();
        case.to_redis.stall(Stalled::NEITHER);
    };
    goes_on(swallow, pass, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_out_of_memory_stops_nobody() {
    let fill = |case: &mut Case| case.command("CONFIG SET maxmemory 1");
    let free = |case: &mut Case| case.command("CONFIG SET maxmemory 0");
    goes_on(fill, free, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_became_a_replica_stops_nobody() {
    let demote = |case: &mut Case| case.command("REPLICAOF 127.0.0.1 1");
    let promote = |case: &mut Case| case.command("REPLICAOF NO ONE");
    goes_on(demote, promote, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_whose_password_has_changed_stops_nobody() {
    let change = |case: &mut Case| {
        case.command("CONFIG SET requirepass changed");
        for kind in ["pubsub", "normal"] {
            let kill = ["-a", "changed", "CLIENT", "KILL", "TYPE", kind];
            case.redis.command(&kill).unwrap();
        }
    };
    let change_back = |case: &mut Case| {
        let back = ["-a", "changed", "CONFIG", "SET", "requirepass", ""];
        case.redis.command(&back).unwrap();
    };
    goes_on(change, change_back, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_on_two_different_redis_see_that_they_do_not_hear_each_other() {
    let postgres = Postgres::start().unwrap();
    let redis = [Redis::start().unwrap(), Redis::start().unwrap()];
    let setup = Setup::new().set("store.url", postgres.url());
    let one = setup.clone().set("bus.url", redis[0].url()).start().await;
    let two = setup.set("bus.url", redis[1].url()).start().await;
    for server in [&one, &two] {
        until_bus_is(server, "away").await;
        assert_eq!(server.metric("duet_bus_split").await, 1.0);
    }
    everything_stored_crosses(&one, &two).await;
    for server in [&one, &two] {
        let told = server.log().matches("the bus is split").count();
        assert_eq!(told, 1, "{}", server.log());
    }
}
