//! Registration: the one call that must be right under every map at once.
//!
//! A chat is made where its key belongs. What makes a registration that is sent again find it is its
//! `id`, which belongs to a server of its own: where that is another one than the chat's, it keeps
//! which chat the `id` makes. A key that was just made at random is looked for nowhere; whatever else
//! may be known elsewhere is asked for, and where a server that may know is away nothing is made.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use actors::{
    domain::{ChatKey, SecretDigest},
    ports::{Chats, Lookup, NewChat, Registered, StoreError},
};
use uuid::Uuid;

use super::{Map, ShardedStore, asking::is_missing, no_server};
use crate::store::{
    PostgresStore,
    postgres::{Binding, Fenced, Trace},
};

/// How long the servers may disagree on which map is in force: as their clocks do.
const AGREED_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// What is reserved was reserved by the map in force, when that has been in force for so long.
const RESERVED_BY_NOW: Duration = Duration::from_secs(3600);

/// Where a chat that is about to be made may be known.
struct Places {
    /// Where it is made.
    home: Uuid,
    /// Where its `id` belongs, if that is elsewhere.
    id_home: Option<Uuid>,
    /// Where it would have been by an older map.
    older: Vec<Uuid>,
}

impl ShardedStore {
    /// Makes a chat where the map in force puts it, once the servers that would have had it by an
    /// older map have said that it is not there. Each of them answers by the same map, and from then
    /// on registers nothing by an older one, so no two instances can make one chat on two servers,
    /// whatever their clocks say.
    pub(super) async fn register_somewhere(
        &self,
        mut new: NewChat,
    ) -> Result<Registered, StoreError> {
        let mut map = self.current_map();
        let mut stale = None;
        let began = Instant::now();
        loop {
            let version = match self.register_by(&map, &mut new, stale).await? {
                Fenced::Done(Trace::Known(registered)) => return Ok(registered),
                Fenced::Done(Trace::Bound(binding)) => match self.made_by(&new, binding).await? {
                    Some(registered) => return Ok(registered),
                    None => {
                        stale = Some(binding.key);
                        continue;
                    }
                },
                Fenced::Done(Trace::None | Trace::Reserved) => return Err(no_server()),
                Fenced::OtherMap(other) => other,
            };
            if version == map.version || began.elapsed() > AGREED_WITHIN {
                return Err(StoreError::Unavailable(
                    "the PostgreSQL servers do not agree on which map is in force: compare their clocks, \
                     and their tables shard_maps".into(),
                ));
            }
            tokio::time::sleep(ASK_AGAIN).await;
            self.read_maps().await?;
            // A server that was away when a map was made has it only now.
            map = self.map(version).unwrap_or_else(|| self.current_map());
        }
    }

    async fn register_by(
        &self,
        map: &Map,
        new: &mut NewChat,
        stale: Option<ChatKey>,
    ) -> Result<Fenced<Trace>, StoreError> {
        let Places {
            home,
            id_home,
            older,
        } = self.places(map, new).await?;
        let mut is_part_away = false;
        for server in &older {
            let traced = self.ask(*server, async |store| store.trace(map, new, stale).await);
            match traced.await? {
                None => is_part_away = true,
                // It was reserved by the map before.
                Some(Fenced::Done(Trace::Reserved)) => new.must_be_reserved = false,
                Some(Fenced::Done(Trace::None)) => {}
                Some(known) => return Ok(known),
            }
        }
        let needed = [Some(home), id_home];
        is_part_away |= needed
            .into_iter()
            .flatten()
            .any(|it| !self.takes_writes(it));
        if is_part_away {
            // Nothing can be made. What the others know can be told.
            for server in needed.into_iter().flatten() {
                let traced = self.ask(server, async |store| store.trace(map, new, stale).await);
                match traced.await? {
                    None | Some(Fenced::Done(Trace::None | Trace::Reserved)) => {}
                    Some(known) => return Ok(known),
                }
            }
            return Ok(Fenced::Done(Trace::Known(Registered::PartitionUnavailable)));
        }
        if let Some(id_home) = id_home {
            let bound = self.ask(id_home, async |store| store.bind(map, new, stale).await);
            match bound.await? {
                None => return Ok(Fenced::Done(Trace::Known(Registered::PartitionUnavailable))),
                Some(Fenced::Done(Trace::Reserved)) => new.must_be_reserved = false,
                Some(Fenced::Done(Trace::None)) => {}
                Some(known) => return Ok(known),
            }
        }
        let home = self.number_of(home);
        let registered = self.store(home)?.register_by(map, new, stale).await?;
        if matches!(
            &registered,
            Fenced::Done(Trace::Known(Registered::Made { .. }))
        ) {
            self.found(new.key, home, self.candidates(new.key).len() == 1);
        }
        Ok(registered)
    }

