//! Any store, with its calls measured.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actors::{
    domain::{
        AskWord, Caller, Chat, ChatKey, CodeDigest, Draft, Page, SecretDigest, Seq, Timestamp,
        UserName,
    },
    metrics::{Counted, register},
    ports::{
        Access, Answered, Appended, AskFound, By, ChatRoom, Claim, Claimed, DeferredWrite, Ending,
        HistoryPage, Lookup, NewAsk, NewChat, Peer, Position, Registered, Replaced, SessionChoice,
        Store, StoreError, Verdict,
    },
};
use async_trait::async_trait;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, exponential_buckets,
};
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long a write may take that tries the store.
const PING_DEADLINE: Duration = Duration::from_secs(2);
/// How long a successful ping answers for the next ones.
const PING_HOLDS: Duration = Duration::from_millis(500);

/// A store whose calls are counted and timed, by kind.
pub(super) struct Metered {
    store: Arc<dyn Store>,
    in_flight: IntGauge,
    up: IntGauge,
    last_ping: Mutex<Option<Instant>>,
    seconds: HistogramVec,
    failures: IntCounterVec,
}

impl Metered {
    pub(super) fn new(store: Arc<dyn Store>, registry: &Registry) -> Self {
        let in_flight = IntGauge::new(
            "duet_store_calls_in_flight",
            "Calls of the store that have not been answered yet.",
        );
        let up = IntGauge::new(
            "duet_store_up",
            "Whether the store took the last write that tried it (1) or not (0).",
        );
        let buckets = exponential_buckets(0.000_25, 2.0, 15).expect("they are positive");
        let seconds = HistogramOpts::new(
            "duet_store_call_seconds",
            "Time of a call of the store, in seconds, by kind.",
        );
        let failures = Opts::new(
            "duet_store_failures_total",
            "Calls that the store did not carry out, by kind.",
        );
        let failures = register(registry, IntCounterVec::new(failures, &["call"]));
        for call in ["expire", "purge"] {
            // What is to be told of must be there before it happens: an increase from nothing is none.
            failures.with_label_values(&[call]);
        }
        Self {
            store,
            in_flight: register(registry, in_flight),
            up: register(registry, up),
            last_ping: Mutex::default(),
            seconds: register(
                registry,
                HistogramVec::new(seconds.buckets(buckets), &["call"]),
            ),
            failures,
        }
    }

    async fn meter<T>(
        &self,
        kind: &str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // A caller may go away before it is answered.
        let _in_flight = Counted::new(&self.in_flight);
        let timer = self.seconds.with_label_values(&[kind]).start_timer();
        let done = call.await;
        timer.observe_duration();
        if done.is_err() {
            self.failures.with_label_values(&[kind]).inc();
        }
        done
    }
}

#[async_trait]
impl Store for Metered {
    fn lanes(&self) -> usize {
        self.store.lanes()
    }

    fn partitions(&self) -> usize {
        self.store.partitions()
    }

    fn partition(&self, key: ChatKey) -> usize {
        self.store.partition(key)
    }

    fn suits(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        self.store.suits(key, registration)
    }

    fn away(&self) -> Vec<String> {
        self.store.away()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Anybody may ask whether this instance is ready, so they share the writes that it takes.
        let mut last = self.last_ping.lock().await;
        if last.is_some_and(|last| last.elapsed() < PING_HOLDS) {
            return Ok(());
        }
        let ping = async {
            let late = |_| {
                Err(StoreError::Unavailable(
                    "no write was confirmed in time".into(),
                ))
            };
            let done = tokio::time::timeout(PING_DEADLINE, self.store.ping()).await;
            done.unwrap_or_else(late)
        };
        let done = self.meter("ping", ping).await;
        self.up.set(done.is_ok().into());
        *last = done.is_ok().then(Instant::now);
        done
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError> {
        self.meter("reserve", self.store.reserve(key, hold)).await
    }

    async fn register(&self, new: NewChat) -> Result<Registered, StoreError> {
        self.meter("register", self.store.register(new)).await
    }

    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Lookup<bool>, StoreError> {
        let call = self.store.name_seat_two(key, name);
        self.meter("name_seat_two", call).await
    }

    async fn status(&self, key: ChatKey) -> Result<Lookup<()>, StoreError> {
        self.meter("status", self.store.status(key)).await
    }

    async fn load(&self, key: ChatKey) -> Result<Lookup<Chat>, StoreError> {
        self.meter("load", self.store.load(key)).await
    }

    async fn check_sessions(&self, callers: &[Caller]) -> Result<Vec<Access<Seq>>, StoreError> {
        let call = self.store.check_sessions(callers);
        self.meter("check_sessions", call).await
    }

    async fn positions(&self, keys: &[ChatKey]) -> Result<Vec<Option<Position>>, StoreError> {
        self.meter("positions", self.store.positions(keys)).await
    }

    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        let call = self.store.append(drafts, room);
        self.meter("append", call).await
    }

    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        let call = self.store.append_waiting(drafts, room);
        self.meter("append_waiting", call).await
    }

    async fn history(
        &self,
        by: By,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        let call = self.store.history(by, page, limit);
        self.meter("history", call).await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError> {
        self.meter("take_seat", self.store.take_seat(claim)).await
    }

    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError> {
        self.meter("end_session", self.store.end_session(by, which))
            .await
    }

    async fn set_return_code(
        &self,
        by: Caller,
        code: CodeDigest,
    ) -> Result<Access<()>, StoreError> {
        let call = self.store.set_return_code(by, code);
        self.meter("set_return_code", call).await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError> {
        let call = self.store.set_device_code(by, code, valid);
        self.meter("set_device_code", call).await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Lookup<()>, StoreError> {
        self.meter("ask", self.store.ask(key, ask)).await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<AskFound>, StoreError> {
        self.meter("ask_state", self.store.ask_state(key, digest))
            .await
    }

    async fn answer(
        &self,
        by: Caller,
        word: AskWord,
        verdict: Verdict,
    ) -> Result<Access<Answered>, StoreError> {
        let call = self.store.answer(by, word, verdict);
        self.meter("answer", call).await
    }

    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError> {
        self.meter("replaced", self.store.replaced(key, digest))
            .await
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        self.meter("write_deferred", self.store.write_deferred(writes))
            .await
    }

    async fn end(&self, by: By) -> Result<Ending, StoreError> {
        self.meter("end", self.store.end(by)).await
    }

    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
        self.meter("expire", self.store.expire(limit)).await
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
        let call = self.store.purge(limit, tombstone_life);
        self.meter("purge", call).await
    }

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
        self.meter("beat", self.store.beat(own, bus_address)).await
    }

    async fn count_chats(&self) -> Result<u64, StoreError> {
        self.meter("count_chats", self.store.count_chats()).await
    }
}
