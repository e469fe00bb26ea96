//! The bus on Redis: sharded pub/sub between any number of instances, over one server or a cluster. A single server is
//! treated as a cluster of one shard.
//!
//! Of a chat, Redis holds only which seats are open on which instance. Whatever it loses is read from the store. A
//! socket can be open and deliver nothing, so a shard's health is judged by what it delivers: every instance publishes
//! beats on a channel of its own at each shard and listens to it. Each shard keeps a list of the live instances, and
//! each instance watches the leases of two others. A missing beat, a dead peer and every new subscription mean that
//! notices may have been lost; then exactly the chats of that shard are compared with the store.

mod chats;
mod examine;
mod health;
mod heard_beats;
mod heartbeat;
mod layout;
mod link;
mod members;
mod metrics;
mod names;
mod other_service;
mod publisher;
mod sentinel;
mod server;
mod shard;
mod subscriber;
mod suitable;
mod watch;
pub mod wire;

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use actors::{
    Tasks,
    domain::{BySeat, ChatKey, Notice},
    ports::{Bus, BusError, BusMembership, BusState, Inbox},
};
use async_trait::async_trait;
use futures_util::future::{join_all, select_ok};
use parking_lot::RwLock;
use prometheus::Registry;
use redis::{Pipeline, RedisError, RedisResult};
use tokio::sync::Notify;
use tracing::warn;
use uuid::Uuid;

use self::{
    layout::{Layout, Ranges},
    metrics::Metrics,
    names::ShardTag,
    publisher::Outgoing,
    server::{Address, DEADLINE, Servers},
    shard::Shard,
    wire::Boot,
};
use super::OpenError;
use crate::config::RedisUrl;

/// How long to wait for the confirmation of a subscription before the chat is opened without it.
const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(2);

/// How often a stopping instance checks whether its last notices were sent.
const LEAVE_POLL: Duration = Duration::from_millis(10);

/// One instance's connection to the bus.
pub struct RedisBus(Arc<Shared>);

/// What the bus and its tasks share.
struct Shared {
    boot: Boot,
    /// The boot id as text.
    own_name: String,
    servers: Servers,
    metrics: Metrics,
    inbox: OnceLock<Inbox>,
    /// How often this instance has entered itself on a list.
    entries: AtomicU64,
    shards: RwLock<Ranges<Arc<Shard>>>,
    /// Notified when a shard suspects that the layout has changed.
    layout_in_doubt: Arc<Notify>,
    tasks: Tasks,
    /// Set when this instance stops: it no longer beats, and no task is restarted.
    leaving: Arc<AtomicBool>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // A task's shard may outlive this, and must then not be restarted.
        self.leaving.store(true, Ordering::Release);
    }
}

impl RedisBus {
    /// Starts the bus. It connects once, so that a wrong address or password is reported; a server that is only
    /// unreachable is not an error. Must be called inside an actix system.
    ///
    /// # Errors
    /// [`OpenError`] when waiting would not help.
    pub async fn start(
        url: &RedisUrl,
        tls_ca: Option<&Path>,
        registry: &Registry,
        tasks: &Tasks,
    ) -> Result<Self, OpenError> {
        let boot = Boot::new_v4();
        let shared = Arc::new(Shared {
            boot,
            own_name: boot.to_string(),
            metrics: Metrics::register(registry),
            inbox: OnceLock::new(),
            entries: AtomicU64::new(0),
            shards: RwLock::new(Ranges::none()),
            layout_in_doubt: Arc::default(),
            tasks: tasks.clone(),
            leaving: Arc::default(),
            servers: Servers::new(url, tls_ca)?,
        });
        let first = shared.servers.seeds.first();
        let first = first.expect("an address names a server").clone();
        let by_sentinel = shared.servers.sentinels.is_some();
        shared.apply_layout(Ranges::of_one(match by_sentinel {
            // A placeholder without a server, until a sentinel has named the master.
            true => Address {
                port: 0,
                ..first.clone()
            },
            false => first.clone(),
        }));
        let mut found = true;
        if by_sentinel || shared.servers.cluster {
            match layout::discover(&shared.servers, &[]).await {
                Ok(layout) => drop(shared.apply_layout(layout)),
                Err(error) => {
                    server::accept_if_away(&error, &shared.servers, &first).await?;
                    found = !by_sentinel;
                }
            }
            shared.spawn_task("bus_layout", Arc::downgrade(&shared), layout::watch);
        }
        for shard in shared.shards().into_iter().filter(|_| found) {
            match suitable::try_once(&shared, &shard).await {
                // Waits for the first beat, so that presence is known from the first request on.
                Ok(()) => _ = tokio::time::timeout(DEADLINE, shard.health.until_known()).await,
                Err(error) => server::accept_if_away(&error, &shared.servers, &first).await?,
            }
        }
        Ok(Self(shared))
    }
}

