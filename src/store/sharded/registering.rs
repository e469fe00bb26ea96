//! Registration: the one call that must be right under every map at once.

use std::time::{Duration, Instant};

use actors::{
    domain::{ChatKey, SecretDigest},
    ports::{NewChat, Registered, StoreError},
};
use uuid::Uuid;

use super::{ShardedStore, no_server};
use crate::store::postgres::{Fenced, Trace};

/// How long the servers may disagree on which map is in force: as their clocks do.
const AGREED_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(100);

impl ShardedStore {
    /// Makes a chat where the map in force puts it, once the servers that would have had it by an
    /// older map have said that it is not there. Each of them answers by the same map, and from then
    /// on registers nothing by an older one, so no two instances can make one chat on two servers,
    /// whatever their clocks say.
    pub(super) async fn register_somewhere(
        &self,
        mut new: NewChat,
    ) -> Result<Registered, StoreError> {
        let mut version = {
            let known = self.maps();
            known.maps.current(self.clock.now()).version
        };
        let began = Instant::now();
        loop {
            version = match self.register_by(version, &mut new).await? {
                Fenced::Done(registered) => return Ok(registered),
                Fenced::OtherMap(other) => other,
            };
            if began.elapsed() > AGREED_WITHIN {
                return Err(StoreError::Unavailable(
                    "the PostgreSQL servers do not agree on which map is in force: compare their clocks".into(),
                ));
            }
            tokio::time::sleep(ASK_AGAIN).await;
            self.read_maps().await?;
            // A server that was away when a map was made has it only now.
            let known = self.maps();
            if !known
                .maps
                .as_slice()
                .iter()
                .any(|map| map.version == version)
            {
                version = known.maps.current(self.clock.now()).version;
            }
        }
    }

    async fn register_by(
        &self,
        version: i64,
        new: &mut NewChat,
    ) -> Result<Fenced<Registered>, StoreError> {
        let (home, older) = {
            let known = self.maps();
            let now = self.clock.now();
            let map = known
                .maps
                .as_slice()
                .iter()
                .find(|map| map.version == version);
            let home = map
                .and_then(|map| map.home(new.key))
                .ok_or_else(no_server)?;
            let mut older = known.maps.candidates(new.key, now);
            if let Some((digest, _)) = &new.registration {
                older.extend(known.maps.candidates_of(digest, now));
            }
            older.retain(|server| *server != home);
            older.sort_unstable();
            older.dedup();
            (home, older)
        };
        for server in older {
            let store = self.store(self.number_of(server)?)?;
            match store.trace(version, new).await? {
                Fenced::OtherMap(other) => return Ok(Fenced::OtherMap(other)),
                Fenced::Done(Trace::Known(known)) => return Ok(Fenced::Done(known)),
                // It was reserved by the map before.
                Fenced::Done(Trace::Reserved) => new.must_be_reserved = false,
                Fenced::Done(Trace::None) => {}
            }
        }
        let store = self.store(self.number_of(home)?)?;
        store.register_by(version, new).await
    }

    /// Whether a chat that the server is about to name would be on a server that answers, and, for a
    /// registration with an `id`, on the one where the `id` belongs.
    pub(super) fn suits_now(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        let (home, wanted) = {
            let known = self.maps();
            let map = known.maps.current(self.clock.now());
            (
                map.home(key),
                registration.map(|digest| map.home_of(digest)),
            )
        };
        match (home, wanted) {
            (home, Some(wanted)) => home == wanted,
            (Some(home), None) => self.is_answering(home),
            (None, None) => false,
        }
    }

    fn is_answering(&self, server: Uuid) -> bool {
        let answers = |number: usize| {
            self.shards[number]
                .answers
                .load(std::sync::atomic::Ordering::Relaxed)
        };
        self.number_of(server).is_ok_and(answers)
    }
}
