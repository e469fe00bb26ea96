//! Registration, which must be right under several maps at once.
//!
//! A chat is made on the server of its key. The `id` of its registration, by which a repeated registration
//! finds it, may belong to another server, which then records the chat's key. A fresh random key is looked up
//! nowhere; anything else is looked up on all servers that may know it, and if one of those is away nothing
//! is made.

use std::time::{Duration, Instant};

use actors::{
    domain::ChatKey,
    ports::{Chats, Denied, NewChat, Registered, StoreError},
};
use uuid::Uuid;

use super::{Map, Result, ShardedStore, no_server};
use crate::store::{
    PostgresStore,
    postgres::{Binding, PriorUse},
};

/// How long servers may disagree on the current map: as long as their clocks differ.
const AGREED_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// Once a map has been current for this long, all reservations that still count were made under it.
const RESERVED_BY_NOW: Duration = Duration::from_secs(3600);

/// The servers that may know a chat that is about to be made.
struct Places {
    /// Where it is made.
    home: Uuid,
    /// Where its `id` belongs, if that is another server.
    id_home: Option<Uuid>,
    /// Where older maps would have put it.
    older: Vec<Uuid>,
}

impl ShardedStore {
    /// Makes a chat on the server that the current map chooses, after the servers that older maps would have
    /// chosen have confirmed that they do not have it. Each of them checks that it uses the same map, and
    /// registers nothing under an older one afterwards, so no two instances can make one chat on two servers,
    /// whatever their clocks say.
    pub(super) async fn register_somewhere(&self, mut new: NewChat) -> Result<Registered> {
        let mut map = self.current_map();
        let mut stale = None;
        let began = Instant::now();
        loop {
            let version = match self.register_by(&map, &mut new, stale).await? {
                PriorUse::Known(registered) => return Ok(registered),
                PriorUse::Bound(binding) => match self.made_by(&new, binding).await? {
                    Some(registered) => return Ok(registered),
                    None => {
                        stale = Some(binding.key);
                        continue;
                    }
                },
                PriorUse::None | PriorUse::Reserved => return Err(no_server()),
                PriorUse::OtherMap(other) => other,
            };
            if version == map.version || began.elapsed() > AGREED_WITHIN {
                return Err(StoreError::Unavailable(
                    "the PostgreSQL servers do not agree on which map is in force: compare their clocks, \
                     and their tables shard_maps".into(),
                ));
            }
            tokio::time::sleep(ASK_AGAIN).await;
            self.read_maps().await?;
            // A server that was away when a map was written gets it now.
            map = self.map(version).unwrap_or_else(|| self.current_map());
        }
    }

    async fn register_by(
        &self,
        map: &Map,
        new: &mut NewChat,
        stale: Option<ChatKey>,
    ) -> Result<PriorUse> {
        let Places {
            home,
            id_home,
            older,
        } = self.places(map, new).await?;
        let unavailable = PriorUse::Known(Registered::PartitionUnavailable);
        let mut is_part_away = false;
        for server in &older {
            let traced = self.ask(*server, async |store| store.trace(map, new, stale).await);
            match traced.await? {
                None => is_part_away = true,
                // The key was reserved under the map before.
                Some(PriorUse::Reserved) => new.must_be_reserved = false,
                Some(PriorUse::None) => {}
                Some(known) => return Ok(known),
            }
        }
        let needed = [Some(home), id_home].into_iter().flatten();
        if is_part_away || !needed.clone().all(|it| self.takes_writes(it)) {
            // Nothing can be made, but what the reachable servers know can be returned.
            for server in needed {
                let traced = self.ask(server, async |store| store.trace(map, new, stale).await);
                match traced.await? {
                    None | Some(PriorUse::None | PriorUse::Reserved) => {}
                    Some(known) => return Ok(known),
                }
            }
            return Ok(unavailable);
        }
        if let Some(id_home) = id_home {
            let bound = self.ask(id_home, async |store| store.bind(map, new, stale).await);
            match bound.await? {
                None => return Ok(unavailable),
                Some(PriorUse::Reserved) => new.must_be_reserved = false,
                Some(PriorUse::None) => {}
                Some(known) => return Ok(known),
            }
        }
        let home = self.number_of(home);
        let registered = self.store(home)?.register_by(map, new, stale).await?;
        if let PriorUse::Known(Registered::Made { .. }) = &registered {
            self.found(new.key, home, self.candidates(new.key).len() == 1);
        }
        Ok(registered)
    }

