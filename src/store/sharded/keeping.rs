//! Opens and watches the servers.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actors::{
    domain::Timestamp,
    ports::{Clock, Upkeep},
};
use futures_util::future::join_all;
use hashlink::LruCache;
use parking_lot::{Mutex, RwLock};
use prometheus::{IntGauge, IntGaugeVec, Registry};
use tracing::{error, info, warn};
use uuid::Uuid;

use super::{Known, LOCATED_LEN_MAX, Shard, ShardedStore, maps::Maps, spreading::initial_maps};
use crate::{
    config::{self, PostgresUrl},
    store::{
        Cause, Meter, OpenError, PostgresStore, open_with_retries,
        postgres::{self, PoolMetrics},
    },
};

/// How often every server is probed and asked for new maps.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long after it is written a map becomes current: every instance has read it by then.
pub(super) const NOTICE: Duration = Duration::from_secs(10);

actors::metrics! {
    /// The metrics of a store of several servers.
    pub(super) struct ShardMetrics {
        /// Whether a PostgreSQL server takes writes (1) or not (0), in a store of several servers. One that store.urls lacks
        /// is named by its identity, with 0.
        pub(super) up: IntGaugeVec = "duet_shard_up" by "server",
        /// PostgreSQL servers whose map of which servers take new chats is another one than this instance goes by. They
        /// register no chats.
        pub(super) maps_differ: IntGauge = "duet_shard_maps_differ",
    }
}

impl ShardedStore {
    /// Connects to the servers and migrates them. A server that is away is opened later, unless there are no
    /// maps yet. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`] names the server that is the problem.
    pub async fn open(
        urls: &[PostgresUrl],
        settings: &config::Store,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Arc<Self>, OpenError> {
        let shards = shards_at(urls, registry);
        let open = async || open_all(&shards, settings, clock.now()).await;
        let (maps, away) = open_with_retries(settings, open).await?;
        check_opened(&shards, &maps, clock.now())?;
        if let Some(error) = away {
            warn!(%error, "a server of the store is opened later");
        }
        let store = Arc::new(Self {
            shards,
            maps: RwLock::new(Known {
                maps,
                read_at: Instant::now(),
            }),
            last_reading: tokio::sync::Mutex::default(),
            adding: Mutex::default(),
            located: Mutex::new(LruCache::new(LOCATED_LEN_MAX)),
            clock,
            lanes: settings.lanes.into(),
            metrics: ShardMetrics::register(registry),
        });
        store.probe_servers().await;
        tokio::spawn(watch(Arc::downgrade(&store)));
        for (number, shard) in store.shards.iter().enumerate() {
            if shard.opened.get().is_none() {
                tokio::spawn(open_late(Arc::downgrade(&store), number, settings.clone()));
            }
        }
        Ok(store)
    }

    /// Connects to all servers and migrates them.
    ///
    /// # Errors
    /// [`OpenError`] names the server that is the problem, also if it is away for long.
    pub async fn migrate(
        urls: &[PostgresUrl],
        settings: &config::Store,
        clock: Arc<dyn Clock>,
    ) -> Result<(), OpenError> {
        let shards = shards_at(urls, &Registry::new());
        let open = async || match open_all(&shards, settings, clock.now()).await? {
            (maps, None) => check_opened(&shards, &maps, clock.now()),
            (_, Some(away)) => Err(away),
        };
        open_with_retries(settings, open).await
    }

    /// Probes every server with a write; logs each change of the result.
    async fn probe_servers(&self) {
        let asked = self
            .opened()
            .map(async |(shard, store)| (shard, store.ping().await));
        for (shard, answer) in join_all(asked).await {
            let before = shard.answers.swap(answer.is_ok(), Ordering::Relaxed);
            match (before, answer) {
                (false, Ok(())) => {
                    info!(server = shard.place, "a server of the store takes writes")
                }
                (true, Err(failure)) => {
                    warn!(server = shard.place, %failure, "a server of the store takes no writes");
                }
                _ => {}
            }
        }
        for shard in &self.shards {
            let gauge = self.metrics.up.with_label_values(&[&shard.place]);
            gauge.set(shard.answers().into());
        }
    }

    /// Adds a server that was away. A copy of one that is known would be asked in its place.
    fn add(&self, shard: &Shard, opened: (Uuid, PostgresStore)) -> Result<(), OpenError> {
        let _alone = self.adding.lock();
        if self.number_of(opened.0).is_some() {
            return Err(named_twice(&shard.place));
        }
        // Only this task opens it.
        let _ = shard.opened.set(opened);
        Ok(())
    }

    /// The servers that chats may be on and that `store.urls` lacks: they were added while this instance ran.
    pub(super) fn lacking(&self) -> Vec<Uuid> {
        let known: Vec<Uuid> = self.shards.iter().filter_map(Shard::identity).collect();
        let in_use = self.maps.read().maps.in_use(self.clock.now());
        lacking(&known, self.shards.len() - known.len(), &in_use)
    }

    /// Logs servers that `store.urls` lacks, once, and counts them as away.
    fn report_lacking(&self, before: &mut Vec<Uuid>) {
        let lacking = self.lacking();
        if lacking == *before {
            return;
        }
        if !lacking.is_empty() {
            error!(
                "{}: until its URL is added and this instance is restarted, chats there get 503 here",
                lacks(&lacking)
            );
        }
        for server in before.iter() {
            let _ = self.metrics.up.remove_label_values(&[&server.to_string()]);
        }
        for server in &lacking {
            let gauge = self.metrics.up.with_label_values(&[&server.to_string()]);
            gauge.set(0);
        }
        *before = lacking;
    }
}

fn shards_at(urls: &[PostgresUrl], registry: &Registry) -> Vec<Shard> {
    let meter = Meter::register(registry);
    let shard = |url| Shard::new(url, &meter, registry);
    urls.iter().map(shard).collect()
}

fn check_opened(shards: &[Shard], maps: &Maps, now: Timestamp) -> Result<(), OpenError> {
    check_servers(identities(shards), &maps.in_use(now))
}

fn identities(shards: &[Shard]) -> impl Iterator<Item = (&str, Option<Uuid>)> {
    shards.iter().map(|shard| (&*shard.place, shard.identity()))
}

/// Refuses settings that lack a server which chats may be on, or that name one server twice. The identity of
/// a server that was not reached is unknown.
pub(super) fn check_servers<'a>(
    servers: impl Iterator<Item = (&'a str, Option<Uuid>)>,
    in_use: &[Uuid],
) -> Result<(), OpenError> {
    let mut known: Vec<Uuid> = Vec::new();
    let mut unreached = 0;
    for (place, identity) in servers {
        let Some(identity) = identity else {
            unreached += 1;
            continue;
        };
        if known.contains(&identity) {
            return Err(named_twice(place));
        }
        known.push(identity);
    }
    match &lacking(&known, unreached, in_use)[..] {
        [] => Ok(()),
        lacking => Err(OpenError::wrong(format!(
            "{}. Add its URL; `duet shards` says from when on a drained one can be left out.",
            lacks(lacking)
        ))),
    }
}

fn named_twice(place: &str) -> OpenError {
    OpenError::wrong(format!(
        "{place} is a database that store.urls names twice, or a copy of another one there. \
         Every server of the store has a database of its own."
    ))
}

/// The servers that chats may be on and that are not known. None if any of them may be one that was not
/// reached yet.
fn lacking(known: &[Uuid], unreached: usize, in_use: &[Uuid]) -> Vec<Uuid> {
    let mut unknown = in_use.to_vec();
    unknown.retain(|server| !known.contains(server));
    match unknown.len() > unreached {
        true => unknown,
        false => Vec::new(),
    }
}

fn lacks(servers: &[Uuid]) -> String {
    let servers: Vec<String> = servers.iter().map(Uuid::to_string).collect();
    format!(
        "store.urls lacks a server that chats are or may be on (shard_identity: {})",
        servers.join(", ")
    )
}

/// Probes the servers until the store is dropped.
async fn watch(store: Weak<ShardedStore>) {
    let mut lacking = Vec::new();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(store) = store.upgrade() else { return };
        store.probe_servers().await;
        if let Err(failure) = store.read_maps().await {
            tracing::debug!(%failure, "the maps of the servers were not read");
        }
        store.report_lacking(&mut lacking);
    }
}

