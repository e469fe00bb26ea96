//! One shard: a server and this instance's state for it. A single server is a cluster of one shard.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actors::domain::ChatKey;
use parking_lot::Mutex;
use redis::{FromRedisValue, Pipeline, RedisError, RedisResult, Value};
use tokio::sync::{Notify, mpsc};
use tracing::info;

use super::{
    Shared,
    chats::Chats,
    health::Health,
    heard_beats::HeardBeats,
    heartbeat,
    link::Link,
    members::Members,
    metrics::{Metrics, State},
    names::ShardTag,
    publisher::{self, Outgoing},
    server::{self, Address},
    subscriber,
};

/// Notices that may be queued; past that the peers are told to read from the store.
const OUTBOX_LEN_MAX: usize = 20_000;

/// After a server has been away this long notices for it are dropped instead of queued. One that refuses presence or notices
/// for this long counts as away.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// A shard, for as long as the same server serves it.
pub(super) struct Shard {
    pub(super) tag: ShardTag,
    pub(super) shared: Weak<Shared>,
    pub(super) own_name: String,
    pub(super) metrics: Metrics,
    link: Link,
    outbox: mpsc::Sender<Outgoing>,
    /// Locked by the task that sends. The queue outlives that task when it panics.
    pub(super) outgoing: Arc<tokio::sync::Mutex<mpsc::Receiver<Outgoing>>>,
    pub(super) chats: Mutex<Chats>,
    pub(super) heard_beats: Mutex<HeardBeats>,
    pub(super) members: Mutex<Members>,
    /// Held by whoever writes presence.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// Held by whoever reads the list of instances between two beats.
    pub(super) reading: tokio::sync::Mutex<()>,
    pub(super) health: Health,
    /// Makes the subscriber connect again.
    pub(super) reconnect: Notify,
    /// Wakes the subscriber.
    pub(super) subscriptions_changed: Notify,
    /// Wakes the sender when presence must be written, which is not in the outbox.
    pub(super) writes_wait: Arc<Notify>,
    /// Notices in the outbox, and those that the sender has taken and Redis has not confirmed.
    queued: AtomicUsize,
    /// Set when notices were dropped: the peers must read from the store.
    lost: AtomicBool,
    /// Set while presence or notices are refused, though beats may be taken.
    refuses: AtomicBool,
    /// Set when Redis may have older data, or none: with the next beat this instance writes all presence and enters itself
    /// again.
    must_enter: AtomicBool,
    /// Set when a peer has dropped notices: the chats are compared at the next probe, once for all such peers.
    peers_lost: AtomicBool,
}

impl Shard {
    /// Starts the tasks that send, beat and listen. They end with the shard. `before` is the shard whose place it takes.
    pub(super) fn start(
        address: Address,
        tag: ShardTag,
        shared: &Arc<Shared>,
        before: Option<&Self>,
    ) -> Arc<Self> {
        let members = before.map(|before| before.members.lock().hand_over());
        let lost = before.is_some_and(|before| before.lost.load(Ordering::Acquire));
        let (outbox, outgoing) = mpsc::channel(OUTBOX_LEN_MAX);
        let shard = Arc::new(Self {
            tag,
            shared: Arc::downgrade(shared),
            own_name: shared.own_name.clone(),
            metrics: shared.metrics.clone(),
            link: Link::new(address),
            outbox,
            outgoing: Arc::new(outgoing.into()),
            chats: Mutex::default(),
            heard_beats: Mutex::default(),
            members: Mutex::new(members.unwrap_or_default()),
            writing: tokio::sync::Mutex::default(),
            reading: tokio::sync::Mutex::default(),
            health: Health::new(),
            reconnect: Notify::new(),
            subscriptions_changed: Notify::new(),
            writes_wait: Arc::default(),
            queued: AtomicUsize::new(0),
            lost: lost.into(),
            refuses: false.into(),
            must_enter: true.into(),
            peers_lost: false.into(),
        });
        let weak = Arc::downgrade(&shard);
        shared.spawn_task("bus_send", weak.clone(), publisher::send);
        shared.spawn_task("bus_beat", weak.clone(), heartbeat::beat);
        shared.spawn_task("bus_listen", weak, subscriber::subscribe);
        shard
    }

    pub(super) fn address(&self) -> &Address {
        self.link.address()
    }

    /// Whether this instance is stopping.
    pub(super) fn is_leaving(&self) -> bool {
        let shared = self.shared.upgrade();
        shared.is_none_or(|shared| shared.leaving.load(Ordering::Acquire))
    }

    /// The number of this instance's next entry on a list: higher than at any server before.
    pub(super) fn next_entry(&self) -> u64 {
        let shared = self.shared.upgrade();
        shared.map_or(0, |shared| {
            1 + shared.entries.fetch_add(1, Ordering::AcqRel)
        })
    }

