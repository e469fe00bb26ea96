//! Appending and reading messages.

use std::collections::{HashMap, hash_map::Entry};

use actors::{
    domain::{ChatKey, Draft, Page, Seq, Timestamp},
    ports::{Access, Appended, ChatRoom, DeferredWrite, Denied, HistoryPage, Messages, Principal},
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    Result, SqliteStore,
    marks::write_deferred,
    rows::{Col, LiveChat, access, get, is_alive, live_chat, message},
};

#[async_trait]
impl Messages for SqliteStore {
    /// There is one writer, and larger batches cost less per message.
    fn lanes(&self) -> usize {
        1
    }

    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>> {
        let drafts = drafts.to_vec();
        self.write_more("append", move |tx, now| append(tx, &drafts, room, now))
            .await
    }

    async fn history(
        &self,
        by: Principal,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>> {
        self.read("history", move |connection, now| {
            history(connection, by, page, limit, now)
        })
        .await
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<()> {
        let writes = writes.to_vec();
        self.write("write_deferred", move |tx, _| write_deferred(tx, &writes))
            .await
    }
}

fn append(
    tx: &Transaction<'_>,
    drafts: &[Draft],
    room: ChatRoom,
    now: Timestamp,
) -> rusqlite::Result<Vec<Appended>> {
    let mut chats: HashMap<ChatKey, Access<LiveChat>> = HashMap::new();
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let chat = match chats.entry(draft.key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(unread) => unread.insert(live_chat(tx, draft.key, now)?),
        };
        outcomes.push(match chat {
            Err(Denied::Ended) => Appended::Ended,
            Err(Denied::Missing) => Appended::Missing,
            Err(Denied::NoSession) => Appended::NoSession,
            Ok(_) if !is_alive(tx, &draft.caller())? => Appended::NoSession,
            Ok(chat) => append_to(tx, chat, draft, room, now)?,
        });
    }
    for (key, chat) in chats {
        if let Ok(chat) = chat {
            tx.prepare_cached("UPDATE chats SET last_seq = ?2, bytes = ?3 WHERE key = ?1")?
                .execute(params![Col(key), chat.last_seq, chat.bytes])?;
        }
    }
    Ok(outcomes)
}

fn append_to(
    tx: &Transaction<'_>,
    chat: &mut LiveChat,
    draft: &Draft,
    room: ChatRoom,
    now: Timestamp,
) -> rusqlite::Result<Appended> {
    if chat.last_seq >= room.messages_max || chat.bytes >= room.bytes_max {
        return Ok(match placed_before(tx, draft).optional()? {
            Some(before @ Appended::Duplicate { .. }) => before,
            _ => Appended::Full,
        });
    }
    let seq = chat.last_seq + 1;
    if !insert(tx, draft, seq, now)? {
        return placed_before(tx, draft);
    }
    chat.last_seq = seq;
    chat.bytes += draft.text.as_str().len() as u64;
    Ok(Appended::Stored { seq, at: now })
}

fn placed_before(tx: &Transaction<'_>, draft: &Draft) -> rusqlite::Result<Appended> {
    tx.prepare_cached(
        "SELECT seq, at, text FROM messages WHERE key = ?1 AND seat = ?2 AND id = ?3",
    )?
    .query_row(
        params![Col(draft.key), Col(draft.seat), Col(draft.id)],
        |row| {
            let same = row.get_ref("text")?.as_str()? == draft.text.as_str();
            Ok(match same {
                true => Appended::Duplicate {
                    seq: row.get("seq")?,
                    at: get(row, "at")?,
                },
                false => Appended::OtherText,
            })
        },
    )
}

/// Returns whether it was inserted: it is not if its sender sent one with this id before.
fn insert(tx: &Transaction<'_>, draft: &Draft, seq: Seq, now: Timestamp) -> rusqlite::Result<bool> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO messages (key, seq, seat, id, text, sent_at, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key, seat, id) DO NOTHING",
        )?
        .execute(params![
            Col(draft.key),
            seq,
            Col(draft.seat),
            Col(draft.id),
            draft.text.as_str(),
            draft.sent_at.map(Col),
            Col(now)
        ])?;
    Ok(inserted > 0)
}

fn history(
    connection: &Connection,
    by: Principal,
    page: Page,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Access<HistoryPage>> {
    let key = by.key();
    let found = access(connection, by, now)?;
    let LiveChat { last_seq, .. } = match found {
        Ok(found) => found,
        Err(denied) => return Ok(Err(denied)),
    };
    let (range, order, bound) = match page {
        Page::Newest => ("seq < ?2", "DESC", last_seq + 1),
        // Saturates: no `seq` exceeds the largest INTEGER.
        Page::After(seq) => ("seq > ?2", "ASC", seq.min(i64::MAX as u64)),
        Page::Before(seq) => ("seq < ?2", "DESC", seq.min(i64::MAX as u64)),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq, id, seat, text, at FROM messages
         WHERE key = ?1 AND {range} ORDER BY seq {order} LIMIT ?3"
    ))?;
    let read = statement.query_map(params![Col(key), bound, limit + 1], message)?;
    HistoryPage::read(page, limit, read).map(Ok)
}
