//! Brings the maps to all servers.

use std::time::Instant;

use actors::{domain::Timestamp, ports::StoreError};
use futures_util::future::join_all;
use tracing::{debug, error, info};
use uuid::Uuid;

use super::{Known, Map, Result, Shard, ShardedStore, keeping::NOTICE, maps::Maps, no_server};
use crate::store::{OpenError, PostgresStore};

impl ShardedStore {
    /// Reads the maps of all reachable servers and gives each server those it lacks. If a map differs from
    /// the known one with its version, that is reported and the known one stays. Of many who call this at once
    /// one reads, for the others too.
    pub(super) async fn read_maps(&self) -> Result<()> {
        let asked = Instant::now();
        let mut last = self.last_reading.lock().await;
        if let Some((began, done)) = &*last
            && *began >= asked
        {
            return done.clone();
        }
        let began = Instant::now();
        let done = self.read_maps_at(began).await;
        *last = Some((began, done.clone()));
        done
    }

    async fn read_maps_at(&self, began: Instant) -> Result<()> {
        let answering = self.opened().filter(|(shard, _)| shard.answers());
        let read = answering.map(async |(shard, store)| (shard, store, store.maps().await));
        let mut failed = None;
        let mut all: Vec<Map> = self.maps.read().maps.as_slice().to_vec();
        let mut have = Vec::new();
        let mut differing = Vec::new();
        for (shard, store, maps) in join_all(read).await {
            match maps {
                Ok(maps) => {
                    if let Err(version) = add_unknown(&mut all, &maps) {
                        differing.push((shard, version));
                    }
                    have.push((shard, store, maps));
                }
                Err(error) => failed = Some(error),
            }
        }
        if have.is_empty() {
            return Err(failed.unwrap_or_else(no_server));
        }
        self.report_differing(&differing);
        let lacking = have.iter().filter(|(_, _, maps)| lacks_any(maps, &all));
        let written = lacking.map(async |(shard, store, _)| (shard, store.write_maps(&all).await));
        for (shard, written) in join_all(written).await {
            if let Err(failure) = written {
                debug!(server = shard.place, %failure, "a server has not all maps yet");
            }
        }
        let known = Maps::new(all).expect("there was one before");
        *self.maps.write() = Known {
            maps: known,
            read_at: began,
        };
        Ok(())
    }

    /// Logs once that servers have different maps with one version.
    fn report_differing(&self, differing: &[(&Shard, i64)]) {
        let count = i64::try_from(differing.len()).unwrap_or(i64::MAX);
        let before = self.metrics.maps_differ.get();
        self.metrics.maps_differ.set(count);
        if before > 0 {
            return;
        }
        for (shard, version) in differing {
            error!(
                server = shard.place,
                version,
                "a server has another map of this version than the others, and registers no chats: \
                 see \"Several servers\" in docs/operations.md"
            );
        }
    }

    /// Gives every server the maps of all others. Returns the maps, and whether a server lacked some.
    ///
    /// # Errors
    /// A sentence that names the server that is the problem.
    pub(super) async fn spread_maps(&self) -> Result<(Maps, bool), String> {
        let again = |shard: &Shard, error: &StoreError| {
            format!("{}: {error}. Run the command again.", shard.place)
        };
        let mut all = Vec::new();
        let mut have = Vec::new();
        for (shard, store) in self.opened() {
            let maps = store.maps().await.map_err(|error| again(shard, &error))?;
            add_unknown(&mut all, &maps).map_err(|version| differ(&shard.place, version))?;
            have.push((shard, store, maps));
        }
        let mut some_lacked = false;
        for (shard, store, maps) in have {
            if lacks_any(&maps, &all) {
                some_lacked = true;
                let written = store.write_maps(&all).await;
                written.map_err(|error| again(shard, &error))?;
            }
        }
        let maps = Maps::new(all).ok_or("no server has a map: start duet first")?;
        Ok((maps, some_lacked))
    }
}

/// The advice for two different maps with one version.
pub(super) fn differ(place: &str, version: i64) -> String {
    format!(
        "{place} has another map of version {version} (table shard_maps) than the other servers. Nobody can \
         say which of them new chats go by. \"Several servers\" in docs/operations.md says how both are kept."
    )
}

/// The advice for servers that each have chats but no common map.
pub(super) fn separate(places: &[&str]) -> String {
    format!(
        "{} have chats, and no map says which server a chat is on. Servers that share chats begin empty, or \
         with the one that had them all.",
        places.join(" and ")
    )
}

/// Adds the maps of one server. If two maps have one version, the known one stays, and the version is the
/// error.
pub(super) fn add_unknown(all: &mut Vec<Map>, maps: &[Map]) -> Result<(), i64> {
    let mut differs = Ok(());
    for map in maps {
        match all.iter().find(|known| known.version == map.version) {
            None => all.push(map.clone()),
            Some(known) if known != map => differs = Err(map.version),
            Some(_) => {}
        }
    }
    differs
}

pub(super) fn lacks_any(maps: &[Map], all: &[Map]) -> bool {
    let has = |wanted: &Map| maps.iter().any(|map| map.version == wanted.version);
    !all.iter().all(has)
}

/// The maps on the servers. If there are none, the first map is made: of all servers if they are empty; if
/// one has chats already, because it was the only one so far, the first map has that one alone.
pub(super) async fn initial_maps(
    shards: &[Shard],
    away: Option<&OpenError>,
    now: Timestamp,
) -> Result<Maps, OpenError> {
    let opened: Vec<(&Shard, Uuid, &PostgresStore)> = shards
        .iter()
        .filter_map(|shard| shard.opened.get().map(|(id, store)| (shard, *id, store)))
        .collect();
    let mut all: Vec<Map> = Vec::new();
    for (shard, _, store) in &opened {
        let maps = store.maps().await?;
        add_unknown(&mut all, &maps)
            .map_err(|version| OpenError::wrong(differ(&shard.place, version)))?;
    }
    if let Some(maps) = Maps::new(all) {
        return Ok(maps);
    }
    if let Some(away) = away {
        // Without a map, it is unknown whether a missing server has chats.
        return Err(away.clone());
    }
    let mut inhabited = Vec::new();
    for (shard, id, store) in &opened {
        if !store.census().await?.is_empty() {
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
            return Err(OpenError::wrong(separate(&places)));
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
    // In one order, so that of several instances that start together the first one makes the maps.
    let leader = opened.iter().min_by_key(|(_, id, _)| *id);
    let (_, _, leader) = leader.ok_or_else(|| OpenError::away("no server was reached".into()))?;
    leader.write_maps(&maps).await?;
    let made = leader.maps().await?;
    for (_, _, store) in &opened {
        store.write_maps(&made).await?;
    }
    info!(
        servers = servers.len(),
        "the servers of the store share chats from now on"
    );
    Ok(Maps::new(made).expect("it was just written"))
}
