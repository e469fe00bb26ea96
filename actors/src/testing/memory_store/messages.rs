//! Appending and reading messages.

use std::{convert::Infallible, time::Duration};

use async_trait::async_trait;

use super::{Call, MemoryStore, record::Record};
use crate::{
    domain::{ChatKey, Draft, Message, Page, Seq, Timestamp},
    ports::{
        Access, Appended, ChatRoom, DeferredWrite, Denied, HistoryPage, Messages, Principal,
        StoreError,
    },
};

#[async_trait]
impl Messages for MemoryStore {
    fn lanes(&self) -> usize {
        1
    }

    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        self.faults.check_append(drafts).await?;
        let appended = {
            let (mut data, now) = self.locked();
            let mut append = |draft: &Draft| match data.lookup(draft.key, now) {
                Ok(_) if self.faults.is_locked(draft.key) => Appended::Locked,
                Ok(record) => record.append(draft, room, now),
                Err(Denied::Ended) => Appended::Ended,
                Err(Denied::Missing) => Appended::Missing,
                Err(Denied::NoSession) => Appended::NoSession,
            };
            drafts.iter().map(&mut append).collect()
        };
        self.faults.check_answer()?;
        Ok(appended)
    }

    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        self.until_unlocked(drafts.iter().map(|draft| draft.key))
            .await;
        self.append(drafts, room).await
    }

    async fn history(
        &self,
        by: Principal,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        self.with_access(Call::History, by, |record, _| record.history(page, limit))
            .await
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        self.faults.check(Call::DeferredWrite).await?;
        self.until_unlocked(writes.iter().map(|(key, _)| *key))
            .await;
        let (mut data, now) = self.locked();
        for (key, write) in writes {
            if let Some(record) = data.live(*key, now) {
                record.write_deferred(write);
            }
        }
        Ok(())
    }
}

impl MemoryStore {
    /// Waits until none of these chats is locked.
    async fn until_unlocked(&self, keys: impl Iterator<Item = ChatKey> + Clone) {
        while keys.clone().any(|key| self.faults.is_locked(key)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Record {
    pub(super) fn append(&mut self, draft: &Draft, room: ChatRoom, now: Timestamp) -> Appended {
        if !self.has_session(&draft.caller()) {
            return Appended::NoSession;
        }
        let full = self.last_seq() >= room.messages_max || self.bytes >= room.bytes_max;
        if let Some(&seq) = self.seqs.get(&(draft.seat, draft.id)) {
            let before = &self.messages[seq as usize - 1];
            return match before.text == draft.text {
                true => Appended::Duplicate { seq, at: before.at },
                false if full => Appended::Full,
                false => Appended::OtherText,
            };
        }
        if full {
            return Appended::Full;
        }
        self.bytes += draft.text.as_str().len() as u64;
        let seq = self.last_seq() + 1;
        self.seqs.insert((draft.seat, draft.id), seq);
        self.messages.push(draft.stored_as(seq, now));
        Appended::Stored { seq, at: now }
    }

    pub(super) fn lose_messages_after(&mut self, last: Seq) {
        self.messages.retain(|message| message.seq <= last);
        self.seqs.retain(|_, seq| *seq <= last);
    }

    pub(super) fn history(&self, page: Page, limit: usize) -> HistoryPage {
        let place = |seq: Seq| (seq as usize).min(self.messages.len());
        let ahead_of = |to: usize| self.messages[..to].iter().rev();
        let read: Box<dyn Iterator<Item = &Message>> = match page {
            Page::After(seq) => Box::new(self.messages[place(seq)..].iter()),
            Page::Before(seq) => Box::new(ahead_of(place(seq.saturating_sub(1)))),
            Page::Newest => Box::new(ahead_of(self.messages.len())),
        };
        let read = read.cloned().map(Ok::<_, Infallible>);
        HistoryPage::read(page, limit, read).unwrap_or_else(|never| match never {})
    }

    pub(super) fn write_deferred(&mut self, write: &DeferredWrite) {
        match *write {
            DeferredWrite::Marks(seat, marks) => {
                let marks = marks.capped(self.last_seq());
                let before = &mut self.seats[seat].marks;
                *before = before.raised(marks);
            }
            DeferredWrite::LastSeen(seat, at) => {
                let seen = &mut self.seats[seat].state.last_seen;
                *seen = (*seen).max(Some(at));
            }
            DeferredWrite::Used(id, at) => {
                let mut sessions = self.sessions.iter_mut().map(|record| &mut record.session);
                if let Some(session) = sessions.find(|session| session.id == id) {
                    session.last_seen = session.last_seen.max(Some(at));
                }
            }
        }
    }
}
