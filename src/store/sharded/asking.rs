//! Every call of the store, made where the chat is.

use std::time::Duration;

use actors::{
    domain::{
        AskWord, Caller, Chat, ChatKey, CodeDigest, Draft, Page, SecretDigest, Seq, Timestamp,
        UserName,
    },
    ports::{
        Access, AnswerOutcome, Appended, AskAnswer, BatchResult, By, ChatRoom, Chats, Claim,
        Claimed, DeferredWrite, EndOutcome, HistoryPage, Lookup, Messages, NewAsk, NewChat, Peer,
        Position, Registered, Replaced, Seats, SessionChoice, StoreError, StoredAsk, Upkeep,
        batch_result,
    },
};
use async_trait::async_trait;
use futures_util::future::{join_all, select_ok};
use uuid::Uuid;

use super::{ShardedStore, no_server, not_reached};

pub(super) fn is_missing<T>(found: &Lookup<T>) -> bool {
    matches!(found, Lookup::Missing)
}

fn is_denied<T>(found: &Access<T>) -> bool {
    matches!(found, Access::Missing)
}

fn is_unknown(outcome: &Appended) -> bool {
    *outcome == Appended::Missing
}

#[async_trait]
impl Chats for ShardedStore {
    fn partitions(&self) -> usize {
        self.shards.len() + 1
    }

    /// The number of the chat's server. The last partition is of chats that may be on several, because
    /// the map was changed since they were made, and that nobody has asked for here yet.
    fn partition(&self, key: ChatKey) -> usize {
        match self.likeliest(key)[..] {
            [Some(number)] => number,
            _ => self.shards.len(),
        }
    }

    fn accepts_key(&self, key: ChatKey, registration: Option<&SecretDigest>) -> bool {
        self.suits_now(key, registration)
    }

    fn accepts_registration(&self, registration: &SecretDigest) -> bool {
        self.id_suits_now(registration)
    }

    async fn reserve(&self, key: ChatKey, hold: Duration) -> Result<bool, StoreError> {
        self.home(key)?.reserve(key, hold).await
    }

    async fn register(&self, new: NewChat) -> Result<Registered, StoreError> {
        self.register_somewhere(new).await
    }

    async fn name_seat_two(
        &self,
        key: ChatKey,
        name: &UserName,
    ) -> Result<Lookup<bool>, StoreError> {
        let name = name.clone();
        self.find(key, is_missing, move |store| {
            let name = name.clone();
            Box::pin(async move { store.name_seat_two(key, &name).await })
        })
        .await
    }

    async fn status(&self, key: ChatKey) -> Result<Lookup<()>, StoreError> {
        self.find(key, is_missing, move |store| store.status(key))
            .await
    }

    async fn load(&self, key: ChatKey) -> Result<Lookup<Chat>, StoreError> {
        self.find(key, is_missing, move |store| store.load(key))
            .await
    }

    /// A chat that has ended has no position. It is not looked for elsewhere when its server is known.
    async fn positions(&self, keys: &[ChatKey]) -> BatchResult<Option<Position>> {
        self.find_all(
            keys,
            |key| *key,
            Self::likeliest,
            Option::is_none,
            |store, keys| Box::pin(async move { store.positions(&keys).await }),
        )
        .await
    }

    async fn end(&self, by: By) -> Result<EndOutcome, StoreError> {
        let is_missing = |ending: &EndOutcome| matches!(ending, EndOutcome::Missing);
        self.find(by.key(), is_missing, move |store| store.end(by))
            .await
    }
}

#[async_trait]
impl Messages for ShardedStore {
    /// As many for each partition.
    fn lanes(&self) -> usize {
        self.lanes
    }

