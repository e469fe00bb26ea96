//! Messages: placed, read, and what is noted about them.

use std::collections::HashMap;

use actors::{
    domain::{ChatKey, Draft, Page, Seq, Timestamp},
    ports::{Access, Appended, By, HistoryPage, Lookup, Note},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::rows::{Col, Living, access, get, living, message};

pub(super) fn append(
    tx: &Transaction<'_>,
    drafts: &[Draft],
    messages_max: u64,
    now: Timestamp,
) -> rusqlite::Result<Vec<Appended>> {
    let mut last_seqs: HashMap<ChatKey, Seq> = HashMap::new();
    let mut outcomes = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let last = match last_seqs.get(&draft.key) {
            Some(last) => *last,
            None => match living(tx, draft.key, now)? {
                Lookup::Live(found) => found.last_seq,
                Lookup::Ended => {
                    outcomes.push(Appended::Ended);
                    continue;
                }
                Lookup::Missing => {
                    outcomes.push(Appended::Missing);
                    continue;
                }
            },
        };
        let outcome = match placed_before(tx, draft)? {
            Some(before @ Appended::Before { .. }) => before,
            _ if last >= messages_max => Appended::Full,
            Some(other_text) => other_text,
            None => {
                insert(tx, draft, last + 1, now)?;
                last_seqs.insert(draft.key, last + 1);
                Appended::Stored {
                    seq: last + 1,
                    at: now,
                }
            }
        };
        outcomes.push(outcome);
    }
    for (key, last) in last_seqs {
        tx.prepare_cached("UPDATE chats SET last_seq = ?2 WHERE key = ?1")?
            .execute(params![Col(key), last])?;
    }
    Ok(outcomes)
}

fn placed_before(tx: &Transaction<'_>, draft: &Draft) -> rusqlite::Result<Option<Appended>> {
    tx.prepare_cached(
        "SELECT seq, at, text FROM messages WHERE key = ?1 AND seat = ?2 AND id = ?3",
    )?
    .query_row(
        params![Col(draft.key), Col(draft.seat), Col(draft.id)],
        |row| {
            let same = row.get_ref("text")?.as_str()? == draft.text.as_str();
            Ok(match same {
                true => Appended::Before {
                    seq: row.get("seq")?,
                    at: get(row, "at")?,
                },
                false => Appended::OtherText,
            })
        },
    )
    .optional()
}

fn insert(tx: &Transaction<'_>, draft: &Draft, seq: Seq, now: Timestamp) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO messages (key, seq, seat, id, text, sent_at, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
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
    Ok(())
}

pub(super) fn history(
    connection: &Connection,
    by: By,
    page: Page,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Access<HistoryPage>> {
    let key = by.key();
    let found = access(connection, by, now)?;
    let Access::Granted(Living { last_seq, .. }) = found else {
        return Ok(found.map(|_| HistoryPage {
            messages: Vec::new(),
            more: false,
        }));
    };
    let (range, order, bound) = match page {
        Page::Newest => ("seq < ?2", "DESC", last_seq + 1),
        // No message lies behind the largest number that SQLite can hold.
        Page::After(seq) => ("seq > ?2", "ASC", seq.min(i64::MAX as u64)),
        Page::Before(seq) => ("seq < ?2", "DESC", seq.min(i64::MAX as u64)),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq, id, seat, text, at FROM messages
         WHERE key = ?1 AND {range} ORDER BY seq {order} LIMIT ?3"
    ))?;
    let read = statement.query_map(params![Col(key), bound, limit + 1], message)?;
    HistoryPage::read(page, limit, read).map(Access::Granted)
}

pub(super) fn note(tx: &Transaction<'_>, notes: &[(ChatKey, Note)]) -> rusqlite::Result<()> {
    for (key, note) in notes {
        match note {
            Note::Marks(seat, marks) => tx
                .prepare_cached(
                    "UPDATE seats SET delivered = max(delivered, ?3), read = max(read, ?4)
                     WHERE key = ?1 AND seat = ?2",
                )?
                .execute(params![Col(*key), Col(*seat), marks.delivered, marks.read])?,
            Note::LastSeen(seat, at) => tx
                .prepare_cached(
                    "UPDATE seats SET last_seen = max(coalesce(last_seen, 0), ?3)
                     WHERE key = ?1 AND seat = ?2",
                )?
                .execute(params![Col(*key), Col(*seat), Col(*at)])?,
            Note::Used(id, at) => tx
                .prepare_cached(
                    "UPDATE sessions SET last_seen = max(coalesce(last_seen, 0), ?3)
                     WHERE key = ?1 AND id = ?2",
                )?
                .execute(params![Col(*key), Col(*id), Col(*at)])?,
        };
    }
    Ok(())
}
