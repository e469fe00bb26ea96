//! The tables, brought up to date.

use refinery::Runner;

use super::{connect_once, unusable};
use crate::{config::PostgresUrl, store::OpenError};

mod embedded {
    refinery::embed_migrations!("migrations/postgres");
}

/// Held while migrating, so that instances which start together take turns. Any number does, as
/// long as nobody else in the database uses it.
const MIGRATION_LOCK: i64 = 0x6475_6574_0001;

/// Brings the tables up to date; of several at once one does it and the others wait. A database
/// that a newer duet has migrated is served as it is: what is taken away is taken away only
/// when nobody needs it any more (see `migrations/README.md`).
pub(super) async fn migrate(url: &PostgresUrl) -> Result<(), OpenError> {
    let mut client = connect_once(url).await?;
    // The lock goes with the connection.
    client
        .execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await
        .map_err(|error| unusable(&error))?;
    runner()
        .run_async(&mut client)
        .await
        .map_err(|error| unusable(&error))?;
    Ok(())
}

fn runner() -> Runner {
    embedded::migrations::runner()
        .set_abort_missing(false)
        // With the record of them in one transaction: whoever is killed in the middle has done nothing.
        .set_grouped(true)
}
