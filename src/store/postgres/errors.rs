//! Explains PostgreSQL's errors to operators: its message, its SQLSTATE, a next step, and whether retrying
//! can help.

use std::fmt::Display;

use tokio_postgres::{
    Error,
    error::{DbError, SqlState},
};

use crate::{store::OpenError, tls};

/// The next step where the error suggests none.
pub(super) const CHECK_URL: &str = "Check store.url or store.urls and that the server runs.";
const CHECK_LOGIN: &str =
    "Check the user and the password in store.url or store.urls, and the server's pg_hba.conf.";
const CHECK_RIGHTS: &str = "docs/operations.md lists what the role needs: the owner of the tables \
                            runs `duet migrate`, and grants SELECT, INSERT, UPDATE and DELETE on them \
                            to the role that serves.";
const CHECK_LOCKS: &str = "Another session uses a table that a migration changes: pg_stat_activity shows it. End it, or wait until it is done.";
const CHECK_SCHEMA: &str = "Create the schema that search_path names, with the right to create tables in it, \
                            or name another one: ALTER ROLE … SET search_path.";

/// PostgreSQL cannot be used until somebody takes the next step.
pub(super) fn wrong(what: impl Display, next_step: &str) -> OpenError {
    OpenError::wrong(sentence(what, next_step))
}

/// The same, where retrying may help too.
pub(super) fn passing(what: impl Display, next_step: &str) -> OpenError {
    OpenError::away(sentence(what, next_step))
}

/// The connection is open, or was about to be.
pub(super) fn no_answer() -> OpenError {
    passing("the server does not answer", CHECK_URL)
}

fn sentence(what: impl Display, next_step: &str) -> String {
    format!("PostgreSQL cannot be used: {what}. {next_step}")
}

/// A pooler gives each transaction another session.
pub(super) fn shared_session() -> OpenError {
    wrong(
        "store.url or store.urls leads to a pooler that shares the server's sessions among its clients \
         (PgBouncer with pool_mode = transaction or statement), where parameters, locks and \
         prepared statements are lost",
        "Let it use pool_mode = session for this database, or connect to PostgreSQL directly.",
    )
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        explain(&error)
    }
}

/// Explains why connecting, or a call, failed.
pub(super) fn explain(error: &Error) -> OpenError {
    if let Some(refused) = error.as_db_error() {
        return of_server(refused, describe(error));
    }
    if let Some(refusal) = tls::refusal(error) {
        return wrong(
            refusal,
            "sslrootcert in store.url or store.urls names a file with whom to trust.",
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
        return wrong("what answers there is no PostgreSQL server", CHECK_URL);
    }
    if cause == "database does not allow writes" {
        return passing(
            "the server only reads: it is a standby, or default_transaction_read_only is on",
            "Name the primary in store.url or store.urls, and the standbys beside it.",
        );
    }
    let never = ["authentication error", "invalid ", "error encoding"];
    if never.iter().any(|words| what.starts_with(words)) || cause.contains("support TLS") {
        return wrong(cause, CHECK_LOGIN_OR_TLS);
    }
    passing(cause, CHECK_URL)
}

const CHECK_LOGIN_OR_TLS: &str =
    "Check the user, the password and sslmode in store.url or store.urls.";

fn of_server(refused: &DbError, what: String) -> OpenError {
    let code = refused.code().code();
    let message = refused.message();
    let locked = [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    if locked.contains(refused.code()) {
        return OpenError::in_use(sentence(what, CHECK_LOCKS));
    }
    match code.get(..2).unwrap_or(code) {
        "28" => wrong(what, CHECK_LOGIN),
        "3D" => wrong(
            what,
            "Create that database, or name another in store.url or store.urls.",
        ),
        "3F" => wrong(what, CHECK_SCHEMA),
        "42" => wrong(what, CHECK_RIGHTS),
        "0A" | "22" => wrong(what, CHECK_URL),
        "53" => passing(
            what,
            "Give the server more room (max_connections, disk), or lower store.pool_size.",
        ),
        // PgBouncer reports all its own errors with this code.
        "08" if message.contains("startup parameter") => wrong(
            what,
            "Take that option out of store.url or store.urls, or let the pooler ignore it.",
        ),
        "08" if message.contains("no such") || message.contains("authentication failed") => {
            wrong(what, "Check the pooler's databases and users.")
        }
        "08" if message.contains("pooling mode") => shared_session(),
        _ => passing(what, CHECK_URL),
    }
}

/// What failed, without a next step: if the server refused something, its message and SQLSTATE.
pub(super) fn describe(error: &Error) -> String {
    let Some(refused) = error.as_db_error() else {
        return error.to_string();
    };
    let detail = refused.detail().map(|detail| format!(" ({detail})"));
    format!(
        "{}{} (SQLSTATE {})",
        refused.message(),
        detail.unwrap_or_default(),
        refused.code().code()
    )
}
