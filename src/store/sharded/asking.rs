//! The calls of the store, each made on the server that has the chat.

use std::time::Duration;

use actors::{
    domain::{
        AskRef, Caller, Chat, ChatKey, CodeDigest, Draft, Page, Position, SecretDigest, Seq,
        Timestamp, UserName,
    },
    ports::{
        Access, AnswerOutcome, Appended, AskAnswer, BatchResult, ChatRoom, Chats, Claim, Claimed,
        DeferredWrite, Denied, HistoryPage, Messages, NewAsk, NewChat, Peer, Principal, Registered,
        Replaced, Seats, SessionChoice, StoreError, StoredAsk, Upkeep, batch_result,
    },
};
use async_trait::async_trait;
use futures_util::future::{join_all, select_ok};
use uuid::Uuid;

use super::{Result, Shard, ShardedStore, no_server, not_reached};

pub(super) fn is_missing<T>(found: &Access<T>) -> bool {
    matches!(found, Err(Denied::Missing))
}

fn is_unknown(outcome: &Appended) -> bool {
    *outcome == Appended::Missing
}

#[async_trait]
impl Chats for ShardedStore {
    fn partitions(&self) -> usize {
        self.shards.len() + 1
    }

    /// The partition is the index of the chat's server. The last one is for chats that may be on several
    /// servers, because the map changed since they were made, and that were not looked up yet.
    fn partition(&self, key: ChatKey) -> usize {
        match self.known_server(key)[..] {
            [Some(number)] => number,
            _ => self.shards.len(),
        }
    }

    /// With an `id` a key belongs on the server of that `id`.
    fn accepts_key(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        let map = self.current_map();
        match (map.server_of(key.as_bytes()), registration) {
            (home, Some(digest)) => home == map.server_of(digest.as_bytes()),
            (Some(home), None) => self.takes_writes(home),
            (None, None) => false,
        }
    }

    /// All servers that may know an `id` must take writes.
    fn accepts_registration(&self, registration: &SecretDigest) -> bool {
        let mut servers = self.candidate_servers(registration.as_bytes()).into_iter();
        servers.all(|server| self.takes_writes(server))
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool> {
        self.server_of(key)?.reserve(key, hold).await
    }

    async fn register(&self, new: NewChat) -> Result<Registered> {
        self.register_somewhere(new).await
    }

    async fn name_seat_two(&self, key: ChatKey, name: &UserName) -> Result<Access<bool>> {
        let name = name.clone();
        self.find(key, move |store| {
            let name = name.clone();
            Box::pin(async move { store.name_seat_two(key, &name).await })
        })
        .await
    }

    async fn status(&self, key: ChatKey) -> Result<Access<()>> {
        self.find(key, move |store| store.status(key)).await
    }

    async fn load(&self, key: ChatKey) -> Result<Access<Chat>> {
        self.find(key, move |store| store.load(key)).await
    }

    /// A chat that has ended has no position. It is not looked up on other servers if its server is known.
    async fn positions(&self, keys: &[ChatKey]) -> BatchResult<Option<Position>> {
        self.find_all(
            keys,
            |key| *key,
            Self::known_server,
            Option::is_none,
            |store, keys| Box::pin(async move { store.positions(&keys).await }),
        )
        .await
    }

    async fn end(&self, by: Principal) -> Result<Access<()>> {
        self.find(by.key(), move |store| store.end(by)).await
    }
}

#[async_trait]
impl Messages for ShardedStore {
    /// The limit applies to each partition.
    fn lanes(&self) -> usize {
        self.lanes
    }

    /// Drafts to a server that does not answer are returned as locked: they are retried alone, and the drafts
    /// to other servers do not fail.
    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>> {
        let outcomes = self.append_where_they_belong(drafts, room, false).await;
        let is_one_servers = outcomes.iter().all(Result::is_err);
        let outcome = |outcome| match outcome {
            Err(StoreError::Unavailable(_)) if !is_one_servers => Ok(Appended::Locked),
            outcome => outcome,
        };
        outcomes.into_iter().map(outcome).collect()
    }

