//! People who talk through whatever happens, and a ledger of what they were told.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use harness::checker::{Ledger, Seat};
use reqwest::Method;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::support::{Api, Chat, DEADLINE, Person, Stream, eventually};

/// How long somebody waits who was told nothing else.
const PAUSE: Duration = Duration::from_millis(100);

/// Several chats in which both people listen and both send.
pub struct Traffic {
    chats: Vec<Chat>,
    seen: Arc<Seen>,
    sending: JoinSet<()>,
    listening: JoinSet<()>,
}

struct Seen {
    ledger: Ledger,
    over: AtomicBool,
    acknowledged: AtomicU64,
    moved: AtomicU64,
    /// How often a send was answered by which status; 0 stands for a lost connection.
    refusals: Mutex<HashMap<u16, u32>>,
}

impl Traffic {
    /// Begins, and returns when everybody listens.
    pub async fn begin(api: &Api, chats: usize) -> Self {
        let seen = Arc::new(Seen {
            ledger: Ledger::new(chats),
            over: false.into(),
            acknowledged: 0.into(),
            moved: 0.into(),
            refusals: Mutex::default(),
        });
        let mut traffic = Self {
            chats: Vec::new(),
            seen,
            sending: JoinSet::new(),
            listening: JoinSet::new(),
        };
        for number in 0..chats {
            let chat = Chat::begin_at(api).await;
            for (person, seat) in [(&chat.one, Seat::One), (&chat.two, Seat::Two)] {
                let mut first = person.listen_after(0).await;
                first.next_of("hello").await;
                let (person, seen) = (person.clone(), traffic.seen.clone());
                let listens = listen(person.clone(), seen.clone(), number, seat, first);
                traffic.listening.spawn(listens);
                traffic.sending.spawn(send(person, seen, number));
            }
            traffic.chats.push(chat);
        }
        traffic
    }

    /// Waits until that many more messages were acknowledged.
    pub async fn goes_on(&self, messages: u64) {
        let target = self.seen.acknowledged.load(Ordering::SeqCst) + messages;
        eventually("messages are acknowledged", async || {
            (self.seen.acknowledged.load(Ordering::SeqCst) >= target).then_some(())
        })
        .await;
    }

    /// Streams that were told to go elsewhere so far.
    pub fn moved(&self) -> u64 {
        self.seen.moved.load(Ordering::SeqCst)
    }

    /// Stops, and says whether everything that was promised was kept. Only what asks to be tried
    /// again may have been answered to a send.
    pub async fn verdict(mut self) {
        self.seen.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.sending.join_next().await {
            ended.unwrap();
        }
        eventually("everybody has seen everything", async || {
            (self.seen.ledger.outstanding() == 0).then_some(())
        })
        .await;
        for (number, chat) in self.chats.iter().enumerate() {
            let mut after = 0;
            loop {
                let page = format!("messages?after={after}&limit=200");
                let page = chat.one.get(&page).await.ok();
                for message in page["messages"].as_array().unwrap() {
                    let (seq, id, text) = fact(message);
                    self.seen.ledger.remembered(number, seq, id, &text);
                    after = seq;
                }
                if page["more"] == false {
                    break;
                }
            }
        }
        let verdict = self.seen.ledger.verdict();
        assert!(verdict.is_clean(), "{verdict}");
        let refusals = self.seen.refusals.lock().unwrap().clone();
        let again = |status: &u16| matches!(status, 0 | 502 | 503 | 504);
        assert!(refusals.keys().all(again), "{refusals:?}");
    }
}

fn fact(message: &serde_json::Value) -> (u64, Uuid, String) {
    (
        message["seq"].as_u64().unwrap(),
        message["id"].as_str().unwrap().parse().unwrap(),
        message["message"].as_str().unwrap().into(),
    )
}

async fn listen(person: Person, seen: Arc<Seen>, chat: usize, seat: Seat, mut stream: Stream) {
    let mut position = 0;
    loop {
        let mut pause = PAUSE;
        let mut ended_by_word = false;
        let far = tokio::time::Instant::now() + 20 * DEADLINE;
        while let Some(block) = stream.next_block_by(far).await {
            if block.event == "message" {
                let (seq, id, text) = fact(&block.data);
                seen.ledger.delivered(chat, seat, seq, id, &text);
                position = seq;
            }
            ended_by_word = block.retry.is_some();
            pause = block.retry.map_or(pause, Duration::from_millis);
        }
        seen.moved
            .fetch_add(u64::from(ended_by_word), Ordering::SeqCst);
        stream = loop {
            sleep(pause).await;
            let call = person.api.call(Method::GET, &person.path("stream"));
            let call = call.header("Last-Event-ID", &position.to_string());
            if let Some(stream) = Stream::try_open(call).await {
                break stream;
            }
            pause = PAUSE;
        };
    }
}

async fn send(person: Person, seen: Arc<Seen>, chat: usize) {
    while !seen.over.load(Ordering::SeqCst) {
        let id = Uuid::new_v4();
        let text = format!("{id} from {}", person.name);
        loop {
            let call = person.api.call(Method::POST, &person.path("message_send"));
            let call = call.json(json!({ "message": text, "id": id }));
            let answer = call.try_send().await;
            if let Some(sent) = answer.as_ref().filter(|answer| answer.status == 200) {
                let seq = sent.ok()["seq"].as_u64().unwrap();
                seen.ledger.acknowledged(chat, seq, id, &text);
                seen.acknowledged.fetch_add(1, Ordering::SeqCst);
                break;
            }
            let status = answer.map_or(0, |answer| answer.status);
            *seen.refusals.lock().unwrap().entry(status).or_default() += 1;
            sleep(PAUSE).await;
        }
        sleep(PAUSE / 5).await;
    }
}
