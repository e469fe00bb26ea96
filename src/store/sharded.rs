//! Several PostgreSQL servers as one store.
//!
//! Each chat is whole on one server, no transaction crosses, and nothing is ever moved: [`maps`] say
//! which server takes a new chat, and where chats of earlier maps are found. A server that is away
//! takes its own chats with it and no others: callers that ask for many chats at once ask for those
//! of one [`partition`](actors::ports::Chats::partition) together.

mod asking;
mod changing;
mod keeping;
mod maps;
mod registering;

use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actors::{
    domain::ChatKey,
    ports::{Clock, StoreError},
};
use futures_util::future::{BoxFuture, join_all};
use prometheus::IntGaugeVec;
use uuid::Uuid;

use super::{Meter, PostgresStore, postgres::PoolMetrics};
use crate::config::PostgresUrl;
use maps::Maps;

pub use changing::{Shards, Standing};
pub(crate) use maps::Map;

/// Maps that were read longer ago are read again before it is said that there is no such chat.
const MAPS_GOOD_FOR: Duration = Duration::from_secs(5);

/// The store.
pub struct ShardedStore {
    shards: Vec<Shard>,
    maps: RwLock<Known>,
    clock: Arc<dyn Clock>,
    lanes: usize,
    up: IntGaugeVec,
}

/// One of the servers.
struct Shard {
    url: PostgresUrl,
    /// What it is called in the log, on the command line and in metrics.
    place: String,
    /// What it is known by in maps, and its store, once it was reached.
    opened: OnceLock<(Uuid, PostgresStore)>,
    metrics: (Meter, PoolMetrics),
    /// Whether it answered when it was last asked.
    answers: AtomicBool,
}

/// The maps, and when they were read.
struct Known {
    maps: Maps,
    read_at: Instant,
}

impl ShardedStore {
    /// Which servers a chat may be on, by number: first those that answer, and of those the one by the
    /// newest map.
    fn candidates(&self, key: ChatKey) -> Result<Vec<usize>, StoreError> {
        let servers = self.maps().maps.candidates(key, self.clock.now());
        self.numbered(&servers)
    }

    fn numbered(&self, servers: &[Uuid]) -> Result<Vec<usize>, StoreError> {
        let mut numbers = servers
            .iter()
            .map(|server| self.number_of(*server))
            .collect::<Result<Vec<_>, _>>()?;
        if numbers.len() > 1 {
            numbers.sort_by_key(|number| !self.shards[*number].answers.load(Ordering::Relaxed));
        }
        Ok(numbers)
    }

    fn number_of(&self, server: Uuid) -> Result<usize, StoreError> {
        let opened = |shard: &Shard| {
            shard
                .opened
                .get()
                .is_some_and(|(identity, _)| *identity == server)
        };
        self.shards.iter().position(opened).ok_or_else(|| {
            StoreError::Unavailable("the PostgreSQL server of this chat was not reached yet".into())
        })
    }

    fn store(&self, number: usize) -> Result<&PostgresStore, StoreError> {
        let shard = &self.shards[number];
        match shard.opened.get() {
            Some((_, store)) => Ok(store),
            None => Err(StoreError::Unavailable(format!(
                "{} was not reached yet",
                shard.place
            ))),
        }
    }

    /// The servers that were reached at least once.
    fn opened(&self) -> impl Iterator<Item = (&Shard, &PostgresStore)> {
        self.shards
            .iter()
            .filter_map(|shard| Some((shard, &shard.opened.get()?.1)))
    }

    /// The servers that answered when they were last asked.
    fn answering(&self) -> impl Iterator<Item = &PostgresStore> {
        let answering = |shard: &Shard| shard.answers.load(Ordering::Relaxed);
        self.opened()
            .filter(move |(shard, _)| answering(shard))
            .map(|(_, store)| store)
    }

