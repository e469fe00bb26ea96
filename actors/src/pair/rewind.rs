//! Rewinding: the store has fewer messages than the pair has delivered, because a standby that lagged replaced a
//! lost database. The pair goes back to the last message that both have, and its streams get a fresh hello.

use std::collections::VecDeque;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tracing::warn;

use super::Pair;
use crate::{
    Refusal,
    domain::{Chat, ChatKey, ClientId, Message, Page, Seq},
    ports::{Access, HistoryPage, Principal, Store, StoreError},
};

/// How many ids of messages are remembered; a standby lags by few.
const RECENT_LEN_MAX: usize = 16;

/// The ids of the last delivered messages.
#[derive(Default)]
pub(super) struct RecentMessages(VecDeque<(Seq, ClientId)>);

impl RecentMessages {
    pub(super) fn push(&mut self, message: &Message) {
        if self.0.len() == RECENT_LEN_MAX {
            self.0.pop_front();
        }
        self.0.push_back((message.seq, message.id));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a different message was delivered with this `seq`.
    pub(super) fn conflicts_with(&self, message: &Message) -> bool {
        let other = |(seq, id): &(Seq, ClientId)| *seq == message.seq && *id != message.id;
        self.0.iter().any(other)
    }

    fn contains(&self, message: &Message) -> bool {
        self.0.contains(&(message.seq, message.id))
    }

    /// From where on to read, at most `at_most`. Nothing tells which messages ahead of the remembered ones are new, so it
    /// lies before as many as are remembered at most.
    fn start(&self, at_most: Seq) -> Seq {
        let first = self.0.front().map_or(at_most, |(seq, _)| seq - 1);
        first.min(at_most).saturating_sub(RECENT_LEN_MAX as Seq)
    }

    /// Forgets the messages after `last`.
    fn truncate(&mut self, last: Seq) {
        self.0.retain(|(seq, _)| *seq <= last);
    }
}

impl Pair {
    /// Reads the store's last messages, from before `at_most` on, and compares them with the delivered ones. Blocks the
    /// mailbox, so that nothing overtakes it.
    pub(super) fn rewind(&mut self, at_most: Seq, ctx: &mut Context<Self>) {
        if self.chat.is_err() {
            return;
        }
        let (store, key) = (self.store(), self.key);
        let from = self.recent.start(at_most);
        let read = async move {
            let stored = stored_after(&*store, key, from).await?;
            Ok::<_, StoreError>((stored, store.load(key).await?))
        };
        let read = read.into_actor(self);
        ctx.wait(read.map(move |read, pair: &mut Self, ctx| match read {
            Ok((Ok(stored), Ok(chat))) => pair.restart_from_store(from, &stored, chat, ctx),
            Ok(_) => pair.finish(None, ctx),
            // The next comparison with the store notices it again.
            Err(failure) => pair.log_read_failure(&failure),
        }));
    }

    fn restart_from_store(
        &mut self,
        from: Seq,
        stored: &[Message],
        chat: Chat,
        ctx: &mut Context<Self>,
    ) {
        let known = self.status.last_seq();
        let differs = stored
            .iter()
            .any(|message| self.recent.conflicts_with(message));
        if chat.position.last_seq >= known && !differs {
            let shown = stored.iter().rfind(|message| message.seq <= known);
            if let (true, Some(last)) = (self.recent.is_empty(), shown) {
                self.recent.push(last);
            }
            self.apply(Ok(Ok(chat)), ctx);
            return;
        }
        let same = stored
            .iter()
            .rfind(|message| self.recent.contains(message))
            .map_or(from, |message| message.seq);
        warn!(chat = %self.key.fingerprint(), known, same, "the store has lost messages that were shown");
        self.early.clear();
        self.environment.deferred.cap_marks(self.key, same);
        self.recent.truncate(same);
        // The copy in memory is from the lost database: nothing of it is kept.
        self.chat = Err(Refusal::Unavailable("the chat is being read again".into()));
        self.apply(Ok(Ok(chat)), ctx);
        self.status.set_last_seq(same);
        self.rewind_streams(same, ctx);
        self.catch_up(ctx);
    }
}

/// The messages after `from`, up to the last one that may be remembered if there are so many. With long texts they take
/// several pages.
async fn stored_after(
    store: &dyn Store,
    key: ChatKey,
    from: Seq,
) -> Result<Access<Vec<Message>>, StoreError> {
    let mut stored: Vec<Message> = Vec::new();
    while stored.len() < 2 * RECENT_LEN_MAX {
        let after = stored.last().map_or(from, |message| message.seq);
        let page = store.history(Principal::Server(key), Page::After(after), RECENT_LEN_MAX);
        let HistoryPage { messages, more } = match page.await? {
            Ok(page) => page,
            Err(denied) => return Ok(Err(denied)),
        };
        stored.extend(messages);
        if !more {
            break;
        }
    }
    Ok(Ok(stored))
}