    async fn places(&self, map: &Map, new: &NewChat) -> Result<Places, StoreError> {
        let home = map.home(new.key).ok_or_else(no_server)?;
        let digest = new.registration.as_ref().map(|(digest, _)| digest);
        let id_home = digest.and_then(|digest| map.home_of(digest));
        let id_home = id_home.filter(|server| *server != home);
        let (mut of_key, of_id) = {
            let (known, now) = (self.maps(), self.clock.now());
            let of_id = digest.map(|digest| known.maps.candidates_of(digest, now));
            (
                known.maps.candidates(new.key, now),
                of_id.unwrap_or_default(),
            )
        };
        of_key.retain(|server| *server != home);
        if new.fresh_key || self.was_reserved_by(map, home, &of_key, new.key).await? {
            of_key.clear();
        }
        let mut older = [of_key, of_id].concat();
        older.retain(|server| *server != home);
        older.sort_unstable();
        older.dedup();
        Ok(Places {
            home,
            id_home,
            older,
        })
    }

    /// Whether a key is one that was made here, and reserved by this map, so that none of the `older`
    /// servers can have it. Asked only where one of those is away.
    async fn was_reserved_by(
        &self,
        map: &Map,
        home: Uuid,
        older: &[Uuid],
        key: ChatKey,
    ) -> Result<bool, StoreError> {
        let is_old = map.since.plus(RESERVED_BY_NOW) < self.clock.now();
        if !is_old || older.iter().all(|server| self.takes_writes(*server)) {
            return Ok(false);
        }
        let reserved = self.ask(home, async |store| store.is_reserved(key).await);
        Ok(reserved.await?.unwrap_or(false))
    }

    /// The chat that an `id` was used for; `None` where it is over, or was never made.
    async fn made_by(
        &self,
        new: &NewChat,
        binding: Binding,
    ) -> Result<Option<Registered>, StoreError> {
        let asked = new.clone();
        let found = self.find(binding.key, Option::is_none, move |store| {
            let asked = asked.clone();
            Box::pin(async move { store.registered(&asked).await })
        });
        let found = match found.await {
            Ok(found) => found,
            Err(StoreError::Unavailable(_)) => return Ok(Some(Registered::PartitionUnavailable)),
            Err(error) => return Err(error),
        };
        if found.is_some() {
            return Ok(found);
        }
        let status = self.find(binding.key, is_missing, move |store| {
            store.status(binding.key)
        });
        match status.await? {
            Lookup::Missing if !binding.is_settled => Err(StoreError::Unavailable(
                "the same registration is under way with another hash".into(),
            )),
            _ => Ok(None),
        }
    }

    /// Asks a server; `None` where it is away.
    async fn ask<T>(
        &self,
        server: Uuid,
        ask: impl AsyncFnOnce(&PostgresStore) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let Ok(store) = self.store(self.number_of(server)) else {
            return Ok(None);
        };
        match ask(store).await {
            Ok(answer) => Ok(Some(answer)),
            Err(StoreError::Unavailable(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a chat that the server is about to name would be on a server that takes writes, and, for
    /// a registration with an `id`, on the one where the `id` belongs.
    pub(super) fn suits_now(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        let map = self.current_map();
        match (map.home(key), registration) {
            (home, Some(digest)) => home == map.home_of(digest),
            (Some(home), None) => self.takes_writes(home),
            (None, None) => false,
        }
    }

    /// Whether all servers take writes on which somebody may have used an `id` before.
    pub(super) fn id_suits_now(&self, registration: &SecretDigest) -> bool {
        let places = {
            let known = self.maps();
            known.maps.candidates_of(registration, self.clock.now())
        };
        places.into_iter().all(|server| self.takes_writes(server))
    }

    fn takes_writes(&self, server: Uuid) -> bool {
        let answers = |number: usize| self.shards[number].answers.load(Ordering::Relaxed);
        self.number_of(server).is_some_and(answers)
    }

    fn current_map(&self) -> Map {
        self.maps().maps.current(self.clock.now()).clone()
    }

    fn map(&self, version: i64) -> Option<Map> {
        let known = self.maps();
        let mut maps = known.maps.as_slice().iter();
        maps.find(|map| map.version == version).cloned()
    }
}
