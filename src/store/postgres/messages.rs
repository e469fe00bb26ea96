//! Appending and reading messages.

use std::collections::{BTreeMap, HashMap};

use actors::{
    domain::{ChatKey, Draft, Page, Seat, Seq, Timestamp},
    ports::{
        Access, Appended, ChatRoom, DeferredWrite, HistoryPage, Messages, PAGE_BYTES_MAX,
        Principal, StoreError,
    },
};
use async_trait::async_trait;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    PostgresStore,
    marks::write_deferred,
    pool::{Connections, Params},
    rows::{
        ACCESS, LIVE_CHAT, access, bound, live_chat, message, moment, number, seq, unreadable, uuid,
    },
};

#[async_trait]
impl Messages for PostgresStore {
    fn lanes(&self) -> usize {
        self.lanes
    }

    /// A lone message, the usual case under little load, takes a shorter path. Drafts to chats that somebody
    /// else has locked are left out, so that they delay no others.
    async fn append(&self, drafts: &[Draft], room: ChatRoom) -> Result<Vec<Appended>, StoreError> {
        let appending = async {
            if let [draft] = drafts
                && let Some(stored) = append_one(&self.connections, draft, room).await?
            {
                return Ok(vec![stored]);
            }
            append_batch(&self.connections, drafts, room, false).await
        };
        self.meter.measure("append", appending).await
    }

    async fn append_waiting(
        &self,
        drafts: &[Draft],
        room: ChatRoom,
    ) -> Result<Vec<Appended>, StoreError> {
        let appending = append_batch(&self.connections, drafts, room, true);
        self.meter.measure("append_waiting", appending).await
    }

    async fn history(
        &self,
        by: Principal,
        page: Page,
        limit: usize,
    ) -> Result<Access<HistoryPage>, StoreError> {
        let reading = history(&self.connections, by, page, limit);
        self.meter.measure("history", reading).await
    }

    async fn write_deferred(&self, writes: &[(ChatKey, DeferredWrite)]) -> Result<(), StoreError> {
        self.transaction("write_deferred", async |tx| {
            write_deferred(tx, writes).await
        })
        .await
    }
}

/// Usually a message goes to a live chat that nobody else has locked and was not sent before; otherwise the
/// statement changes nothing and returns no row.
///
/// The session is looked up before the chat's row is locked. Ending a session increments the chat's revision,
/// so the row no longer matches if that happened in between.
const APPEND_ONE: &str = include_str!("sql/append_one.sql");

const APPEND: &str = include_str!("sql/append.sql");

/// Stores a message; `None` where the general statement must decide.
async fn append_one(
    connections: &Connections,
    draft: &Draft,
    room: ChatRoom,
) -> Result<Option<Appended>, StoreError> {
    let params: Params<'_> = &[
        &uuid(draft.key),
        &number(draft.seat),
        &draft.id,
        &draft.text.as_str(),
        &draft.sent_at.map(Timestamp::unix_ms),
        &bound(room.messages_max),
        &bound(room.bytes_max),
        &&draft.session.as_bytes()[..],
    ];
    let rows = match connections.write(APPEND_ONE, params).await {
        Ok(rows) => rows,
        // Another call stored the same message, or it cannot be stored.
        Err(StoreError::Refused(_)) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let stored = rows.first().map(placed).transpose();
    let stored = stored.map_err(unreadable)?;
    Ok(stored.map(|(seq, at)| Appended::Stored { seq, at }))
}