impl Shared {
    /// Supervises a task for as long as `of` exists.
    fn spawn_task<T: Send + Sync + 'static, F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        of: Weak<T>,
        task: impl Fn(Weak<T>) -> F + Send + Sync + 'static,
    ) {
        let (tasks, leaving) = (self.tasks.clone(), self.leaving.clone());
        tokio::spawn(async move {
            let needed = || of.strong_count() > 0 && !leaving.load(Ordering::Acquire);
            tasks
                .supervise_while(name, needed, || task(of.clone()))
                .await;
        });
    }

    /// Calls `with` on the shard that serves a chat. The layout cannot change during the call.
    fn with_shard<T>(&self, key: ChatKey, with: impl FnOnce(&Arc<Shard>) -> T) -> T {
        let shards = self.shards.read();
        with(shards.of(key))
    }

    fn shards(&self) -> Vec<Arc<Shard>> {
        let shards = self.shards.read();
        distinct(&shards)
    }

    /// Applies a layout. Shards that did not change keep their state, and chats that are served by another shard now are
    /// moved there. Returns whether anything changed.
    fn apply_layout(self: &Arc<Self>, layout: Layout) -> bool {
        let mut shards = self.shards.write();
        if shards.map(|shard| shard.address().clone()) == layout {
            return false;
        }
        let before = distinct(&shards);
        let mut made: Vec<Arc<Shard>> = Vec::new();
        let after = layout.map(|address| {
            let tag = ShardTag::of(|slot| layout.at(slot) == address);
            let tag = tag.expect("every range has a slot, and every slot a tag");
            let known = before.iter().chain(&made);
            let mut known = known.filter(|shard| shard.address() == address && shard.tag == tag);
            let shard = known.next().cloned();
            let shard = shard.unwrap_or_else(|| {
                let old = (!before.is_empty()).then(|| &**shards.at(tag.slot()));
                Shard::start(address.clone(), tag, self, old)
            });
            made.push(shard.clone());
            shard
        });
        for old in &before {
            let moved = old
                .chats
                .lock()
                .move_out(|key| Arc::ptr_eq(after.of(key), old));
            for chat in moved {
                after.of(chat.key).chats.lock().move_in(chat);
            }
        }
        for shard in before.iter().chain(&made) {
            shard.subscriptions_changed.notify_one();
            shard.writes_wait.notify_one();
        }
        *shards = after;
        true
    }
}

fn distinct(shards: &Ranges<Arc<Shard>>) -> Vec<Arc<Shard>> {
    let mut distinct: Vec<Arc<Shard>> = Vec::new();
    for shard in shards.each() {
        if !distinct.iter().any(|known| Arc::ptr_eq(known, shard)) {
            distinct.push(shard.clone());
        }
    }
    distinct
}

fn bus_error(error: &RedisError) -> BusError {
    BusError(server::plain(error))
}

#[async_trait]
impl Bus for RedisBus {
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError> {
        let (shard, confirmed) = self.0.with_shard(key, |shard| {
            let confirmed = shard.chats.lock().subscribe(key);
            shard.subscriptions_changed.notify_one();
            (shard.clone(), confirmed)
        });
        let Some(confirmed) = confirmed else {
            return Ok(());
        };
        tokio::select! {
            biased;
            Ok(()) = confirmed => Ok(()),
            // When the server is back the chat is subscribed and reported as missed.
            () = shard.health.until_away() => Err(BusError("Redis is away".into())),
            () = tokio::time::sleep(SUBSCRIBE_DEADLINE) => Err(BusError(
                "Redis did not confirm a subscription in time".into(),
            )),
        }
    }

    fn unsubscribe(&self, key: ChatKey) {
        self.0.with_shard(key, |shard| {
            shard.chats.lock().unsubscribe(key);
            shard.subscriptions_changed.notify_one();
        });
    }

    fn publish(&self, key: ChatKey, notice: Notice) {
        let payload = wire::write(self.0.boot, &notice);
        self.0
            .with_shard(key, |shard| shard.queue(Outgoing { key, payload }));
    }

