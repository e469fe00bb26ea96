//! Micro-benchmarks of what every message passes: `cargo bench --bench hot`.

use std::{hint::black_box, sync::Arc, time::Duration};

use actix::{Arbiter, System};
use actors::{
    Limits, Login, Metrics, PairRegistry, SendMessage, Tasks, World,
    domain::{
        BySeat, ChatKey, Device, Event, IncomingText, Message, MessageText, Notice, PairHash, Seat,
        SecretDigest, Timestamp, Token, UserName,
    },
    ports::{ChatRoom, Chats, SystemClock},
    testing::{MemoryHub, MemoryStore, new_chat},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use duet::http::{
    body::parse_json,
    wire::{event_frame, messages::SendBody},
};
use futures_util::future::join_all;
use prometheus::Registry;
use uuid::Uuid;

const TEXT: &str = "Grüße an „Anny“: \"so\" – a sentence of about a hundred bytes, as people write them to each other.";
/// As many pairs as send at once.
const PAIRS: usize = 64;

fn parse_envelope(criterion: &mut Criterion) {
    let body = serde_json::json!({ "data": {
        "userHash": "2nTt4JrVYVrSwyzYZgCXiG", "senderName": "Abhi", "reciever": "Anny", "message": TEXT,
        "timestamp": "2026-11-23T10:00:00.000Z", "id": Uuid::nil(),
    } });
    let body = body.to_string();
    criterion.bench_function("a send's envelope is parsed", |bench| {
        bench.iter(|| {
            let body: SendBody = parse_json(black_box(body.as_bytes())).expect("it is well formed");
            body
        });
    });
}

fn encode_event(criterion: &mut Criterion) {
    let message = Message {
        seq: 42,
        id: Uuid::nil(),
        seat: Seat::One,
        text: MessageText::from_store(TEXT.to_owned()),
        at: Timestamp::from_unix_ms(1_795_000_000_000),
    };
    let names = BySeat([Some(name("Abhi")), Some(name("Anny"))]);
    let event = Event::Notice(Notice::Message(Arc::new(message)), Arc::new(names));
    criterion.bench_function("a message's event is written", |bench| {
        bench.iter(|| event_frame(black_box(&event)));
    });
}

/// What the door does before the pair has the last word: it reads the token, and matches it with the address.
fn check_session(criterion: &mut Criterion) {
    let hash = PairHash::generate(&mut rand::rng());
    let token = Token::generate(ChatKey::of(&hash), &mut rand::rng()).reveal();
    criterion.bench_function("a session is checked at the door", |bench| {
        bench.iter(|| {
            let token = Token::parse(black_box(&token)).expect("it is a token");
            let hash = PairHash::parse(black_box(hash.as_str())).expect("it is a hash");
            (token.key() == ChatKey::of(&hash)).then(|| token.digest())
        });
    });
}

/// From the pairs through the journal's lane and a store in memory to the answers: all but the doors and the disk.
fn assemble_batches(criterion: &mut Criterion) {
    let system = System::new();
    let (pairs, people) = system.block_on(world());
    let mut group = criterion.benchmark_group("journal");
    group.throughput(Throughput::Elements(PAIRS as u64));
    group.bench_function(
        "64 pairs' messages are gathered, stored and answered",
        |bench| {
            bench.iter(|| {
                system.block_on(join_all(people.iter().map(|&(key, by)| {
                    let send = SendMessage {
                        by,
                        id: Uuid::new_v4(),
                        text: text(),
                        sent_at: None,
                        sender: None,
                        recipient: None,
                    };
                    let pairs = &pairs;
                    async move { pairs.ask(key, send).await.expect("it is stored") }
                })))
            });
        },
    );
    group.finish();
}

/// Pairs with one person each who is logged in.
async fn world() -> (PairRegistry, Vec<(ChatKey, SecretDigest)>) {
    let store = MemoryStore::new(SystemClock);
    let adapters = World {
        store: Arc::new(store.clone()),
        bus: Arc::new(MemoryHub::default().attach()),
        clock: Arc::new(SystemClock),
    };
    let registry = Registry::new();
    let (metrics, tasks) = (Metrics::register(&registry), Tasks::register(&registry));
    let arbiters = vec![Arbiter::new().handle()];
    let pairs = actors::start(adapters, LIMITS, arbiters, metrics, &tasks);
    let mut people = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let hash = PairHash::generate(&mut rand::rng());
        let key = ChatKey::of(&hash);
        let made = store.register(new_chat(key)).await;
        made.expect("the chat is new");
        let login = Login {
            hash,
            name: name("Abhi"),
            proof: None,
            id: None,
            device: Device::default(),
            auth: None,
            may_name: false,
        };
        let session = pairs.ask(key, login).await.expect("the seat is free");
        people.push((key, session.token.digest()));
    }
    (pairs, people)
}

const LONG: Duration = Duration::from_secs(3_600);
const LIMITS: Limits = Limits {
    pairs_max: 1_000,
    streams_per_seat_max: 10,
    streams_max: 1_000,
    sessions_per_seat_max: 10,
    chat_room: ChatRoom {
        messages_max: u32::MAX as u64,
        bytes_max: u64::MAX,
    },
    journal_queue_len_max: 10_000,
    journal_batch_len_max: 512,
    sends_per_seat_per_second: u32::MAX,
    sends_per_seat_burst: u32::MAX,
    logins_per_chat_per_minute: 1_000,
    pair_rest_after: LONG,
    presence_grace: LONG,
    sweep_interval: LONG,
};

fn text() -> IncomingText {
    IncomingText::parse(TEXT.to_owned()).expect("it is a text")
}

fn name(name: &str) -> UserName {
    UserName::parse(name).expect("it is a name")
}

criterion_group!(
    benches,
    parse_envelope,
    encode_event,
    check_session,
    assemble_batches
);
criterion_main!(benches);
