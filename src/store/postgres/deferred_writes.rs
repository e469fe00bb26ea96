//! Writes that may be a moment late: marks and last-seen times.

use actors::{
    domain::{Caller, ChatKey, Marks, Seat, Timestamp},
    ports::DeferredWrite,
};
use tokio_postgres::Error;
use uuid::Uuid;

use super::{
    rows::{bound, number, uuid},
    transaction::Transaction,
};

/// All writes of one kind in one statement, which locks rows in key order. Columns without a new value are
/// NULL, which greatest() ignores. A mark counts only if its session lives.
const SEATS: &str = include_str!("sql/raise_marks.sql");
const USED: &str = "
    UPDATE sessions s SET last_seen = greatest(s.last_seen, n.at)
    FROM (SELECT s.key, s.digest, n.at
          FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS n (key, id, at)
          JOIN sessions s ON s.key = n.key AND s.id = n.id
          ORDER BY s.key, s.digest FOR NO KEY UPDATE OF s) n
    WHERE s.key = n.key AND s.digest = n.digest";

#[derive(Default)]
struct SeatWrites<'a> {
    keys: Vec<Uuid>,
    seats: Vec<i16>,
    delivered: Vec<Option<i64>>,
    read: Vec<Option<i64>>,
    at: Vec<Option<i64>>,
    sessions: Vec<Option<&'a [u8]>>,
}

impl<'a> SeatWrites<'a> {
    fn mark(&mut self, by: &'a Caller, marks: Marks) {
        self.keys.push(uuid(by.key));
        self.seats.push(number(by.seat));
        self.delivered.push(Some(bound(marks.delivered)));
        self.read.push(Some(bound(marks.read)));
        self.at.push(None);
        self.sessions.push(Some(by.session.as_bytes()));
    }

    fn last_seen(&mut self, key: ChatKey, seat: Seat, at: Timestamp) {
        self.keys.push(uuid(key));
        self.seats.push(number(seat));
        self.delivered.push(None);
        self.read.push(None);
        self.at.push(Some(at.unix_ms()));
        self.sessions.push(None);
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
            DeferredWrite::Marks(by, marks) => of_seats.mark(by, *marks),
            DeferredWrite::LastSeen(seat, at) => of_seats.last_seen(*key, *seat, *at),
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
    let SeatWrites {
        keys,
        seats,
        delivered,
        read,
        at,
        sessions,
    } = &of_seats;
    if !keys.is_empty() {
        tx.execute(SEATS, &[keys, seats, delivered, read, at, sessions])
            .await?;
    }
    Ok(())
}
