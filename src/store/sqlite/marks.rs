//! How far a chat and its people have come: reading positions, and the deferred writes of marks and last-seen times.

use actors::{
    domain::{BySeat, ChatKey, Marks, Position, Seat},
    ports::DeferredWrite,
};
use rusqlite::{Connection, Transaction, params};

use super::rows::{Col, LiveChat, get};

pub(super) fn position(
    connection: &Connection,
    key: ChatKey,
    chat: &LiveChat,
) -> rusqlite::Result<Position> {
    let mut marks = BySeat::<Marks>::default();
    let mut statement =
        connection.prepare_cached("SELECT seat, delivered, read FROM seats WHERE key = ?1")?;
    let mut rows = statement.query([Col(key)])?;
    while let Some(row) = rows.next()? {
        let seat: Seat = get(row, "seat")?;
        marks[seat] = Marks {
            delivered: row.get("delivered")?,
            read: row.get("read")?,
        };
    }
    Ok(Position {
        last_seq: chat.last_seq,
        revision: chat.revision,
        marks,
    })
}

pub(super) fn write_deferred(
    tx: &Transaction<'_>,
    writes: &[(ChatKey, DeferredWrite)],
) -> rusqlite::Result<()> {
    for (key, write) in writes {
        match write {
            DeferredWrite::Marks(seat, marks) => tx
                .prepare_cached(
                    "UPDATE seats SET delivered = max(delivered, min(?3, last_seq)),
                                      read = max(read, min(?4, last_seq))
                     FROM chats c WHERE c.key = ?1 AND seats.key = ?1 AND seat = ?2",
                )?
                .execute(params![Col(*key), Col(*seat), marks.delivered, marks.read])?,
            DeferredWrite::LastSeen(seat, at) => tx
                .prepare_cached(
                    "UPDATE seats SET last_seen = max(coalesce(last_seen, 0), ?3)
                     WHERE key = ?1 AND seat = ?2",
                )?
                .execute(params![Col(*key), Col(*seat), Col(*at)])?,
            DeferredWrite::Used(id, at) => tx
                .prepare_cached(
                    "UPDATE sessions SET last_seen = max(coalesce(last_seen, 0), ?3)
                     WHERE key = ?1 AND id = ?2",
                )?
                .execute(params![Col(*key), Col(*id), Col(*at)])?,
        };
    }
    Ok(())
}