/// Opens a server that was away when the store was opened. It may have to wait for a migration, in a task of
/// its own.
async fn open_late(store: Weak<ShardedStore>, number: usize, settings: config::Store) {
    let mut reported = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(store) = store.upgrade() else { return };
        let shard = &store.shards[number];
        let opened = shard.connect(&settings).await;
        match opened.and_then(|opened| store.add(shard, opened)) {
            Ok(()) => return,
            Err(error) if error.cause == Cause::Away => {
                tracing::debug!(server = shard.place, %error, "a server of the store is still away");
            }
            // A wrong password of one server must not stop the whole instance.
            Err(error) if reported.as_ref() != Some(&error.sentence) => {
                warn!(server = shard.place, %error, "a server of the store cannot be used");
                reported = Some(error.sentence);
            }
            Err(_) => {}
        }
    }
}

impl Shard {
    fn new(url: &PostgresUrl, meter: &Meter, registry: &Registry) -> Self {
        let place = url.location();
        Self {
            url: url.clone(),
            metrics: (meter.clone(), PoolMetrics::register(registry, Some(&place))),
            place,
            opened: OnceLock::new(),
            answers: AtomicBool::new(false),
        }
    }

    async fn open(&self, settings: &config::Store) -> Result<(), OpenError> {
        let opened = self.connect(settings).await?;
        // Only this task opens it.
        let _ = self.opened.set(opened);
        Ok(())
    }

    /// Its identity and its store, migrated.
    async fn connect(&self, settings: &config::Store) -> Result<(Uuid, PostgresStore), OpenError> {
        postgres::prepare(&self.url, settings).await?;
        let store = PostgresStore::new(&self.url, settings, self.metrics.clone())?;
        Ok((store.identity().await?, store))
    }

    fn named(&self, error: &OpenError) -> OpenError {
        OpenError {
            sentence: format!("{}: {error}", self.place),
            cause: error.cause,
        }
    }
}

/// Opens the servers that are not open yet, and reads the maps. Also returns why a server is away.
async fn open_all(
    shards: &[Shard],
    settings: &config::Store,
    now: Timestamp,
) -> Result<(Maps, Option<OpenError>), OpenError> {
    let unopened = || shards.iter().filter(|shard| shard.opened.get().is_none());
    let opening = unopened().map(async |shard| {
        shard
            .open(settings)
            .await
            .map_err(|error| shard.named(&error))
    });
    let mut away = None;
    for opened in join_all(opening).await {
        match opened {
            Ok(()) => {}
            Err(error) if error.cause == Cause::Away => away = Some(error),
            Err(error) => return Err(error),
        }
    }
    // No map must have a server twice.
    check_servers(identities(shards), &[])?;
    let maps = initial_maps(shards, away.as_ref(), now).await?;
    Ok((maps, away))
}
