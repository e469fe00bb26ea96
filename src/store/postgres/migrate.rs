//! Migrates the tables.

use std::{
    error::Error as _,
    time::{Duration, Instant},
};

use refinery::Runner;
use tokio::time::sleep;
use tokio_postgres::{Client, Error};
use tracing::info;

use super::{
    errors::{explain, wrong},
    in_time,
};
use crate::store::OpenError;

mod embedded {
    refinery::embed_migrations!("migrations/postgres");
}

/// Held while migrating, so that instances which start together take turns. An arbitrary number that nothing
/// else in the database may use.
const MIGRATION_LOCK: i64 = 0x6475_6574_0001;
/// How often the lock is tried, and how often the wait is logged.
const TRY_AGAIN: Duration = Duration::from_millis(250);
const SAY_AGAIN: Duration = Duration::from_secs(5);

/// Describes the session that holds the lock.
const HOLDER: &str = "
    SELECT 'pid ' || l.pid || coalesce(' (' || nullif(a.application_name, '') || ', role ' || a.usename || ')', '')
    FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32) | l.objid::bigint = $1";

/// Migrates the tables. Of several instances one does it and the others wait, at most for `patience` (`None`:
/// for ever). If nothing is missing, nothing is tried, so a role that may only read and write suffices. A
/// database that a newer release has migrated is used as it is: columns are dropped only once no supported
/// release needs them (see `migrations/README.md`).
pub(super) async fn migrate(
    mut client: Client,
    patience: Option<Duration>,
) -> Result<Client, OpenError> {
    if in_time(is_current(&mut client)).await? {
        return Ok(client);
    }
    lock(&client, patience).await?;
    // Whoever held the lock may have migrated meanwhile.
    if !in_time(is_current(&mut client)).await? {
        let done = runner().run_async(&mut client).await?;
        let applied = done.applied_migrations();
        if let Some(last) = applied.last() {
            let (steps, version) = (applied.len(), last.version());
            info!(steps, version, "the tables were brought up to date");
        }
    }
    let unlock = "SELECT pg_advisory_unlock($1)";
    in_time(async { Ok(client.execute(unlock, &[&MIGRATION_LOCK]).await?) }).await?;
    Ok(client)
}

pub(super) fn runner() -> Runner {
    embedded::migrations::runner()
        .set_abort_missing(false)
        // Together with their records in one transaction, so that an interrupted migration leaves nothing.
        .set_grouped(true)
}

/// Whether every migration was applied with its current text.
pub(super) async fn is_current(client: &mut Client) -> Result<bool, OpenError> {
    let known = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(known, &[]).await?.get::<_, bool>(0) {
        return Ok(false);
    }
    let runner = runner();
    let applied = runner.get_applied_migrations_async(client).await?;
    let mut migrations = runner.get_migrations().iter();
    Ok(migrations.all(|migration| applied.contains(migration)))
}

/// Takes the lock, logging who holds it meanwhile. It is released with the connection.
async fn lock(client: &Client, patience: Option<Duration>) -> Result<(), OpenError> {
    let began = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        let Some(holder) = in_time(try_lock(client)).await? else {
            return Ok(());
        };
        if patience.is_some_and(|patience| began.elapsed() >= patience) {
            return Err(OpenError::wrong(format!(
                "The tables cannot be brought up to date: the lock for it is held by {holder}. End \
                 that session (SELECT pg_terminate_backend(PID)) if it is stuck; store.start_seconds \
                 says how long to wait for it."
            )));
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            said = Some(Instant::now());
            let seconds = began.elapsed().as_secs();
            info!(seconds, %holder, "waiting for the lock of the migrations");
        }
        sleep(TRY_AGAIN).await;
    }
}

/// Takes the lock, or tells who holds it.
async fn try_lock(client: &Client) -> Result<Option<String>, OpenError> {
    let take = "SELECT pg_try_advisory_lock($1)";
    if client.query_one(take, &[&MIGRATION_LOCK]).await?.get(0) {
        return Ok(None);
    }
    let holder = client.query_opt(HOLDER, &[&MIGRATION_LOCK]).await?;
    Ok(Some(holder.map_or_else(
        || "nobody any more".into(),
        |row| row.get(0),
    )))
}

/// An error of a migration, with the server's message if it has one.
impl From<refinery::Error> for OpenError {
    fn from(error: refinery::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if let Some(error) = inner.downcast_ref::<Error>() {
                return explain(error);
            }
            cause = inner.source();
        }
        let next_step = "The tables are not as this version of duet made them.";
        wrong(error, next_step)
    }
}
