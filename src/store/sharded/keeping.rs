//! How the servers are opened and watched, and how maps are made.

use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actors::{
    domain::Timestamp,
    ports::{Clock, StoreError, Upkeep},
};
use futures_util::future::join_all;
use prometheus::{IntGaugeVec, Opts, Registry};
use tracing::{info, warn};
use uuid::Uuid;

use super::{Known, Map, Shard, ShardedStore, maps::Maps};
use crate::{
    config::{self, PostgresUrl},
    store::{Meter, OpenError, PostgresStore, patiently, postgres::PoolMetrics},
};

/// How often every server is asked whether it takes writes, and one of them for the maps.
const INTERVAL: Duration = Duration::from_secs(2);
/// A new map comes into force after so long: by then every instance has read it.
pub(super) const NOTICE: Duration = Duration::from_secs(10);

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
        let opts = Opts::new(
            "duet_shard_up",
            "Whether a PostgreSQL server of a store of several takes writes: 1, or 0 while it is away.",
        );
        let up = IntGaugeVec::new(opts, &["server"]).expect("the name and the label are valid");
        registry
            .register(Box::new(up.clone()))
            .expect("the metric is registered once");
        let store = Arc::new(Self {
            shards,
            maps: RwLock::new(Known {
                maps,
                read_at: Instant::now(),
            }),
            clock,
            lanes: settings.lanes.into(),
            up,
        });
        store.check_servers()?;
        store.look().await;
        tokio::spawn(keep(Arc::downgrade(&store), settings.clone()));
        Ok(store)
    }

    /// Refuses a map with servers that are not among the settings', and settings that name one server
    /// twice.
    fn check_servers(&self) -> Result<(), OpenError> {
        let mut known: Vec<Uuid> = Vec::new();
        for shard in &self.shards {
            let Some((identity, _)) = shard.opened.get() else {
                continue;
            };
            if known.contains(identity) {
                return Err(OpenError::wrong(format!(
                    "{} is a database that store.urls names twice, or a copy of another one there. \
                     Every server of the store has a database of its own.",
                    shard.place
                )));
            }
            known.push(*identity);
        }
        let unopened = self.shards.len() - known.len();
        let in_use = self.maps().maps.in_use(self.clock.now());
        let unknown: Vec<String> = in_use
            .iter()
            .filter(|server| !known.contains(server))
            .map(ToString::to_string)
            .collect();
        if unknown.len() > unopened {
            return Err(OpenError::wrong(format!(
                "store.urls lacks a server that chats are or may be on (shard_identity: {}). Add its \
                 URL; `duet shards` says when a drained one is empty.",
                unknown.join(", ")
            )));
        }
        Ok(())
    }

    /// Reads the maps of all servers that answer, and gives every server those it lacks.
    pub(super) async fn read_maps(&self) -> Result<(), StoreError> {
        let read = self
            .answering()
            .map(async |store| (store, store.maps().await));
        let mut failed = None;
        let mut all: Vec<Map> = self.maps().maps.as_slice().to_vec();
        let mut have = Vec::new();
        for (store, maps) in join_all(read).await {
            match maps {
                Ok(maps) => {
                    add_unknown(&mut all, &maps);
                    have.push((store, maps));
                }
                Err(error) => failed = Some(error),
            }
        }
        if have.is_empty() {
            return Err(failed.unwrap_or_else(super::no_server));
        }
        let lacking = have.iter().filter(|(_, maps)| maps.len() < all.len());
        let written = lacking.map(async |(store, _)| store.write_maps(&all).await);
        for written in join_all(written).await {
            written?;
        }
        let known = Maps::new(all).expect("there was one before");
        *self.maps.write().unwrap_or_else(PoisonError::into_inner) = Known {
            maps: known,
            read_at: Instant::now(),
        };
        Ok(())
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
            self.up.with_label_values(&[&shard.place]).set(up.into());
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

/// Watches the servers for as long as the store is used.
async fn keep(store: Weak<ShardedStore>, settings: config::Store) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(store) = store.upgrade() else {
            return;
        };
        for shard in store
            .shards
            .iter()
            .filter(|shard| shard.opened.get().is_none())
        {
            if let Err(error) = shard.open(&settings).await {
                // What is wrong with its password is nothing that all others must end for.
                tracing::debug!(server = shard.place, %error, "a server of the store is still away");
            }
        }
        store.look().await;
        if let Err(failure) = store.read_maps().await {
            tracing::debug!(%failure, "the maps of the servers were not read");
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

/// Adds the maps of one server that others did not have.
fn add_unknown(all: &mut Vec<Map>, maps: &[Map]) {
    for map in maps {
        if !all.iter().any(|known| known.version == map.version) {
            all.push(map.clone());
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

/// The maps that the servers have. Where none has one, the first is made: of all servers when they
/// are empty; when one has chats already, because it was the only server until now, that one alone
/// comes first.
async fn initial_maps(
    shards: &[Shard],
    away: Option<OpenError>,
    now: Timestamp,
) -> Result<Maps, OpenError> {
    let failed = |error: StoreError| OpenError::passing(error.to_string());
    let opened: Vec<(&Shard, Uuid, &PostgresStore)> = shards
        .iter()
        .filter_map(|shard| shard.opened.get().map(|(id, store)| (shard, *id, store)))
        .collect();
    let mut all: Vec<Map> = Vec::new();
    for (_, _, store) in &opened {
        add_unknown(&mut all, &store.maps().await.map_err(failed)?);
    }
    if let Some(maps) = Maps::new(all) {
        return Ok(maps);
    }
    if let Some(away) = away {
        // Without a map nobody knows which chats are there.
        return Err(away);
    }
    let mut inhabited = Vec::new();
    for (shard, id, store) in &opened {
        if !store.census().await.map_err(failed)?.is_empty() {
            inhabited.push((*shard, *id));
        }
    }
    let mut servers: Vec<Uuid> = opened.iter().map(|(_, id, _)| *id).collect();
    servers.sort_unstable();
    let first = match inhabited[..] {
        [] => servers.clone(),
        [(_, only)] => vec![only],
        _ => {
            let places: Vec<&str> = inhabited.iter().map(|(shard, _)| &*shard.place).collect();
            return Err(OpenError::wrong(format!(
                "{} have chats, and no map says which server a chat is on. Servers that share chats \
                 begin empty, or with the one that had them all.",
                places.join(" and ")
            )));
        }
    };
    let mut maps = vec![Map {
        version: 1,
        servers: first.clone(),
        since: Timestamp::from_unix_ms(0),
    }];
    if first != servers {
        maps.push(Map {
            version: 2,
            servers: servers.clone(),
            since: now.plus(NOTICE),
        });
    }
    // Several instances that start together write to the servers in one order, and the first to come
    // has made them.
    let leader = opened.iter().min_by_key(|(_, id, _)| *id);
    let (_, _, leader) =
        leader.ok_or_else(|| OpenError::passing("no server was reached".into()))?;
    leader.write_maps(&maps).await.map_err(failed)?;
    let made = leader.maps().await.map_err(failed)?;
    for (_, _, store) in &opened {
        store.write_maps(&made).await.map_err(failed)?;
    }
    info!(
        servers = servers.len(),
        "the servers of the store share chats from now on"
    );
    Ok(Maps::new(made).expect("it was just written"))
}
