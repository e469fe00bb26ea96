//! The instances that live, each by a row of its own.

use actors::ports::{Peer, StoreError};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::{Connections, rows::seq};

/// Beats, forgets those that are long silent, and answers the other ones that live, in one call.
const BEAT: &str = "
    WITH silent AS (
        DELETE FROM instances WHERE boot IN (
            SELECT boot FROM instances WHERE beat_at < now_ms() - 60000 AND boot <> $1
            FOR UPDATE SKIP LOCKED
        )
    ), own AS (
        INSERT INTO instances AS i (boot, bus, beats, beat_at) VALUES ($1, $2, 1, now_ms())
        ON CONFLICT (boot) DO UPDATE SET beats = i.beats + 1, beat_at = now_ms()
    )
    SELECT boot, bus, beats FROM instances WHERE boot <> $1 AND beat_at >= now_ms() - 10000";

pub(super) async fn beat(
    connections: &Connections,
    own: Uuid,
    bus_address: &str,
) -> Result<Vec<Peer>, StoreError> {
    let rows = connections.query(BEAT, &[&own, &bus_address]).await?;
    let peers = rows.iter().map(peer).collect::<Result<_, _>>();
    peers.map_err(|error| StoreError::Refused(error.to_string()))
}

fn peer(row: &Row) -> Result<Peer, Error> {
    Ok(Peer {
        boot: row.try_get("boot")?,
        bus_address: row.try_get("bus")?,
        beats: seq(row.try_get("beats")?),
    })
}