    fn set_open(&self, key: ChatKey, open: BySeat<bool>) {
        self.0.with_shard(key, |shard| {
            if shard.chats.lock().set_open(key, open) {
                shard.writes_wait.notify_one();
            }
        });
    }

    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError> {
        let shard = self.0.with_shard(key, Arc::clone);
        if shard.health.state() == BusState::Away {
            return Err(BusError("Redis is away".into()));
        }
        let open = open_seats(&shard, key, &self.0.own_name).await;
        open.map_err(|error| bus_error(&error))
    }

    fn forget(&self, key: ChatKey) {
        self.0.with_shard(key, |shard| {
            shard.chats.lock().forget(key);
            shard.subscriptions_changed.notify_one();
            shard.writes_wait.notify_one();
        });
    }

    fn listen(&self, inbox: Inbox) {
        // The port promises that this is called once.
        let _ = self.0.inbox.set(inbox);
    }

    async fn leave(&self) {
        self.0.leaving.store(true, Ordering::Release);
        let shards = self.0.shards();
        let shards = shards.iter().map(|shard| leave(shard));
        // If Redis is away the others detect it.
        let _ = tokio::time::timeout(DEADLINE, join_all(shards)).await;
    }

    /// Succeeds if any shard answers: a shard that is away affects its own chats only.
    async fn ping(&self) -> Result<(), BusError> {
        let mut ping = Pipeline::with_capacity(1);
        ping.cmd("PING");
        let shards = self.0.shards();
        let pings = shards.iter().map(|shard| Box::pin(shard.run(&ping)));
        let answered = select_ok(pings).await;
        answered.map(drop).map_err(|error| bus_error(&error))
    }

    fn state(&self, key: ChatKey) -> BusState {
        self.0.with_shard(key, |shard| shard.health.state())
    }

    fn worst_state(&self) -> BusState {
        let shards = self.0.shards().into_iter();
        let states = shards.map(|shard| shard.health.state());
        states.max().unwrap_or(BusState::Up)
    }

    /// A peer counts as heard when every shard's list has it as live.
    fn membership(&self) -> Option<BusMembership> {
        let shards = self.0.shards();
        let heard = shards.iter().map(|shard| -> HashSet<Uuid> {
            let members = shard.members.lock();
            let alive = members.alive();
            alive.filter_map(|peer| peer.parse().ok()).collect()
        });
        let addresses = shards
            .iter()
            .map(|shard| self.0.servers.location(shard.address()));
        Some(BusMembership {
            own: self.0.boot,
            address: addresses.collect::<Vec<String>>().join(", "),
            heard: heard.reduce(|all, some| &all & &some).unwrap_or_default(),
            is_complete: shards
                .iter()
                .all(|shard| shard.members.lock().are_complete()),
        })
    }
}

/// Leaves a shard after everything queued was sent.
async fn leave(shard: &Shard) {
    while shard.queued() > 0 {
        tokio::time::sleep(LEAVE_POLL).await;
    }
    if let Err(error) = heartbeat::last(shard).await {
        let error = server::plain(&error);
        warn!(server = %shard.address(), error, "the others are not told that this instance leaves");
    }
}

/// At which seats of a chat other live instances have a stream open. An unknown instance may have just started, so its
/// lease is checked.
///
/// Redis may have lost its data a moment ago. If the list of instances still has the stamp that was read last, it has not.
/// Otherwise the list is read again, which shows whose presence is missing, and then the presence.
///
/// # Errors
/// Also while the presence of a living instance is missing.
async fn open_seats(shard: &Shard, key: ChatKey, own_name: &str) -> RedisResult<BySeat<bool>> {
    watch::check_complete(shard)?;
    let mut ask = Pipeline::with_capacity(2);
    ask.cmd("HGETALL").arg(names::open(key));
    // After the presence, so that it is not older.
    ask.cmd("HGET").arg(shard.tag.instances()).arg(watch::STAMP);
    let open = loop {
        let (open, stamp): (HashMap<String, u8>, Option<String>) = shard.ask(&ask).await?;
        if !watch::read_if_outdated(shard, stamp.as_deref()).await? {
            break open;
        }
    };
    watch::check_complete(shard)?;
    let unknown = shard.members.lock().unknown(open.keys(), own_name);
    let dead = watch::without_lease(shard, unknown).await?;
    let alive = open
        .iter()
        .filter(|(instance, _)| *instance != own_name && !dead.contains(instance));
    Ok(publisher::seats(
        alive.fold(0, |all, (_, seats)| all | seats),
    ))
}

#[cfg(test)]
mod tests;
