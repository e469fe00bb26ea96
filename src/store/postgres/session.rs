//! Sets the parameters of each new session, and checks that they hold.
//!
//! They are not set as connection options, which poolers refuse or drop. They are read back, because a pooler
//! may give each transaction another session.

use std::time::Duration;

use tokio_postgres::{Client, SimpleQueryMessage};
use uuid::Uuid;

use super::{
    OpenError,
    errors::{shared_session, wrong},
};

/// The parameters of a session.
#[derive(Clone)]
pub(super) struct Session(Vec<(&'static str, String)>);

/// Commits wait for the disk, whatever the role or the server is configured to; also for standbys, if
/// configured.
const DURABLE: &str =
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                       WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false);";
const READ_BACK: &str =
    "SELECT current_setting('duet.session', true), current_setting('synchronous_commit'),
            pg_postmaster_start_time()";

impl Session {
    /// For calls that have until `deadline`. The server gives up earlier, and releases its locks. All
    /// statements use index lookups by key whatever the planner assumes of the tables' sizes, so generic
    /// plans are forced.
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

    /// For migrations and locks. They may take any time, but not wait long for a table: all statements on it would wait
    /// behind them.
    pub(super) fn for_upkeep() -> Self {
        Self(vec![
            ("statement_timeout", "0".into()),
            ("lock_timeout", "500ms".into()),
            ("idle_in_transaction_session_timeout", "0".into()),
            ("idle_session_timeout", "0".into()),
            ("default_transaction_isolation", "read committed".into()),
        ])
    }

    /// Sets the parameters of a new session, except those set by `options` in the URL. Then checks that the connection
    /// still reaches that session, and that its commits wait for the disk. Returns when the server was started, which
    /// tells it apart from others.
    pub(super) async fn begin(&self, client: &Client, options: &str) -> Result<String, OpenError> {
        let mut sql = String::from(DURABLE);
        let set_by_url = parameters(options);
        for (name, value) in &self.0 {
            if !set_by_url.iter().any(|known| known == name) {
                sql += &format!("SET {name} = '{value}';");
            }
        }
        client.batch_execute(&sql).await?;
        // A value that only this connection knows marks the session.
        let marker = Uuid::new_v4().to_string();
        let mark = format!("SET duet.session = '{marker}'");
        client.batch_execute(&mark).await?;
        let answer = client.simple_query(READ_BACK).await?;
        let row = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.get(0), row.get(1), row.get(2))),
            _ => None,
        });
        match row {
            Some((Some(known), Some("on" | "remote_apply"), started)) if known == marker => {
                Ok(started.unwrap_or_default().into())
            }
            Some((Some(known), durability, _)) if known == marker => Err(wrong(
                format!(
                    "synchronous_commit stays {}",
                    durability.unwrap_or_default()
                ),
                "Messages would be acknowledged that a power cut can lose: find out who sets it.",
            )),
            _ => Err(shared_session()),
        }
    }
}

/// The parameter names in libpq's `options`: `-c name=value` or `--name=value`.
fn parameters(options: &str) -> Vec<String> {
    let words = options.split_whitespace();
    let set = words.filter_map(|word| Some(word.split_once('=')?.0));
    set.map(|name| {
        let name = name.trim_start_matches("-c").trim_start_matches("--");
        name.to_lowercase().replace('-', "_")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use harness::servers::Postgres;

    use crate::{config::PostgresUrl, store::postgres::connect::Servers};

    use super::*;

    async fn setting(servers: &Servers, name: &str) -> String {
        let (client, _) = servers.connect().await.unwrap();
        let show = format!("SHOW {name}");
        client.query_one(&show, &[]).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn settings_of_the_role_are_overridden() {
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
            // As set in the URL.
            ("lock_timeout", "3s"),
            ("jit_above_cost", "1"),
            // Another session.
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