/// Appends all drafts in one call.
async fn append_batch(
    connections: &Connections,
    drafts: &[Draft],
    room: ChatRoom,
    wait: bool,
) -> Result<Vec<Appended>, StoreError> {
    let BatchColumns {
        chats,
        counts,
        sizes,
        places,
        nths,
    } = BatchColumns::of(drafts);
    let seats: Vec<i16> = drafts.iter().map(|draft| number(draft.seat)).collect();
    let sessions: Vec<&[u8]> = drafts
        .iter()
        .map(|draft| &draft.session.as_bytes()[..])
        .collect();
    let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.id).collect();
    let texts: Vec<&str> = drafts.iter().map(|draft| draft.text.as_str()).collect();
    let sent_ats: Vec<Option<i64>> = drafts
        .iter()
        .map(|draft| draft.sent_at.map(Timestamp::unix_ms))
        .collect();
    let rows = connections
        .write(
            APPEND,
            &[
                &chats,
                &counts,
                &sizes,
                &places,
                &nths,
                &seats,
                &sessions,
                &ids,
                &texts,
                &sent_ats,
                &bound(room.messages_max),
                &bound(room.bytes_max),
                &wait,
            ],
        )
        .await?;
    let mut firsts: HashMap<(ChatKey, Seat, Uuid), (usize, Appended)> = HashMap::new();
    let mut outcomes = Vec::with_capacity(drafts.len());
    for (place, (draft, row)) in drafts.iter().zip(&rows).enumerate() {
        let name = (draft.key, draft.seat, draft.id);
        let found = outcome(row).map_err(unreadable)?;
        let outcome = found.unwrap_or_else(|| match firsts.get(&name) {
            Some((first, outcome)) => repeated(&drafts[*first], draft, outcome),
            None => Appended::Locked,
        });
        if outcome != Appended::NoSession {
            firsts.entry(name).or_insert((place, outcome.clone()));
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Groups drafts by chat: each chat once, in key order, with the number of its drafts and the bytes of their
/// texts. A draft is the nth of the chat at an index; both count from 1.
#[derive(Default)]
struct BatchColumns {
    chats: Vec<Uuid>,
    counts: Vec<i32>,
    sizes: Vec<i64>,
    places: Vec<i32>,
    nths: Vec<i32>,
}

#[derive(Default)]
struct ChatPart {
    place: i32,
    count: i32,
    size: i64,
}

impl BatchColumns {
    fn of(drafts: &[Draft]) -> Self {
        let mut by_chat: BTreeMap<Uuid, ChatPart> = drafts
            .iter()
            .map(|draft| (uuid(draft.key), ChatPart::default()))
            .collect();
        for (part, number) in by_chat.values_mut().zip(1..) {
            part.place = number;
        }
        let mut found = Self::default();
        for draft in drafts {
            if let Some(part) = by_chat.get_mut(&uuid(draft.key)) {
                part.count += 1;
                part.size += bound(draft.text.as_str().len() as u64);
                found.places.push(part.place);
                found.nths.push(part.count);
            }
        }
        for (chat, part) in by_chat {
            found.chats.push(chat);
            found.counts.push(part.count);
            found.sizes.push(part.size);
        }
        found
    }
}

/// The outcome of a draft; `None` if its id occurred earlier in the same batch.
fn outcome(row: &Row) -> Result<Option<Appended>, Error> {
    Ok(Some(match row.try_get::<_, &str>("outcome")? {
        "s" => {
            let (seq, at) = placed(row)?;
            Appended::Stored { seq, at }
        }
        "b" => {
            let (seq, at) = placed(row)?;
            Appended::Duplicate { seq, at }
        }
        "o" => Appended::OtherText,
        "f" => Appended::Full,
        "e" => Appended::Ended,
        "m" => Appended::Missing,
        "n" => Appended::NoSession,
        "r" => return Ok(None),
        _ => Appended::Locked,
    }))
}

fn placed(row: &Row) -> Result<(Seq, Timestamp), Error> {
    Ok((seq(row.try_get("seq")?), moment(row, "at")?))
}

/// The outcome of a draft whose id occurred earlier in the same batch, by the outcome of that one.
fn repeated(first: &Draft, second: &Draft, outcome: &Appended) -> Appended {
    match outcome {
        Appended::Stored { .. } | Appended::Duplicate { .. } if first.text != second.text => {
            Appended::OtherText
        }
        Appended::Stored { seq, at } => Appended::Duplicate { seq: *seq, at: *at },
        other => other.clone(),
    }
}

/// Limits what a page reads: as many rows as it holds, and one more to see whether there are more.
const NEWEST: &str = include_str!("sql/page_before.sql");
const AFTER: &str = include_str!("sql/page_after.sql");

async fn history(
    connections: &Connections,
    by: Principal,
    page: Page,
    limit: usize,
) -> Result<Access<HistoryPage>, StoreError> {
    let (sql, from) = match page {
        Page::Newest => (NEWEST, i64::MAX),
        Page::Before(seq) => (NEWEST, bound(seq)),
        Page::After(seq) => (AFTER, bound(seq)),
    };
    let id = uuid(by.key());
    let some_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let page_params: Params<'_> = &[&id, &from, &some_more, &(PAGE_BYTES_MAX as i64)];
    // Chat and session are checked after the messages were read: nothing is returned once they are over.
    let (rows, found) = match &by {
        Principal::Server(_) => {
            let asked = [(sql, page_params), (LIVE_CHAT, &[&id])];
            let [rows, found] = connections.queries(asked).await?;
            (rows, live_chat(&found[0]))
        }
        Principal::Session(caller) => {
            let (digest, seat) = (&caller.session.as_bytes()[..], number(caller.seat));
            let asked = [(sql, page_params), (ACCESS, &[&id, &digest, &seat])];
            let [rows, found] = connections.queries(asked).await?;
            (rows, access(&found[0]))
        }
    };
    let read = || -> Result<Access<HistoryPage>, Error> {
        let read = HistoryPage::read(page, limit, rows.iter().map(message))?;
        Ok(found?.map(|_| read))
    };
    read().map_err(unreadable)
}