    /// Asks about one chat where it may be, until a server knows it.
    async fn find<T: Send>(
        &self,
        key: ChatKey,
        is_missing: fn(&T) -> bool,
        ask: impl for<'a> Fn(&'a PostgresStore) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    ) -> Result<T, StoreError> {
        let found = self.find_once(key, is_missing, &ask).await?;
        if is_missing(&found) && self.maps().read_at.elapsed() > MAPS_GOOD_FOR {
            self.read_maps().await?;
            return self.find_once(key, is_missing, &ask).await;
        }
        Ok(found)
    }

    async fn find_once<T: Send>(
        &self,
        key: ChatKey,
        is_missing: fn(&T) -> bool,
        ask: &(impl for<'a> Fn(&'a PostgresStore) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync),
    ) -> Result<T, StoreError> {
        let mut missing = None;
        let mut failed = None;
        for number in self.candidates(key)? {
            let answer = match self.store(number) {
                Ok(store) => ask(store).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) if is_missing(&answer) => missing = Some(answer),
                Ok(answer) => return Ok(answer),
                Err(error) => failed = Some(error),
            }
        }
        // It may be on the server that did not answer.
        match (failed, missing) {
            (None, Some(missing)) => Ok(missing),
            (Some(error), _) => Err(error),
            (None, None) => Err(no_server()),
        }
    }

    /// Asks about many chats, each where it may be, in one call per server and round; an answer for
    /// each, in the order asked for.
    async fn find_all<Q: Clone + Send + Sync, A: Send>(
        &self,
        asked: &[Q],
        key_of: fn(&Q) -> ChatKey,
        is_missing: fn(&A) -> bool,
        ask: impl for<'a> Fn(&'a PostgresStore, Vec<Q>) -> BoxFuture<'a, Result<Vec<A>, StoreError>>
        + Send
        + Sync,
    ) -> Vec<Result<A, StoreError>> {
        let mut answers: Vec<Option<Result<A, StoreError>>> = Vec::with_capacity(asked.len());
        answers.resize_with(asked.len(), || None);
        let mut open: Vec<(usize, std::vec::IntoIter<usize>)> = Vec::with_capacity(asked.len());
        for (index, one) in asked.iter().enumerate() {
            match self.candidates(key_of(one)) {
                Ok(numbers) => open.push((index, numbers.into_iter())),
                Err(error) => answers[index] = Some(Err(error)),
            }
        }
        while !open.is_empty() {
            let mut calls: Vec<Vec<(usize, std::vec::IntoIter<usize>)>> = Vec::new();
            calls.resize_with(self.shards.len(), Vec::new);
            for (index, mut numbers) in open.drain(..) {
                if let Some(number) = numbers.next() {
                    calls[number].push((index, numbers));
                }
            }
            let calls = calls
                .into_iter()
                .enumerate()
                .filter(|(_, part)| !part.is_empty());
            let calls = calls.map(async |(number, part)| {
                let questions = part
                    .iter()
                    .map(|(index, _)| asked[*index].clone())
                    .collect();
                let answer = match self.store(number) {
                    Ok(store) => ask(store, questions).await,
                    Err(error) => Err(error),
                };
                (part, answer)
            });
            for (part, answer) in join_all(calls).await {
                let mut found = answer.map(Vec::into_iter);
                for (index, rest) in part {
                    let answer = match &mut found {
                        Ok(found) => found.next().map_or_else(|| Err(no_server()), Ok),
                        Err(error) => Err(error.clone()),
                    };
                    let settles = match (&answer, &answers[index]) {
                        (Ok(answer), _) if !is_missing(answer) => true,
                        // It may be on the server that did not answer.
                        (Ok(_), Some(Err(_))) => false,
                        _ => true,
                    };
                    let goes_on = answer.as_ref().map_or(true, is_missing);
                    if settles {
                        answers[index] = Some(answer);
                    }
                    if goes_on && rest.len() > 0 {
                        open.push((index, rest));
                    }
                }
            }
        }
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(no_server())))
            .collect()
    }

    /// The server that has a chat by the map in force.
    fn home(&self, key: ChatKey) -> Result<usize, StoreError> {
        let home = {
            let known = self.maps();
            known.maps.current(self.clock.now()).home(key)
        };
        self.number_of(home.ok_or_else(no_server)?)
    }

    fn maps(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_server() -> StoreError {
    StoreError::Unavailable("no PostgreSQL server has this chat".into())
}

#[cfg(test)]
mod tests;
