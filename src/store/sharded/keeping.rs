//! How the servers are opened and watched.

use std::{
    sync::{
        Arc, OnceLock, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actors::{
    domain::Timestamp,
    metrics::register,
    ports::{Clock, Upkeep},
};
use futures_util::future::join_all;
use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};
use tracing::{info, warn};
use uuid::Uuid;

use super::{Known, Shard, ShardedStore, located::Located, maps::Maps, spreading::initial_maps};
use crate::{
    config::{self, PostgresUrl},
    store::{Meter, OpenError, PostgresStore, patiently, postgres::PoolMetrics},
};

/// How often every server is asked whether it takes writes, and one of them for the maps.
const INTERVAL: Duration = Duration::from_secs(2);
/// A new map comes into force after so long: by then every instance has read it.
pub(super) const NOTICE: Duration = Duration::from_secs(10);

/// What a store of several servers tells of them.
pub(super) struct ShardMetrics {
    pub(super) up: IntGaugeVec,
    pub(super) maps_differ: IntGauge,
}

impl ShardMetrics {
    fn register(registry: &Registry) -> Self {
        let up = Opts::new(
            "duet_shard_up",
            "Whether a PostgreSQL server of a store of several takes writes: 1, or 0 while it is away.",
        );
        let up = IntGaugeVec::new(up, &["server"]).expect("the name and the label are valid");
        let maps_differ = IntGauge::new(
            "duet_shard_maps_differ",
            "PostgreSQL servers whose map of which servers take new chats is another one than this \
             instance goes by. They register no chats.",
        );
        Self {
            up: register(registry, Ok(up)),
            maps_differ: register(registry, maps_differ),
        }
    }
}

impl ShardedStore {
    /// Connects to the servers and migrates them. One that is not there yet is opened later, unless no
    /// map says which servers there are. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`OpenError`] says which server is in the way, and how.
    pub async fn open(
        urls: &[PostgresUrl],
        settings: &config::Store,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Arc<Self>, OpenError> {
        let meter = Meter::register(registry);
        let shard = |url| Shard::new(url, &meter, registry);
        let shards: Vec<Shard> = urls.iter().map(shard).collect();
        let open = async || open_all(&shards, settings, clock.now()).await;
        let maps = patiently(settings, open).await?;
        let store = Arc::new(Self {
            shards,
            maps: RwLock::new(Known {
                maps,
                read_at: Instant::now(),
            }),
            located: Located::default(),
            clock,
            lanes: settings.lanes.into(),
            metrics: ShardMetrics::register(registry),
        });
        store.check_servers()?;
        store.look().await;
        tokio::spawn(watch(Arc::downgrade(&store)));
        for (number, shard) in store.shards.iter().enumerate() {
            if shard.opened.get().is_none() {
                tokio::spawn(open_late(Arc::downgrade(&store), number, settings.clone()));
            }
        }
        Ok(store)
    }

    fn check_servers(&self) -> Result<(), OpenError> {
        let servers = self.shards.iter().map(|shard| {
            let identity = shard.opened.get().map(|(identity, _)| *identity);
            (&*shard.place, identity)
        });
        check_servers(servers, &self.maps().maps.in_use(self.clock.now()))
    }

    /// Asks every server whether it takes writes; says so once when that changes.
    async fn look(&self) {
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
            let up = shard.answers.load(Ordering::Relaxed);
            let gauge = self.metrics.up.with_label_values(&[&shard.place]);
            gauge.set(up.into());
        }
    }

    /// The servers that chats may be on and that do not answer.
    pub(super) fn places_away(&self) -> Vec<String> {
        let in_use = self.maps().maps.in_use(self.clock.now());
        self.shards
            .iter()
            .filter(|shard| !shard.answers.load(Ordering::Relaxed))
            .filter(|shard| {
                shard
                    .opened
                    .get()
                    .is_none_or(|(identity, _)| in_use.contains(identity))
            })
            .map(|shard| shard.place.clone())
            .collect()
    }
}

/// Refuses settings that lack a server which chats may be on, or name one server twice. Of a server that
/// was not reached nobody knows which one it is.
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
            return Err(OpenError::wrong(format!(
                "{place} is a database that store.urls names twice, or a copy of another one there. \
                 Every server of the store has a database of its own."
            )));
        }
        known.push(identity);
    }
    let unknown: Vec<String> = in_use
        .iter()
        .filter(|server| !known.contains(server))
        .map(ToString::to_string)
        .collect();
    if unknown.len() > unreached {
        return Err(OpenError::wrong(format!(
            "store.urls lacks a server that chats are or may be on (shard_identity: {}). Add its \
             URL; `duet shards` says from when on a drained one can be left out.",
            unknown.join(", ")
        )));
    }
    Ok(())
}

/// Watches the servers for as long as the store is used.
async fn watch(store: Weak<ShardedStore>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(store) = store.upgrade() else {
            return;
        };
        store.look().await;
        if let Err(failure) = store.read_maps().await {
            tracing::debug!(%failure, "the maps of the servers were not read");
        }
    }
}

/// Opens a server that was away when the store was opened. This may wait for somebody who migrates it,
/// and holds up nothing else.
async fn open_late(store: Weak<ShardedStore>, number: usize, settings: config::Store) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(store) = store.upgrade() else {
            return;
        };
        let shard = &store.shards[number];
        match shard.open(&settings).await {
            Ok(()) => return,
            // What is wrong with its password is nothing that all others must end for.
            Err(error) => {
                tracing::debug!(server = shard.place, %error, "a server of the store is still away");
            }
        }
    }
}

impl Shard {
    fn new(url: &PostgresUrl, meter: &Meter, registry: &Registry) -> Self {
        let place = url.place();
        Self {
            url: url.clone(),
            metrics: (meter.clone(), PoolMetrics::register(registry, Some(&place))),
            place,
            opened: OnceLock::new(),
            answers: AtomicBool::new(false),
        }
    }

    async fn open(&self, settings: &config::Store) -> Result<(), OpenError> {
        let metrics = || self.metrics.clone();
        let store = PostgresStore::open_counted(&self.url, settings, metrics).await?;
        let identity = store.identity().await;
        let identity = identity.map_err(|error| OpenError::passing(error.to_string()))?;
        // Nobody else opens it meanwhile.
        let _ = self.opened.set((identity, store));
        Ok(())
    }

    fn named(&self, error: &OpenError) -> OpenError {
        OpenError {
            sentence: format!("{}: {error}", self.place),
            is_passing: error.is_passing,
        }
    }
}

/// Opens those that are not open yet, and reads the maps.
async fn open_all(
    shards: &[Shard],
    settings: &config::Store,
    now: Timestamp,
) -> Result<Maps, OpenError> {
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
            Err(error) if error.is_passing => away = Some(error),
            Err(error) => return Err(error),
        }
    }
    initial_maps(shards, away, now).await
}