    async fn append_waiting(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>> {
        let outcomes = self.append_where_they_belong(drafts, room, true).await;
        outcomes.into_iter().collect()
    }

    async fn history(
        &self,
        by: Principal,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>> {
        self.find(by.key(), move |store| store.history(by, page, limit))
            .await
    }

    /// A chat that may be on several servers is written to all of them: those that lack it ignore the write.
    /// A server that fails does not stop the writes to the others.
    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<()> {
        let mut parts: Vec<Vec<(ChatKey, DeferredWrite)>> = vec![Vec::new(); self.shards.len()];
        let mut outcome = Ok(());
        for write in writes {
            for candidate in self.known_server(write.0) {
                match candidate {
                    Some(number) => parts[number].push(write.clone()),
                    None => outcome = Err(not_reached()),
                }
            }
        }
        let parts = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.is_empty());
        let written =
            parts.map(async |(number, part)| self.store(Some(number))?.write_deferred(part).await);
        join_all(written)
            .await
            .into_iter()
            .fold(outcome, Result::and)
    }
}

impl ShardedStore {
    /// Appends drafts on the servers of their chats; with `wait` also to chats that somebody else has locked.
    async fn append_where_they_belong(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
        wait: bool,
    ) -> BatchResult<Appended> {
        self.find_all(
            drafts,
            |draft| draft.key,
            Self::candidates,
            is_unknown,
            move |store, drafts| {
                Box::pin(async move {
                    let appended = match wait {
                        true => store.append_waiting(&drafts, room).await,
                        false => store.append(&drafts, room).await,
                    };
                    batch_result(drafts.len(), appended)
                })
            },
        )
        .await
    }
}

#[async_trait]
impl Seats for ShardedStore {
    async fn check_sessions(&self, callers: &[Caller]) -> BatchResult<Access<Seq>> {
        self.find_all(
            callers,
            |by| by.key,
            Self::candidates,
            is_missing,
            |store, callers| Box::pin(async move { store.check_sessions(&callers).await }),
        )
        .await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Access<Claimed>> {
        self.find(claim.key, move |store| store.take_seat(claim.clone()))
            .await
    }

    async fn end_session(&self, by: Caller, which: SessionChoice) -> Result<Access<bool>> {
        self.find(by.key, move |store| store.end_session(by, which))
            .await
    }

    async fn set_return_code(&self, by: Caller, code: CodeDigest) -> Result<Access<()>> {
        self.find(by.key, move |store| store.set_return_code(by, code))
            .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>> {
        self.find(by.key, move |store| store.set_device_code(by, code, valid))
            .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Access<()>> {
        self.find(key, move |store| store.ask(key, ask.clone()))
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Access<Option<StoredAsk>>> {
        self.find(key, move |store| store.ask_state(key, digest))
            .await
    }

    async fn answer(
        &self,
        by: Caller,
        ask_ref: AskRef,
        verdict: AskAnswer,
    ) -> Result<Access<AnswerOutcome>> {
        self.find(by.key, move |store| store.answer(by, ask_ref, verdict))
            .await
    }

    async fn replaced(&self, key: ChatKey, digest: SecretDigest) -> Result<Option<Replaced>> {
        match self.locate(key).await? {
            Some(number) => self.store(Some(number))?.replaced(key, digest).await,
            None => Ok(None),
        }
    }
}

/// Each server is maintained independently: one that is away does not affect the others.
#[async_trait]
impl Upkeep for ShardedStore {
    /// Whether any server takes writes.
    async fn ping(&self) -> Result<()> {
        let asked: Vec<_> = self.opened().map(|(_, store)| store.ping()).collect();
        match asked.is_empty() {
            true => Err(no_server()),
            false => select_ok(asked).await.map(|_| ()),
        }
    }

    /// Servers that chats may be on; those that `store.urls` lacks by their identity.
    fn away(&self) -> Vec<String> {
        let in_use = self.maps.read().maps.in_use(self.clock.now());
        let may_have_chats = |shard: &Shard| shard.identity().is_none_or(|it| in_use.contains(&it));
        let away = self.shards.iter().filter(|shard| !shard.answers());
        away.filter(|shard| may_have_chats(shard))
            .map(|shard| shard.place.clone())
            .chain(self.lacking().iter().map(Uuid::to_string))
            .collect()
    }

    /// One server after the other, so that no more than `limit` is done. Servers that are away come last and
    /// do not stop the others. Read-only servers are tried too: the disk may be full, and deleting frees
    /// space.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>> {
        let mut ended = Vec::new();
        let mut outcomes = Vec::new();
        for store in self.answering_first() {
            let room = limit - ended.len();
            outcomes.push(store.expire(room).await.map(|keys| ended.extend(keys)));
            if ended.len() >= limit {
                break;
            }
        }
        some_of(outcomes).map(|_| ended)
    }

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize> {
        let mut deleted = 0;
        let mut outcomes = Vec::new();
        for store in self.answering_first() {
            let purged = store.purge(limit - deleted, tombstone_life).await;
            outcomes.push(purged.map(|rows| deleted += rows));
            if deleted >= limit {
                break;
            }
        }
        some_of(outcomes).map(|_| deleted)
    }

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>> {
        let asked = self.answering().map(|store| store.beat(own, bus_address));
        let mut peers: Vec<Peer> = Vec::new();
        for peer in some_of(join_all(asked).await)?.into_iter().flatten() {
            match peers.iter_mut().find(|known| known.boot == peer.boot) {
                Some(known) => known.beats = known.beats.max(peer.beats),
                None => peers.push(peer),
            }
        }
        Ok(peers)
    }

    async fn count_chats(&self) -> Result<u64> {
        let asked = self.answering().map(|store| store.count_chats());
        Ok(some_of(join_all(asked).await)?.into_iter().sum())
    }
}

/// The results of the servers that answered; an error if none did.
fn some_of<T>(answers: Vec<Result<T>>) -> Result<Vec<T>> {
    let mut failed = None;
    let mut found = Vec::with_capacity(answers.len());
    for answer in answers {
        match answer {
            Ok(answer) => found.push(answer),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        None if found.is_empty() => Err(no_server()),
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}