    /// Sends commands in one go; each has its own answer, which may be an error.
    pub(super) async fn run(&self, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
        match self.shared.upgrade() {
            Some(shared) => self.link.run(&shared.servers, pipeline).await,
            None => Err(std::io::Error::from(std::io::ErrorKind::NotConnected).into()),
        }
    }

    /// Sends commands in one go and reads all answers together. None of them may be an error.
    pub(super) async fn ask<T: FromRedisValue>(&self, pipeline: &Pipeline) -> RedisResult<T> {
        server::read(self.run(pipeline).await?)
    }

    /// A beat was accepted and heard.
    pub(super) fn set_up(&self) {
        if self.refuses.load(Ordering::Acquire) {
            return;
        }
        self.metrics.set_state(self.address(), State::Up);
        if self.health.set_up(self.address()) {
            self.set_must_enter(true);
            self.report_all_missed();
        }
    }

    /// Something failed that a healthy server would do.
    pub(super) fn set_away(&self, error: &RedisError) {
        self.heard_beats.lock().fail();
        self.members.lock().await_all();
        self.health.set_away(self.address(), &server::plain(error));
        self.metrics.set_state(self.address(), State::Away);
        if server::must_reconnect(error) {
            self.reconnect.notify_one();
        }
    }

    /// Whether notices are dropped instead of queued, because the server has been away for too long.
    pub(super) fn gave_up(&self) -> bool {
        self.health
            .away_for()
            .is_some_and(|away| away >= GIVE_UP_AFTER)
    }

    /// Queues a notice, or drops it and remembers that.
    pub(super) fn queue(&self, outgoing: Outgoing) {
        // Counted before it is there, or the sender could count it out first.
        self.queued.fetch_add(1, Ordering::AcqRel);
        self.metrics.outbox_len.inc();
        if self.gave_up() || self.outbox.try_send(outgoing).is_err() {
            self.lose_queued(1);
        }
    }

    /// Counts notices out of the queue: sent or passed on.
    pub(super) fn unqueue(&self, len: usize) {
        self.queued.fetch_sub(len, Ordering::AcqRel);
        self.metrics.outbox_len.sub(len as i64);
    }

    /// Counts queued notices as lost.
    pub(super) fn lose_queued(&self, lost: usize) {
        if lost > 0 {
            self.unqueue(lost);
            self.metrics.dropped.inc_by(lost as u64);
            self.set_lost(true);
        }
    }

    /// How many notices wait to be sent, or to be confirmed.
    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    pub(super) fn set_lost(&self, lost: bool) -> bool {
        self.lost.swap(lost, Ordering::AcqRel)
    }

    pub(super) fn set_refuses(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::Release);
    }

    pub(super) fn set_must_enter(&self, must: bool) -> bool {
        self.must_enter.swap(must, Ordering::AcqRel)
    }

    pub(super) fn set_peers_lost(&self, lost: bool) -> bool {
        self.peers_lost.swap(lost, Ordering::AcqRel)
    }

    /// A peer's lease has run out.
    pub(super) fn declare_dead(&self, peer: &str) {
        if self.members.lock().declare_dead(peer) {
            self.peer_died();
        }
    }

    /// A peer died, perhaps between a commit and its notice.
    pub(super) fn peer_died(&self) {
        info!("another instance is gone; the chats in memory are compared with the store");
        self.health.set_doubtful();
        self.report_all_missed();
    }

    /// Reports that notices of all its chats may have been lost.
    pub(super) fn report_all_missed(&self) {
        let wanted = self.chats.lock().wanted();
        self.report_missed(wanted);
    }

    pub(super) fn report_missed(&self, keys: Vec<ChatKey>) {
        if !keys.is_empty() {
            self.metrics.resyncs.inc();
            if let Some(shared) = self.shared.upgrade()
                && let Some(inbox) = shared.inbox.get()
            {
                inbox.report_missed(keys);
            }
        }
    }

    /// Has the layout read again, because it may have changed.
    pub(super) fn doubt_layout(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.layout_in_doubt.notify_one();
        }
    }

    /// Writes all presence that is not written yet.
    pub(super) async fn write_presence(&self) -> RedisResult<()> {
        match self.shared.upgrade() {
            Some(shared) => publisher::write_presence(&shared, self)
                .await?
                .into_result(),
            None => Ok(()),
        }
    }

    /// Has the presence of all open chats written again.
    pub(super) fn write_open_again(&self) {
        self.chats.lock().write_open_again();
        self.writes_wait.notify_one();
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        // Its sender passes them on to other shards, which count them again.
        self.unqueue(self.queued());
        self.metrics.forget(self.address());
    }
}
