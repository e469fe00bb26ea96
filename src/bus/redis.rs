//! Redis as the courier: pub/sub between any number of instances.
//!
//! Redis holds nothing of a chat but which seats are open on which instance. Whatever it loses is
//! found again in the store: a socket can be open and deaf, so its health is judged by what it
//! delivers. Every instance beats on a common channel and listens for its own beat and for every
//! peer's; a beat that stays away, a peer that dies and every reconnect mean that notices may have
//! been lost, and the pairs in memory are compared with the store.

mod commands;
mod subscriber;
mod wire;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix::{Recipient, dev::SendError};
use actors::{
    domain::{BySeat, ChatKey, Seat},
    ports::{Bus, BusError, BusEvent, Notice},
};
use async_trait::async_trait;
use redis::{
    AsyncCommands, Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::sync::{Notify, mpsc, oneshot};
use wire::Boot;

/// How long one command may take.
const DEADLINE: Duration = Duration::from_secs(1);
/// How long a subscription waits to be confirmed before the chat is opened without it.
const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(2);
/// What may wait to be sent; past that the others are told to read from the store.
const OUTBOX_LEN_MAX: usize = 20_000;
/// The channel that all instances beat on.
const COMMON_CHANNEL: &str = "duet:instances";
/// How often an instance beats.
const BEAT_INTERVAL: Duration = Duration::from_millis(250);
/// An instance whose beat stays away for so long counts as gone, and so does a deaf socket.
const SILENCE_MAX: Duration = Duration::from_millis(1_250);
/// How long an instance's lease outlives its last renewal.
const LEASE: Duration = Duration::from_secs(3);

/// The courier of one instance.
pub struct RedisBus {
    shared: Arc<Shared>,
}

/// What the bus and its tasks share.
struct Shared {
    boot: Boot,
    client: Client,
    commands: ConnectionManager,
    outbox: mpsc::Sender<Outgoing>,
    /// Set when the outbox ran over: the others have to read from the store.
    lost: AtomicBool,
    /// Set when this instance is on its way out: it beats no more.
    leaving: AtomicBool,
    listener: OnceLock<Recipient<BusEvent>>,
    subscriptions: Mutex<Subscriptions>,
    /// Wakes the subscriber when a subscription is wanted or no longer wanted.
    changed: Notify,
    /// What this instance has open, to be written again when Redis has lost it.
    open: Mutex<HashMap<ChatKey, BySeat<bool>>>,
}

/// Which chats are wanted, and who waits for which to be confirmed.
#[derive(Default)]
struct Subscriptions {
    wanted: HashSet<ChatKey>,
    waiting: HashMap<ChatKey, Vec<oneshot::Sender<()>>>,
    confirmed: HashSet<ChatKey>,
}

/// What waits to be sent, in order.
enum Outgoing {
    Publish {
        channel: String,
        parcel: Vec<u8>,
    },
    Open {
        key: ChatKey,
        open: BySeat<bool>,
    },
    /// The lease is given up, and the sender dropped when Redis knows it.
    Leave(#[expect(dead_code, reason = "told by being dropped")] oneshot::Sender<()>),
}

impl RedisBus {
    /// Starts the bus; a server that is away is waited for. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`BusError`] when the address cannot be used at all.
    pub fn start(url: &str) -> Result<Self, BusError> {
        let client = Client::open(url).map_err(bus_error)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(DEADLINE))
            .set_connection_timeout(Some(DEADLINE))
            .set_min_delay(Duration::from_millis(20))
            .set_max_delay(Duration::from_millis(250))
            .set_number_of_retries(3);
        let commands =
            ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(bus_error)?;
        let (outbox, outgoing) = mpsc::channel(OUTBOX_LEN_MAX);
        let shared = Arc::new(Shared {
            boot: Boot::new_v4(),
            client,
            commands,
            outbox,
            lost: false.into(),
            leaving: false.into(),
            listener: OnceLock::new(),
            subscriptions: Mutex::default(),
            changed: Notify::new(),
            open: Mutex::default(),
        });
        let weak = Arc::downgrade(&shared);
        tokio::spawn(commands::send(weak.clone(), outgoing));
        tokio::spawn(commands::beat(weak.clone()));
        tokio::spawn(subscriber::run(weak));
        Ok(Self { shared })
    }
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ChatKey, BySeat<bool>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, outgoing: Outgoing) {
        if self.outbox.try_send(outgoing).is_err() {
            self.lost.store(true, Ordering::Release);
        }
    }

    /// Hands an event to the relay. One that has no room for a notice is told what it missed.
    fn deliver(&self, event: BusEvent) {
        let Some(listener) = self.listener.get() else {
            return;
        };
        match listener.try_send(event) {
            Err(SendError::Full(BusEvent::Notice(key, _))) => {
                listener.do_send(BusEvent::Missed(Some(vec![key])));
            }
            Err(SendError::Full(missed)) => listener.do_send(missed),
            Ok(()) | Err(SendError::Closed(_)) => {}
        }
    }
}

