//! What every session is told once it is connected, and whether it holds.
//!
//! Not by options of the connection: poolers refuse or drop those. And what was told is read back,
//! because a pooler may give each transaction another of the server's sessions.

use std::time::Duration;

use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::{connect::NoConnection, errors::explain};

/// The parameters of a session.
#[derive(Clone)]
pub(super) struct Session(Vec<(&'static str, String)>);

/// Which of the server's sessions this is, by a parameter that only this connection knows.
struct Marker(String);

/// Waits for the disk, whatever a role or the server says otherwise; also for standbys, if it is told to.
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                       WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);";
const READ_BACK: &str =
    "SELECT current_setting('duet.session', true), current_setting('synchronous_commit')";

impl Session {
    /// For calls, which have until `deadline`. The server gives up before we do, and lets go of what
    /// it locked. Every statement finds its rows by their keys whatever the tables' sizes are
    /// thought to be, so it is planned once.
    pub(super) fn for_calls(deadline: Duration) -> Self {
        let statement_ms = deadline.as_millis() * 4 / 5;
        Self(vec![
            ("statement_timeout", format!("{statement_ms}ms")),
            ("lock_timeout", "1s".into()),
            ("idle_in_transaction_session_timeout", "1s".into()),
            ("idle_session_timeout", "0".into()),
            ("default_transaction_isolation", "read committed".into()),
            ("plan_cache_mode", "force_generic_plan".into()),
            ("enable_seqscan", "off".into()),
            ("enable_hashjoin", "off".into()),
            ("enable_mergejoin", "off".into()),
            ("jit", "off".into()),
        ])
    }

    /// For migrations and locks, which take as long as they take.
    pub(super) fn for_upkeep() -> Self {
        Self(vec![
            ("statement_timeout", "0".into()),
            ("lock_timeout", "0".into()),
            ("idle_in_transaction_session_timeout", "0".into()),
            ("idle_session_timeout", "0".into()),
            ("default_transaction_isolation", "read committed".into()),
        ])
    }

    /// Tells a new session its parameters, but for those that `options` of the URL set otherwise, and
    /// makes sure that it has them.
    pub(super) async fn begin(&self, client: &Client, options: &str) -> Result<(), NoConnection> {
        let mut sql = String::from(DURABLE);
        let set_by_url = parameters(options);
        for (name, value) in &self.0 {
            if !set_by_url.iter().any(|known| known == name) {
                sql += &format!("SET {name} = '{value}';");
            }
        }
        let told = client.batch_execute(&sql).await;
        told.map_err(|error| explain(&error))?;
        Marker::set(client).await?.check(client).await
    }
}

/// The parameters that options as libpq has them set: `-c name=value` or `--name=value`.
fn parameters(options: &str) -> Vec<String> {
    let words = options.split_whitespace();
    let set = words.filter_map(|word| Some(word.split_once('=')?.0));
    set.map(|name| {
        let name = name.trim_start_matches("-c").trim_start_matches("--");
        name.to_lowercase().replace('-', "_")
    })
    .collect()
}

impl Marker {
    async fn set(client: &Client) -> Result<Self, NoConnection> {
        let marker = Uuid::new_v4().to_string();
        let set = format!("SET duet.session = '{marker}'");
        let told = client.batch_execute(&set).await;
        told.map_err(|error| explain(&error))?;
        Ok(Self(marker))
    }

    /// Whether the connection still leads to the session that was marked, and that session waits
    /// for the disk.
    async fn check(&self, client: &Client) -> Result<(), NoConnection> {
        let answer = client.simple_query(READ_BACK).await;
        let answer = answer.map_err(|error| explain(&error))?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0), row.get(1))),
            _ => None,
        });
        match row {
            Some((Some(marker), Some("on" | "remote_apply"))) if marker == self.0 => Ok(()),
            Some((Some(marker), durability)) if marker == self.0 => Err(NoConnection::wrong(
                format!(
                    "synchronous_commit stays {}",
                    durability.unwrap_or_default()
                ),
                "Messages would be acknowledged that a power cut can lose: find out who sets it.",
            )),
            _ => Err(NoConnection::shared_session()),
        }
    }
}

#[cfg(test)]
mod tests {
    use harness::servers::Postgres;

    use crate::{config::PostgresUrl, store::postgres::connect::Servers};

    use super::*;

    async fn setting(servers: &Servers, name: &str) -> String {
        let client = servers.connect().await.unwrap();
        let show = format!("SHOW {name}");
        client.query_one(&show, &[]).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn what_a_role_sets_otherwise_does_not_count() {
        let server = Postgres::start().unwrap();
        server.run("CREATE ROLE app LOGIN").unwrap();
        for (name, value) in [
            ("synchronous_commit", "off"),
            ("statement_timeout", "'1h'"),
            ("lock_timeout", "'1h'"),
            ("default_transaction_isolation", "serializable"),
            ("idle_session_timeout", "'10s'"),
        ] {
            let set = format!("ALTER ROLE app SET {name} = {value}");
            server.run(&set).unwrap();
        }
        let deadline = Duration::from_secs(5);
        let session = Session::for_calls(deadline);
        let url = server.url().replace("postgres@", "app@");
        let url = format!("{url}?options=-c%20lock_timeout%3D3s%20--Jit-above-cost%3D1");
        let url = PostgresUrl::parse(&url).unwrap();
        let servers = Servers::new(&url, deadline, session).unwrap();
        for (name, value) in [
            ("synchronous_commit", "on"),
            ("statement_timeout", "4s"),
            ("default_transaction_isolation", "read committed"),
            ("idle_session_timeout", "0"),
            // As the URL says.
            ("lock_timeout", "3s"),
            ("jit_above_cost", "1"),
            // That is another one.
            ("jit", "off"),
        ] {
            assert_eq!(setting(&servers, name).await, value, "{name}");
        }
        server
            .run("ALTER ROLE app SET synchronous_commit = remote_apply")
            .unwrap();
        assert_eq!(
            setting(&servers, "synchronous_commit").await,
            "remote_apply"
        );
    }

    #[test]
    fn the_scripts_beside_the_migrations_plan_as_the_server_does() {
        let script = include_str!("../../../migrations/session.sql");
        let script = script.lines().filter(|line| line.starts_with("SET"));
        let Session(parameters) = Session::for_calls(Duration::from_secs(1));
        let is_planner =
            |name: &str| name.starts_with("plan_") || name.starts_with("enable_") || name == "jit";
        let planner = parameters.iter().filter(|(name, _)| is_planner(name));
        let planner = planner.map(|(name, value)| format!("SET {name} = '{value}';"));
        assert_eq!(script.collect::<Vec<_>>(), planner.collect::<Vec<_>>());
    }
}
