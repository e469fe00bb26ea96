//! Explains PostgreSQL's errors to operators: its message, its SQLSTATE, a next step, and whether retrying
//! can help.

use tokio_postgres::{Error, error::DbError};

use super::connect::NoConnection;
use crate::tls;

/// The next step where the error suggests none.
pub(super) const CHECK_URL: &str = "Check store.url and that the server runs.";
const CHECK_LOGIN: &str =
    "Check the user and the password in store.url, and the server's pg_hba.conf.";
const CHECK_RIGHTS: &str = "docs/operations.md lists what the role needs: the owner of the tables \
                            runs `duet migrate`, and grants SELECT, INSERT, UPDATE and DELETE on them \
                            to the role that serves.";
const CHECK_SCHEMA: &str = "Create the schema that search_path names, with the right to create tables in it, \
                            or name another one: ALTER ROLE … SET search_path.";

/// Explains why connecting, or a call, failed.
pub(super) fn explain(error: &Error) -> NoConnection {
    if let Some(refused) = error.as_db_error() {
        return of_server(refused);
    }
    if let Some(refusal) = tls::refusal(error) {
        return NoConnection::wrong(
            refusal,
            "sslrootcert in store.url names a file with whom to trust.",
        );
    }
    // The innermost source is the cause; the outer ones only say where it happened.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let (what, cause) = (error.to_string(), cause.to_string());
    let is_other_service = ["error parsing response", "unexpected message"];
    if is_other_service.iter().any(|words| what.starts_with(words)) {
        return NoConnection::wrong(
            "what answers there is no PostgreSQL server".into(),
            CHECK_URL,
        );
    }
    if cause == "database does not allow writes" {
        let cause =
            "the server only reads: it is a standby, or default_transaction_read_only is on";
        return NoConnection::passing(
            cause.into(),
            "Name the primary in store.url, and the standbys beside it.",
        );
    }
    let never = ["authentication error", "invalid ", "error encoding"];
    if never.iter().any(|words| what.starts_with(words)) || cause.contains("support TLS") {
        return NoConnection::wrong(cause, CHECK_LOGIN_OR_TLS);
    }
    NoConnection::passing(cause, CHECK_URL)
}

const CHECK_LOGIN_OR_TLS: &str = "Check the user, the password and sslmode in store.url.";

fn of_server(refused: &DbError) -> NoConnection {
    let code = refused.code().code();
    let what = describe(refused);
    let message = refused.message();
    match code.get(..2).unwrap_or(code) {
        "28" => NoConnection::wrong(what, CHECK_LOGIN),
        "3D" => NoConnection::wrong(what, "Create that database, or name another in store.url."),
        "3F" => NoConnection::wrong(what, CHECK_SCHEMA),
        "42" => NoConnection::wrong(what, CHECK_RIGHTS),
        "0A" | "22" => NoConnection::wrong(what, CHECK_URL),
        "53" => NoConnection::passing(
            what,
            "Give the server more room (max_connections, disk), or lower store.pool_size.",
        ),
        // PgBouncer reports all its own errors with this code.
        "08" if message.contains("startup parameter") => NoConnection::wrong(
            what,
            "Take that option out of store.url, or let the pooler ignore it.",
        ),
        "08" if message.contains("no such") || message.contains("authentication failed") => {
            NoConnection::wrong(what, "Check the pooler's databases and users.")
        }
        "08" if message.contains("pooling mode") => NoConnection::shared_session(),
        _ => NoConnection::passing(what, CHECK_URL),
    }
}

/// The server's message and SQLSTATE.
pub(super) fn describe(refused: &DbError) -> String {
    let detail = refused.detail().map(|detail| format!(" ({detail})"));
    format!(
        "{}{} (SQLSTATE {})",
        refused.message(),
        detail.unwrap_or_default(),
        refused.code().code()
    )
}