fn channel(key: ChatKey) -> String {
    format!("duet:chat:{}", key.tag())
}

fn key_of(channel: &str) -> Option<ChatKey> {
    ChatKey::from_tag(channel.strip_prefix("duet:chat:")?)
}

/// Where it is kept at which seats of a chat which instance has a stream open.
fn open_key(key: ChatKey) -> String {
    format!("duet:open:{}", key.tag())
}

fn lease_key(boot: &str) -> String {
    format!("duet:lease:{boot}")
}

/// Seats as a number: 1 for seat 1, 2 for seat 2, 3 for both.
fn bits(open: BySeat<bool>) -> u8 {
    u8::from(open[Seat::One]) | u8::from(open[Seat::Two]) << 1
}

fn bus_error(error: RedisError) -> BusError {
    BusError(error.to_string())
}

#[async_trait]
impl Bus for RedisBus {
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError> {
        let confirmed = {
            let mut subscriptions = self.shared.subscriptions();
            subscriptions.wanted.insert(key);
            if subscriptions.confirmed.contains(&key) {
                return Ok(());
            }
            let (confirm, confirmed) = oneshot::channel();
            subscriptions.waiting.entry(key).or_default().push(confirm);
            confirmed
        };
        self.shared.changed.notify_one();
        match tokio::time::timeout(SUBSCRIBE_DEADLINE, confirmed).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(BusError(
                "Redis did not confirm a subscription in time".into(),
            )),
        }
    }

    fn unsubscribe(&self, key: ChatKey) {
        let mut subscriptions = self.shared.subscriptions();
        subscriptions.wanted.remove(&key);
        subscriptions.waiting.remove(&key);
        drop(subscriptions);
        self.shared.changed.notify_one();
    }

    fn publish(&self, key: ChatKey, notice: Notice) {
        let parcel = wire::write(self.shared.boot, &notice);
        self.shared.queue(Outgoing::Publish {
            channel: channel(key),
            parcel,
        });
    }

    fn set_open(&self, key: ChatKey, open: BySeat<bool>) {
        let before = match bits(open) {
            0 => self.shared.open().remove(&key),
            _ => self.shared.open().insert(key, open),
        };
        if before.unwrap_or_default() != open {
            self.shared.queue(Outgoing::Open { key, open });
        }
    }

    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError> {
        let mut commands = self.shared.commands.clone();
        let open: HashMap<String, u8> = commands.hgetall(open_key(key)).await.map_err(bus_error)?;
        let own = self.shared.boot.to_string();
        let others: Vec<(String, u8)> = open.into_iter().filter(|(boot, _)| *boot != own).collect();
        let mut elsewhere = BySeat::default();
        if others.is_empty() {
            return Ok(elsewhere);
        }
        // What an instance said counts only while it lives.
        let leases: Vec<String> = others.iter().map(|(boot, _)| lease_key(boot)).collect();
        let alive: Vec<Option<u8>> = commands.mget(leases).await.map_err(bus_error)?;
        for ((_, bits), _) in others
            .iter()
            .zip(alive)
            .filter(|(_, lease)| lease.is_some())
        {
            elsewhere[Seat::One] |= bits & 1 != 0;
            elsewhere[Seat::Two] |= bits & 2 != 0;
        }
        Ok(elsewhere)
    }

    fn listen(&self, listener: Recipient<BusEvent>) {
        // Named once, before the first subscription, as the port says.
        let _ = self.shared.listener.set(listener);
    }

    async fn leave(&self) {
        self.shared.leaving.store(true, Ordering::Release);
        let (done, left) = oneshot::channel();
        // Behind everything that still waits; where Redis is away the others find out by themselves.
        self.shared.queue(Outgoing::Leave(done));
        let _ = tokio::time::timeout(DEADLINE, left).await;
    }

    async fn ping(&self) -> Result<(), BusError> {
        let mut commands = self.shared.commands.clone();
        redis::cmd("PING")
            .exec_async(&mut commands)
            .await
            .map_err(bus_error)
    }
}

#[cfg(test)]
mod tests {
    use actors::testing::Buses;
    use loadtest::servers::Redis;

    use super::*;

    async fn open() -> Buses {
        let server = Redis::start().unwrap();
        let start = || Arc::new(RedisBus::start(&server.url()).unwrap());
        let (here, there) = (start(), start());
        Buses::new(here, there, server)
    }

    actors::bus_suite!(open);
}
