//! What `duet doctor` reports about a PostgreSQL server.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Config, config::Host};

use super::{connect_once, in_time, inspect, migrate, upkeep::PROBE};
use crate::{
    config::{self, PostgresUrl},
    store::{
        OpenError,
        examine::{Finding, clock, latency, milliseconds},
    },
};

// Roles without pg_read_all_stats do not see other roles' sessions in pg_stat_activity.
const ABOUT: &str = "
    SELECT current_setting('server_version'), current_setting('server_encoding'), current_user::text,
        current_database()::text, coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
        current_setting('max_connections')::int,
        (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database),
        (SELECT count(DISTINCT pid)::int FROM pg_stat_activity
            WHERE application_name = 'duet' AND pid <> pg_backend_pid())";

/// Appends findings; stops at a finding that makes further ones impossible.
pub async fn examine(
    url: &PostgresUrl,
    settings: &config::Store,
    found: &mut Vec<Finding>,
) -> Result<(), OpenError> {
    let mut client = connect_once(url).await?;
    in_time(inspect::server(&client)).await?;
    let about = in_time(async { Ok(client.query_one(ABOUT, &[]).await?) }).await?;
    let (version, encoding, role, database): (String, String, String, String) =
        (about.get(0), about.get(1), about.get(2), about.get(3));
    found.push(Finding::ok(format!(
        "PostgreSQL {version}, database {database}, encoding {encoding}, role {role}"
    )));
    let by_socket = |server: &Config| {
        let mut hosts = server.get_hosts().iter();
        hosts.any(|host| matches!(host, Host::Unix(_)))
    };
    found.push(match about.get(4) {
        true => Finding::ok("the way to it is encrypted"),
        false if url.servers.iter().all(by_socket) => {
            Finding::ok("the way to it is a socket of this machine")
        }
        false => Finding::warning(
            "the way to it is not encrypted: over a network use sslmode=verify-full",
        ),
    });
    if !about.get::<_, bool>(5) {
        found.push(Finding::warning(
            "fsync or full_page_writes is off: acknowledged messages can be lost",
        ));
    }
    let (most, open, ours): (i32, i32, i32) = (about.get(6), about.get(7), about.get(8));
    let pool = i64::from(settings.pool_size);
    let words =
        format!("connections in use: {open} of {most}, {ours} by duet; each instance takes {pool}");
    found.push(match i64::from(most - open) > pool {
        true => Finding::ok(words),
        false => Finding::warning(format!("{words}: raise max_connections")),
    });
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let clock = clock(async || client.query_one(now, &[]).await?.try_get(0));
    found.push(in_time(async { Ok(clock.await?) }).await?);
    in_time(inspect::sessions(&client, url)).await?;
    found.push(Finding::ok("no pooler shares its sessions"));
    if !in_time(migrate::is_current(&mut client)).await? {
        found.push(Finding::warning(
            "its tables are not those of this version: `duet migrate` makes them",
        ));
        return Ok(());
    }
    in_time(inspect::rights(&client)).await?;
    found.push(Finding::ok(
        "the tables are there, with the rights that serving takes",
    ));
    let within = Duration::from_secs(settings.call_seconds);
    let Ok(committed) = timeout(within, client.execute(PROBE, &[])).await else {
        found.push(Finding::fault(format!(
            "a commit was not answered within {} s (store.call_seconds), so nothing can be written: a standby that the \
             server waits for may be away (synchronous_standby_names), or its disk may hang",
            within.as_secs()
        )));
        return Ok(());
    };
    committed?;
    let commit = latency(async || client.execute(PROBE, &[]).await.map(|_| ()));
    let commit = in_time(async { Ok(commit.await?) }).await?;
    found.push(Finding::ok(format!(
        "a commit takes {}",
        milliseconds(commit)
    )));
    Ok(())
}

/// Whether a start has made the tables.
pub async fn has_tables(url: &PostgresUrl) -> Result<bool, OpenError> {
    let ask = "SELECT to_regclass('chats') IS NOT NULL";
    in_time(async { Ok(connect_once(url).await?.query_one(ask, &[]).await?.get(0)) }).await
}

/// How many instances have beaten in the last ten seconds.
pub async fn count_live_instances(url: &PostgresUrl) -> Result<usize, OpenError> {
    let count = "SELECT count(*) FROM instances WHERE beat_at >= now_ms() - 10000";
    let counted: i64 =
        in_time(async { Ok(connect_once(url).await?.query_one(count, &[]).await?.get(0)) }).await?;
    Ok(usize::try_from(counted).unwrap_or_default())
}