    /// What a server that does not answer would have stored counts as locked, so that it is tried
    /// alone, and the other servers' drafts are not failed with it.
    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        let outcomes = self.find_all(
            drafts,
            |draft| draft.key,
            Self::candidates,
            is_unknown,
            move |store, drafts| {
                Box::pin(
                    async move { batch_result(drafts.len(), store.append(&drafts, room).await) },
                )
            },
        );
        let outcomes = outcomes.await;
        let is_one_servers = outcomes.iter().all(Result::is_err);
        let outcome = |outcome| match outcome {
            Err(StoreError::Unavailable(_)) if !is_one_servers => Ok(Appended::Locked),
            outcome => outcome,
        };
        outcomes.into_iter().map(outcome).collect()
    }

    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        let outcomes = self.find_all(
            drafts,
            |draft| draft.key,
            Self::candidates,
            is_unknown,
            move |store, drafts| {
                Box::pin(async move {
                    batch_result(drafts.len(), store.append_waiting(&drafts, room).await)
                })
            },
        );
        outcomes.await.into_iter().collect()
    }

    async fn history(
        &self,
        by: By,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        self.find(by.key(), is_denied, move |store| {
            store.history(by, page, limit)
        })
        .await
    }

    /// Where a chat may be on several servers it is written to all: those that do not have it ignore it.
    /// What one server does not take is written to the others all the same.
    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        let mut parts: Vec<Vec<(ChatKey, DeferredWrite)>> = vec![Vec::new(); self.shards.len()];
        let mut outcome = Ok(());
        for write in writes {
            for candidate in self.likeliest(write.0) {
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

#[async_trait]
impl Seats for ShardedStore {
    async fn check_sessions(&self, callers: &[Caller]) -> BatchResult<Access<Seq>> {
        self.find_all(
            callers,
            |by| by.key,
            Self::candidates,
            is_denied,
            |store, callers| Box::pin(async move { store.check_sessions(&callers).await }),
        )
        .await
    }

    async fn take_seat(&self, claim: Claim) -> Result<Lookup<Claimed>, StoreError> {
        self.find(claim.key, is_missing, move |store| {
            store.take_seat(claim.clone())
        })
        .await
    }

    async fn end_session(
        &self,
        by: Caller,
        which: SessionChoice,
    ) -> Result<Access<bool>, StoreError> {
        self.find(by.key, is_denied, move |store| store.end_session(by, which))
            .await
    }

    async fn set_return_code(
        &self,
        by: Caller,
        code: CodeDigest,
    ) -> Result<Access<()>, StoreError> {
        self.find(by.key, is_denied, move |store| {
            store.set_return_code(by, code)
        })
        .await
    }

    async fn set_device_code(
        &self,
        by: Caller,
        code: CodeDigest,
        valid: Duration,
    ) -> Result<Access<Timestamp>, StoreError> {
        self.find(by.key, is_denied, move |store| {
            store.set_device_code(by, code, valid)
        })
        .await
    }

    async fn ask(&self, key: ChatKey, ask: NewAsk) -> Result<Lookup<()>, StoreError> {
        self.find(key, is_missing, move |store| store.ask(key, ask.clone()))
            .await
    }

    async fn ask_state(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<StoredAsk>, StoreError> {
        match self.locate(key).await? {
            Some(number) => self.store(Some(number))?.ask_state(key, digest).await,
            None => Ok(None),
        }
    }

    async fn answer(
        &self,
        by: Caller,
        word: AskWord,
        verdict: AskAnswer,
    ) -> Result<Access<AnswerOutcome>, StoreError> {
        self.find(by.key, is_denied, move |store| {
            store.answer(by, word, verdict)
        })
        .await
    }

    async fn replaced(
        &self,
        key: ChatKey,
        digest: SecretDigest,
    ) -> Result<Option<Replaced>, StoreError> {
        match self.locate(key).await? {
            Some(number) => self.store(Some(number))?.replaced(key, digest).await,
            None => Ok(None),
        }
    }
}

/// Every server is looked after for itself: one that is away keeps no other from it.
#[async_trait]
impl Upkeep for ShardedStore {
    /// Whether any of the servers takes writes.
    async fn ping(&self) -> Result<(), StoreError> {
        let asked: Vec<_> = self.opened().map(|(_, store)| store.ping()).collect();
        match asked.is_empty() {
            true => Err(no_server()),
            false => select_ok(asked).await.map(|_| ()),
        }
    }

    fn away(&self) -> Vec<String> {
        self.places_away()
    }

    /// One server after the other, so that no more is done than was asked for. One that is away keeps
    /// no other from it, and comes last. One that takes no writes is asked too: it may be that its disk
    /// is full, and what is deleted makes room.
    async fn expire(&self, limit: usize) -> Result<Vec<ChatKey>, StoreError> {
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

    async fn purge(&self, limit: usize, tombstone_life: Duration) -> Result<usize, StoreError> {
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

    async fn beat(&self, own: Uuid, bus_address: &str) -> Result<Vec<Peer>, StoreError> {
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

    async fn count_chats(&self) -> Result<u64, StoreError> {
        let asked = self.answering().map(|store| store.count_chats());
        Ok(some_of(join_all(asked).await)?.into_iter().sum())
    }
}

/// What the servers answered that did, unless none did.
fn some_of<T>(answers: Vec<Result<T, StoreError>>) -> Result<Vec<T>, StoreError> {
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
