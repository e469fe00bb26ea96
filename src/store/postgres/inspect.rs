//! Checks a server before anything is stored: its version, its encoding, that no pooler shares sessions, and
//! the rights of the role.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage, error::SqlState};

use super::{
    connect_once,
    errors::{no_answer, shared_session},
};
use crate::{config::PostgresUrl, store::OpenError};

/// The oldest version with all features in use, as `server_version_num`.
const VERSION_MIN: i32 = 140_000;
/// How long the server may take to end a session, and the connection to notice it.
const END_MS: u32 = 5_000;
const PROBE_DEADLINE: Duration = Duration::from_secs(5);

/// The owner of each table, and the rights on it that the role lacks.
const LACKING: &str = "
    WITH ours AS (SELECT relnamespace AS schema, relowner AS owner FROM pg_class WHERE oid = 'chats'::regclass)
    SELECT need.privilege || ' on ' || c.relname
    FROM ours JOIN pg_class c ON c.relnamespace = schema AND c.relowner = owner AND c.relkind IN ('r', 'p')
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS need(privilege)
    WHERE c.relname <> 'refinery_schema_history' AND NOT has_table_privilege(c.oid, need.privilege)
    UNION ALL
    SELECT 'EXECUTE on ' || p.oid::regprocedure
    FROM ours JOIN pg_proc p ON p.pronamespace = schema AND p.proowner = owner
    WHERE NOT has_function_privilege(p.oid, 'EXECUTE')
    ORDER BY 1";

/// Refuses a server that is too old, or whose encoding lacks characters.
pub(super) async fn server(client: &Client) -> Result<(), OpenError> {
    let ask =
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                      current_setting('server_encoding')";
    let found = client.query_one(ask, &[]).await?;
    let (number, version, encoding): (i32, String, String) =
        (found.get(0), found.get(1), found.get(2));
    if number < VERSION_MIN {
        return Err(OpenError::wrong(format!(
            "PostgreSQL {version} is too old: duet needs version 14 or newer."
        )));
    }
    if encoding != "UTF8" {
        return Err(OpenError::wrong(format!(
            "The database's encoding is {encoding}, which cannot hold every character. Create one \
             for duet: CREATE DATABASE duet ENCODING 'UTF8' TEMPLATE template0."
        )));
    }
    Ok(())
}

/// Refuses a pooler in transaction mode: if the session is terminated, a connection of its own closes, but a
/// pooler continues on another session.
pub(super) async fn sessions(client: &Client, url: &PostgresUrl) -> Result<(), OpenError> {
    let probe = connect_once(url).await?;
    let pid = probe.simple_query("SELECT pg_backend_pid()").await?;
    let pid = pid.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    // As the role that logged in: after SET ROLE, it may not be allowed to terminate its own session.
    let end = format!(
        "BEGIN; SET LOCAL ROLE NONE; SELECT pg_terminate_backend({}, {END_MS}); COMMIT",
        pid.unwrap_or("0")
    );
    let ended = client.batch_execute(&end).await;
    let goes_on = timeout(PROBE_DEADLINE, probe.batch_execute("SELECT 1")).await;
    match (ended, goes_on) {
        (Err(error), _) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            Err(error.into())
        }
        // A pooler has switched to another session.
        (_, Ok(Ok(()))) => Err(shared_session()),
        (Err(error), _) => Err(error.into()),
        (Ok(()), Ok(Err(_))) => Ok(()),
        (Ok(()), Err(_)) => Err(no_answer()),
    }
}

/// Refuses a role that lacks rights on the tables.
pub(super) async fn rights(client: &Client) -> Result<(), OpenError> {
    let rows = client.query(LACKING, &[]).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let lacking: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let who = "SELECT current_user::text, current_schema()::text";
    let who = client.query_one(who, &[]).await?;
    let (role, schema): (String, Option<String>) = (who.get(0), who.get(1));
    let schema = schema.unwrap_or_else(|| "public".into());
    Err(OpenError::wrong(format!(
        "The role {role} lacks rights: {}. Let the owner of the tables say GRANT SELECT, INSERT, \
         UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role} and GRANT EXECUTE ON ALL \
         FUNCTIONS IN SCHEMA {schema} TO {role}.",
        lacking.join(", ")
    )))
}
