//! How far a chat and its people have come: reading positions, and the deferred writes of marks and last-seen times.

use actors::{
    domain::{BySeat, ChatKey, Marks, Position, Seat, Seq, Timestamp},
    ports::DeferredWrite,
};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{
    rows::{bound, number, seq, uuid},
    transaction::Transaction,
};

/// A row for each key, of NULLs where no chat lives.
pub(super) const POSITIONS: &str = include_str!("sql/positions.sql");

/// Reads a row of [`POSITIONS`], by the places of its columns: every open chat has one each second.
pub(super) fn position(row: &Row) -> Result<Option<Position>, Error> {
    let Some(last_seq) = row.try_get::<_, Option<i64>>(0)? else {
        return Ok(None);
    };
    let mark = |column: usize| -> Result<Seq, Error> {
        let mark: Option<i64> = row.try_get(column)?;
        Ok(mark.map_or(0, seq))
    };
    let marks = |delivered, read| -> Result<Marks, Error> {
        Ok(Marks {
            delivered: mark(delivered)?,
            read: mark(read)?,
        })
    };
    Ok(Some(Position {
        last_seq: seq(last_seq),
        revision: row.try_get::<_, i64>(1)?.unsigned_abs(),
        marks: BySeat([marks(2, 3)?, marks(4, 5)?]),
    }))
}

/// All writes of one kind in one statement, which locks rows in key order. Columns without a new value are
/// NULL, which greatest() and least() ignore. A mark counts up to the last message.
const SEATS: &str = include_str!("sql/raise_marks.sql");
const USED: &str = "
    UPDATE sessions s SET last_seen = greatest(s.last_seen, n.at)
    FROM (SELECT s.key, s.digest, n.at
          FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS n (key, id, at)
          JOIN sessions s ON s.key = n.key AND s.id = n.id
          ORDER BY s.key, s.digest FOR NO KEY UPDATE OF s) n
    WHERE s.key = n.key AND s.digest = n.digest";

#[derive(Default)]
struct SeatWrites {
    keys: Vec<Uuid>,
    seats: Vec<i16>,
    delivered: Vec<Option<i64>>,
    read: Vec<Option<i64>>,
    at: Vec<Option<i64>>,
}

impl SeatWrites {
    fn push(&mut self, key: ChatKey, seat: Seat, marks: Option<Marks>, at: Option<Timestamp>) {
        self.keys.push(uuid(key));
        self.seats.push(number(seat));
        self.delivered
            .push(marks.map(|marks| bound(marks.delivered)));
        self.read.push(marks.map(|marks| bound(marks.read)));
        self.at.push(at.map(Timestamp::unix_ms));
    }
}

pub(super) async fn write_deferred(
    tx: &mut Transaction<'_>,
    writes: &[(ChatKey, DeferredWrite)],
) -> Result<(), Error> {
    let mut of_seats = SeatWrites::default();
    let mut used: (Vec<Uuid>, Vec<Uuid>, Vec<i64>) = Default::default();
    for (key, write) in writes {
        match write {
            DeferredWrite::Marks(seat, marks) => of_seats.push(*key, *seat, Some(*marks), None),
            DeferredWrite::LastSeen(seat, at) => of_seats.push(*key, *seat, None, Some(*at)),
            DeferredWrite::Used(id, at) => {
                used.0.push(uuid(*key));
                used.1.push(*id);
                used.2.push(at.unix_ms());
            }
        }
    }
    // Sessions before seats, in the same order as the statements that end chats and sessions; otherwise they
    // could deadlock.
    let (keys, ids, at) = &used;
    if !keys.is_empty() {
        tx.execute(USED, &[keys, ids, at]).await?;
    }
    if !of_seats.keys.is_empty() {
        let SeatWrites {
            keys,
            seats,
            delivered,
            read,
            at,
        } = &of_seats;
        tx.execute(SEATS, &[keys, seats, delivered, read, at])
            .await?;
    }
    Ok(())
}
