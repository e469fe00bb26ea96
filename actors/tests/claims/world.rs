//! A small world to make claims about: a store, a hub, and instances on them.

mod person;
mod shown;
mod stream;

use std::{sync::Arc, time::Duration};

use actix::Arbiter;
use actors::{
    Limits, Metrics, PairRegistry, Tasks, World as Adapters,
    domain::{
        BySeat, Chat, ChatKey, Encryption, Message, Page, PairHash, Seat, SecretDigest, Timestamp,
        UserName,
    },
    ports::{Bus, ChatRoom, Chats, Clock, Messages, NewChat, Principal, Registered},
    testing::{FakeClock, FaultyClock, MemoryBus, MemoryHub, MemoryStore, eventually, new_chat},
};
use prometheus::Registry;

pub(crate) use self::{
    person::{Person, login, login_as},
    shown::Shown,
    stream::Watch,
};

/// On how many arbiters an instance runs.
const ARBITERS: usize = 3;
/// Far longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// What the instances have in common.
pub(crate) struct World {
    /// The store's time, which stands still.
    pub(crate) time: FakeClock,
    /// The data; no instance's own.
    pub(crate) store: MemoryStore,
    hub: MemoryHub,
    /// On the hub, and nobody's own.
    observer: MemoryBus,
}

/// One instance of the server, without its HTTP server.
pub(crate) struct Instance {
    pub(crate) pairs: PairRegistry,
    pub(crate) store: MemoryStore,
    pub(crate) bus: MemoryBus,
    pub(crate) clock: FaultyClock,
    pub(crate) tasks: Tasks,
    registry: Registry,
    arbiters: Vec<Arbiter>,
}

/// Limits that no test runs into by chance.
pub(crate) fn roomy() -> Limits {
    Limits {
        pairs_max: 10_000,
        streams_per_seat_max: 1_000,
        streams_max: 10_000,
        sessions_per_seat_max: 100,
        chat_room: ChatRoom {
            messages_max: 1_000_000,
            bytes_max: u64::MAX,
        },
        journal_queue_len_max: 10_000,
        journal_batch_len_max: 1_000,
        sends_per_seat_per_second: 1_000_000,
        sends_per_seat_burst: 1_000_000,
        logins_per_chat_per_minute: 1_000_000,
        pair_rest_after: LONG,
        presence_grace: Duration::from_millis(50),
        sweep_interval: Duration::from_millis(20),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_partitions(1)
    }

    /// With a store of several partitions.
    pub(crate) fn with_partitions(partitions: usize) -> Self {
        let time = FakeClock::default();
        let hub = MemoryHub::default();
        Self {
            store: MemoryStore::with_partitions(partitions, time.clone()),
            observer: hub.attach(),
            hub,
            time,
        }
    }

    /// Starts an instance on three arbiters.
    pub(crate) fn instance(&self, limits: Limits) -> Instance {
        self.instance_by(self.time.clone(), limits)
    }

    /// Starts an instance whose own clock is so many milliseconds ahead of the store's.
    pub(crate) fn instance_with_wrong_clock(&self, ahead_ms: i64, limits: Limits) -> Instance {
        let clock = WrongClock {
            right: self.time.clone(),
            ahead_ms,
        };
        self.instance_by(clock, limits)
    }

    fn instance_by(&self, clock: impl Clock, limits: Limits) -> Instance {
        let store = self.store.another();
        let bus = self.hub.attach();
        let clock = FaultyClock::new(clock);
        let registry = Registry::new();
        let arbiters: Vec<Arbiter> = (0..ARBITERS).map(|_| Arbiter::new()).collect();
        let adapters = Adapters {
            store: Arc::new(store.clone()),
            bus: Arc::new(bus.clone()),
            clock: Arc::new(clock.clone()),
        };
        let handles = arbiters.iter().map(Arbiter::handle).collect();
        let tasks = Tasks::register(&registry);
        let metrics = Metrics::register(&registry);
        let pairs = actors::start(adapters, limits, handles, metrics, &tasks);
        Instance {
            pairs,
            store,
            bus,
            clock,
            tasks,
            registry,
            arbiters,
        }
    }

    /// Makes a chat between Abhi and Anny.
    pub(crate) async fn chat(&self) -> PairHash {
        self.chat_where(|_| true).await
    }

    /// A fresh chat whose second seat has no name yet.
    pub(crate) async fn unnamed_chat(&self) -> PairHash {
        let unnamed = |chat| NewChat {
            name_two: None,
            ..chat
        };
        self.chat_like(unnamed).await
    }

    /// A fresh encrypted chat.
    pub(crate) async fn encrypted_chat(&self) -> PairHash {
        let auth = SecretDigest::from_bytes([7; 32]);
        let encrypted = |chat| NewChat {
            encryption: Some(Encryption { auth }),
            ..chat
        };
        self.chat_like(encrypted).await
    }

    async fn chat_like(&self, made: impl FnOnce(NewChat) -> NewChat) -> PairHash {
        let hash = PairHash::generate(&mut rand::rng());
        let new = made(new_chat(ChatKey::of(&hash)));
        self.store.register(new).await.unwrap();
        hash
    }

    /// Makes a chat with a key of some kind.
    pub(crate) async fn chat_where(&self, wanted: impl Fn(ChatKey) -> bool) -> PairHash {
        let mut hashes = std::iter::repeat_with(|| PairHash::generate(&mut rand::rng()));
        let hash = hashes
            .find(|hash| wanted(ChatKey::of(hash)))
            .expect("it goes on for ever");
        let new = new_chat(ChatKey::of(&hash));
        let registered = self.store.register(new).await.unwrap();
        assert!(matches!(registered, Registered::Made { .. }));
        hash
    }

    /// A chat as the store knows it.
    pub(crate) async fn load(&self, key: ChatKey) -> Chat {
        match self.store.load(key).await.unwrap() {
            Ok(chat) => chat,
            other => panic!("expected a living chat, got {other:?}"),
        }
    }

    /// All messages of a chat as the store knows them.
    pub(crate) async fn history(&self, key: ChatKey) -> Vec<Message> {
        match self
            .store
            .history(Principal::Server(key), Page::After(0), 10_000)
            .await
            .unwrap()
        {
            Ok(page) => page.messages,
            other => panic!("expected a living chat, got {other:?}"),
        }
    }

    /// Waits until the bus knows of streams at exactly these seats of a chat.
    pub(crate) async fn until_open(&self, key: ChatKey, open: [bool; 2]) {
        eventually(&format!("seats are open as {open:?}"), || async {
            self.observer.open_elsewhere(key).await.unwrap() == BySeat(open)
        })
        .await;
    }

    /// Waits for as long as somebody who leaves now is counted as there, in a chat on the same
    /// arbiter: whoever left before has then been announced.
    pub(crate) async fn pass_grace(&self, instance: &Instance, beside: ChatKey) {
        let arbiter = |key: ChatKey| key.spread() % ARBITERS;
        let hash = self.chat_where(|key| arbiter(key) == arbiter(beside)).await;
        let [abhi, anny] = instance.couple_of(&hash).await;
        let (watcher, leaver) = (Watch::open(&abhi).await, Watch::open(&anny).await);
        leaver.close();
        watcher.until_presence(Seat::Two, &[true, false]).await;
    }
}

