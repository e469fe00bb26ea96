//! What a pair does when the store has less than it had given out: a standby that lagged took the
//! place of a database that is gone. The pair starts anew from the last message that both have, and
//! its streams are told so by a fresh hello.

use std::{collections::VecDeque, sync::Arc};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use tracing::warn;

use super::Pair;
use crate::{
    Refusal,
    domain::{Chat, ClientId, Event, Message, Page, Seat, Seq},
    ports::{Access, By, Lookup, StoreError},
};

/// Messages whose ids are remembered: a standby lags by a few.
const RECENT_LEN_MAX: usize = 16;

/// The ids of the last messages that the streams were given.
#[derive(Default)]
pub(super) struct Recent(VecDeque<(Seq, ClientId)>);

impl Recent {
    pub(super) fn push(&mut self, message: &Message) {
        if self.0.len() == RECENT_LEN_MAX {
            self.0.pop_front();
        }
        self.0.push_back((message.seq, message.id));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether another message was given out under this `seq`.
    pub(super) fn contradicts(&self, message: &Message) -> bool {
        let other = |(seq, id): &(Seq, ClientId)| *seq == message.seq && *id != message.id;
        self.0.iter().any(other)
    }

    /// The `seq` before the first one remembered, if that is lower.
    fn beginning(&self, or: Seq) -> Seq {
        let first = self.0.front().map_or(or, |(seq, _)| seq - 1);
        first.min(or)
    }

    /// Forgets what came after this.
    fn truncate(&mut self, last: Seq) {
        self.0.retain(|(seq, _)| *seq <= last);
    }
}

impl Pair {
    /// Reads the store's last messages and compares them with those given out, from `at_most` on at
    /// the latest. Holds the mailbox, so that nothing overtakes it.
    pub(super) fn rewind(&mut self, at_most: Seq, ctx: &mut Context<Self>) {
        if self.chat.is_err() {
            return;
        }
        let (store, key) = (self.environment.world.store.clone(), self.key);
        let from = self.recent.beginning(at_most);
        let read = async move {
            let page = Page::After(from);
            let page = store.history(By::Server(key), page, 2 * RECENT_LEN_MAX);
            let page = page.await?;
            Ok::<_, StoreError>((page, store.load(key).await?))
        };
        let read = read.into_actor(self);
        ctx.wait(read.map(move |read, pair: &mut Self, ctx| match read {
            Ok((Access::Granted(page), Lookup::Live(chat))) => {
                pair.start_anew(from, &page.messages, chat, ctx);
            }
            Ok(_) => pair.finish(None, ctx),
            // The next comparison with the store finds it again.
            Err(failure) => pair.log_unread(&failure),
        }));
    }

    fn start_anew(&mut self, from: Seq, stored: &[Message], chat: Chat, ctx: &mut Context<Self>) {
        let known = self.usage.position();
        let differs = stored
            .iter()
            .find(|message| self.recent.contradicts(message));
        if chat.last_seq >= known && differs.is_none() {
            let shown = stored.iter().rfind(|message| message.seq <= known);
            if let (true, Some(last)) = (self.recent.is_empty(), shown) {
                self.recent.push(last);
            }
            self.apply(Ok(Lookup::Live(chat)), ctx);
            return;
        }
        let same = match differs {
            Some(message) => message.seq - 1,
            None if self.recent.is_empty() => from,
            None => chat.last_seq,
        };
        let same = same.min(chat.last_seq);
        let lost = known.saturating_sub(same);
        warn!(chat = %self.key.fingerprint(), lost, "the store has lost messages that were shown");
        self.early.clear();
        self.recent.truncate(same);
        // What is held is of the lost database: neither its marks nor its place are kept.
        self.chat = Err(Refusal::Unavailable("the chat is being read anew".into()));
        self.apply(Ok(Lookup::Live(chat)), ctx);
        self.usage.move_to(same);
        self.rewind_streams(same, ctx);
        for seat in Seat::BOTH {
            let Ok(hello) = self.hello(seat, same) else {
                return;
            };
            self.send_where(&Event::Rewound(Arc::new(hello)), |open| open.seat == seat);
        }
        self.changes += 1;
        self.catch_up(ctx);
    }
}
