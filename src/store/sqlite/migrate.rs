//! The tables, brought up to date.

use rusqlite::Connection;
use tracing::info;

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Brings the tables up to date. All that is missing and the record of it are one transaction, so
/// that a process that is killed in the middle leaves the file as it was.
pub(super) fn migrate(writer: &mut Connection) -> Result<(), refinery::Error> {
    let runner = embedded::migrations::runner().set_grouped(true);
    let done = match runner.run(writer) {
        Ok(done) => done,
        // Another process may have been quicker: then there is nothing left to do.
        Err(_) => runner.run(writer)?,
    };
    let applied = done.applied_migrations();
    if let Some(last) = applied.last() {
        let (steps, version) = (applied.len(), last.version());
        info!(steps, version, "the tables were brought up to date");
    }
    Ok(())
}