/// Set to another time than the store's, and as fast.
struct WrongClock {
    right: FakeClock,
    ahead_ms: i64,
}

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.right.now().unix_ms() + self.ahead_ms)
    }

    fn uptime(&self) -> Duration {
        self.right.uptime()
    }
}

/// Dropping an instance stops it as a crash would: nobody is told anything.
impl Drop for Instance {
    fn drop(&mut self) {
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
    }
}

impl Instance {
    /// Seats both people of a fresh chat at this instance.
    pub(crate) async fn couple(&self, world: &World) -> [Person; 2] {
        let hash = world.chat().await;
        self.couple_of(&hash).await
    }

    /// Seats both people of a chat at this instance.
    pub(crate) async fn couple_of(&self, hash: &PairHash) -> [Person; 2] {
        let abhi = Person::sit(self, hash, Seat::One).await;
        [abhi, Person::sit(self, hash, Seat::Two).await]
    }

    /// A counter's or gauge's value.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name);
        let metric = &family.expect("the metric is registered").get_metric()[0];
        metric.get_gauge().get_value() + metric.get_counter().get_value()
    }

    /// Waits until a counter or gauge has a value.
    pub(crate) async fn until_metric(&self, name: &str, value: f64) {
        eventually(&format!("{name} is {value}"), || async {
            self.metric(name) == value
        })
        .await;
    }

    /// Waits until a chat's pair has left memory.
    pub(crate) async fn until_asleep(&self, key: ChatKey) {
        eventually("a pair goes to rest", || async {
            !self.bus.is_subscribed(key)
        })
        .await;
    }

    /// Waits until the store was asked for so many commits.
    pub(crate) async fn until_appends(&self, count: usize) {
        eventually("a commit begins", || async {
            self.store.batch_lens().len() >= count
        })
        .await;
    }

    /// Waits until this many pairs are in memory.
    pub(crate) async fn until_pairs(&self, pairs: u32) {
        self.until_metric("duet_pairs", f64::from(pairs)).await;
    }
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

/// The name at a seat of every chat here.
pub(crate) fn name_at(seat: Seat) -> UserName {
    match seat {
        Seat::One => name("Abhi"),
        Seat::Two => name("Anny"),
    }
}
