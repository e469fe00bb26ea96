//! Finds chats: asks the servers that a chat may be on, until one of them knows it.

use actors::{
    domain::ChatKey,
    ports::{Access, BatchResult, Chats, Denied},
};
use futures_util::future::{BoxFuture, join_all};

use super::{MAPS_GOOD_FOR, Result, ShardedStore, asking::is_missing, no_server, not_reached};
use crate::store::PostgresStore;

/// The index of a server that a chat may be on; `None` for one that was not reached yet.
pub(super) type Candidate = Option<usize>;

/// A question that is not answered yet.
struct Open {
    /// Its index among the questions.
    index: usize,
    /// The servers still to be asked.
    rest: std::vec::IntoIter<Candidate>,
    /// Whether only one server can have the chat.
    is_sole: bool,
}

impl ShardedStore {
    /// The servers that a chat may be on: the one where it was found before, then those that answer, by the
    /// newest map first.
    pub(super) fn candidates(&self, key: ChatKey) -> Vec<Candidate> {
        let servers = self.candidate_servers(key.as_bytes());
        let mut candidates: Vec<Candidate> = servers
            .iter()
            .map(|server| self.number_of(*server))
            .collect();
        if candidates.len() > 1 {
            let located = self.located(key);
            candidates.sort_by_key(|candidate| match candidate {
                Some(_) if *candidate == located => 0,
                Some(number) if self.shards[*number].answers() => 1,
                Some(_) => 2,
                None => 3,
            });
        }
        candidates
    }

    /// Only the server where a chat was found before; else all candidates.
    pub(super) fn known_server(&self, key: ChatKey) -> Vec<Candidate> {
        let mut candidates = self.candidates(key);
        if candidates.len() > 1 && candidates[0].is_some() && candidates[0] == self.located(key) {
            candidates.truncate(1);
        }
        candidates
    }

    /// The server that has or had a chat; `None` if there never was one.
    pub(super) async fn locate(&self, key: ChatKey) -> Result<Option<usize>> {
        match self.known_server(key)[..] {
            [Some(number)] => Ok(Some(number)),
            [None] => Err(not_reached()),
            _ => {
                let status = self.find(key, |store| store.status(key));
                Ok(match status.await? {
                    Err(Denied::Missing) => None,
                    Ok(()) | Err(_) => self.located(key),
                })
            }
        }
    }

    fn located(&self, key: ChatKey) -> Candidate {
        self.located.lock().get(&key).copied()
    }

    /// Asks about one chat on each candidate until one knows it.
    pub(super) async fn find<T: Send + 'static>(
        &self,
        key: ChatKey,
        ask: impl for<'a> Fn(&'a PostgresStore) -> BoxFuture<'a, Result<Access<T>>> + Send + Sync,
    ) -> Result<Access<T>> {
        self.find_unless(key, is_missing, ask).await
    }

    /// The same, where the answer says in some other way that the chat is not there.
    pub(super) async fn find_unless<T: Send + 'static>(
        &self,
        key: ChatKey,
        is_missing: fn(&T) -> bool,
        ask: impl for<'a> Fn(&'a PostgresStore) -> BoxFuture<'a, Result<T>> + Send + Sync,
    ) -> Result<T> {
        let found = self.find_once(key, is_missing, &ask).await?;
        if is_missing(&found) && self.maps.read().read_at.elapsed() > MAPS_GOOD_FOR {
            self.read_maps().await?;
            return self.find_once(key, is_missing, &ask).await;
        }
        Ok(found)
    }

    async fn find_once<T: Send + 'static>(
        &self,
        key: ChatKey,
        is_missing: fn(&T) -> bool,
        ask: &(impl for<'a> Fn(&'a PostgresStore) -> BoxFuture<'a, Result<T>> + Send + Sync),
    ) -> Result<T> {
        let asked = [key];
        let found = self.find_all(
            &asked,
            |key| *key,
            Self::candidates,
            is_missing,
            |store, _| {
                let answer = ask(store);
                Box::pin(async move { vec![answer.await] })
            },
        );
        found.await.pop().unwrap_or_else(|| Err(no_server()))
    }

    /// Asks about many chats on the servers that `places` returns for each, with one call per server and
    /// round.
    pub(super) async fn find_all<Q: Clone + Send + Sync, A: Send>(
        &self,
        asked: &[Q],
        key_of: fn(&Q) -> ChatKey,
        places: fn(&Self, ChatKey) -> Vec<Candidate>,
        is_missing: fn(&A) -> bool,
        ask: impl for<'a> Fn(&'a PostgresStore, Vec<Q>) -> BoxFuture<'a, BatchResult<A>> + Send + Sync,
    ) -> BatchResult<A> {
        let mut answers: Vec<Option<Result<A>>> = Vec::with_capacity(asked.len());
        answers.resize_with(asked.len(), || None);
        let open = |(index, one)| {
            let rest = places(self, key_of(one)).into_iter();
            let is_sole = rest.len() == 1;
            Open {
                index,
                rest,
                is_sole,
            }
        };
        let mut open: Vec<Open> = asked.iter().enumerate().map(open).collect();
        while !open.is_empty() {
            let mut calls: Vec<Vec<Open>> = Vec::new();
            // Servers that were not reached yet are a group too.
            calls.resize_with(self.shards.len() + 1, Vec::new);
            for mut question in open.drain(..) {
                if let Some(candidate) = question.rest.next() {
                    calls[candidate.unwrap_or(self.shards.len())].push(question);
                }
            }
            let calls = calls
                .into_iter()
                .enumerate()
                .filter(|(_, part)| !part.is_empty());
            let calls = calls.map(async |(number, part)| {
                let questions: Vec<Q> = part
                    .iter()
                    .map(|question| asked[question.index].clone())
                    .collect();
                let candidate = (number < self.shards.len()).then_some(number);
                let found = match self.store(candidate) {
                    Ok(store) => ask(store, questions).await,
                    Err(error) => part.iter().map(|_| Err(error.clone())).collect(),
                };
                (candidate, part, found)
            });
            for (candidate, part, found) in join_all(calls).await {
                let mut found = found.into_iter();
                for question in part {
                    let index = question.index;
                    let answer = found.next().unwrap_or_else(|| Err(no_server()));
                    if matches!(&answer, Ok(answer) if !is_missing(answer)) {
                        self.found(key_of(&asked[index]), candidate, question.is_sole);
                        answers[index] = Some(answer);
                        continue;
                    }
                    // The chat may be on the server that did not answer.
                    if answer.is_err() || !matches!(answers[index], Some(Err(_))) {
                        answers[index] = Some(answer);
                    }
                    if question.rest.len() > 0 {
                        open.push(question);
                    }
                }
            }
        }
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(no_server())))
            .collect()
    }

    /// Remembers where a chat was found that may be on several servers.
    pub(super) fn found(&self, key: ChatKey, candidate: Candidate, is_sole: bool) {
        if !is_sole && let Some(number) = candidate {
            self.located.lock().insert(key, number);
        }
    }
}