    async fn places(&self, map: &Map, new: &NewChat) -> Result<Places> {
        let home = map.server_of(new.key.as_bytes()).ok_or_else(no_server)?;
        let digest = new
            .registration
            .as_ref()
            .map(|(digest, _)| digest.as_bytes());
        let id_home = digest.and_then(|digest| map.server_of(digest));
        let id_home = id_home.filter(|server| *server != home);
        let of_id = digest.map(|digest| self.candidate_servers(digest));
        let mut of_key = self.candidate_servers(new.key.as_bytes());
        of_key.retain(|server| *server != home);
        if new.fresh_key || self.was_reserved_by(map, home, &of_key, new.key).await? {
            of_key.clear();
        }
        let mut older = [of_key, of_id.unwrap_or_default()].concat();
        older.retain(|server| *server != home);
        older.sort_unstable();
        older.dedup();
        Ok(Places {
            home,
            id_home,
            older,
        })
    }

    /// Whether a key was reserved under this map, so that none of the `older` servers can have it. Only asked
    /// if one of those is away.
    async fn was_reserved_by(
        &self,
        map: &Map,
        home: Uuid,
        older: &[Uuid],
        key: ChatKey,
    ) -> Result<bool> {
        let is_old = map.since.plus(RESERVED_BY_NOW) < self.clock.now();
        if !is_old || older.iter().all(|server| self.takes_writes(*server)) {
            return Ok(false);
        }
        let reserved = self.ask(home, async |store| store.is_reserved(key).await);
        Ok(reserved.await?.unwrap_or(false))
    }

    /// The chat that an `id` was used for; `None` if it is over or was never made.
    async fn made_by(&self, new: &NewChat, binding: Binding) -> Result<Option<Registered>> {
        // Whether the chat is there is asked first: asked last, a chat made between the two questions would pass
        // for one that is over, and its registration would make another.
        let status = self.find(binding.key, move |store| store.status(binding.key));
        let asked = new.clone();
        let found = self.find_unless(binding.key, Option::is_none, move |store| {
            let asked = asked.clone();
            Box::pin(async move { store.registered(&asked).await })
        });
        match async { Ok((status.await?, found.await?)) }.await {
            Ok((_, Some(registered))) => Ok(Some(registered)),
            Ok((Err(Denied::Missing), None)) if !binding.is_settled => {
                Err(StoreError::Unavailable(
                    "the same registration is under way with another hash".into(),
                ))
            }
            Ok((_, None)) => Ok(None),
            Err(StoreError::Unavailable(_)) => Ok(Some(Registered::PartitionUnavailable)),
            Err(error) => Err(error),
        }
    }

    /// Calls a server; `None` if it is away.
    async fn ask<T>(
        &self,
        server: Uuid,
        ask: impl AsyncFnOnce(&PostgresStore) -> Result<T>,
    ) -> Result<Option<T>> {
        let Ok(store) = self.store(self.number_of(server)) else {
            return Ok(None);
        };
        match ask(store).await {
            Ok(answer) => Ok(Some(answer)),
            Err(StoreError::Unavailable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The servers that a subject of maps may be on.
    pub(super) fn candidate_servers(&self, subject: &[u8]) -> Vec<Uuid> {
        let known = self.maps.read();
        known.maps.candidates(subject, self.clock.now())
    }

    pub(super) fn takes_writes(&self, server: Uuid) -> bool {
        let number = self.number_of(server);
        number.is_some_and(|number| self.shards[number].answers())
    }

    pub(super) fn current_map(&self) -> Map {
        self.maps.read().maps.current(self.clock.now()).clone()
    }

    fn map(&self, version: i64) -> Option<Map> {
        let known = self.maps.read();
        let mut maps = known.maps.as_slice().iter();
        maps.find(|map| map.version == version).cloned()
    }
}
