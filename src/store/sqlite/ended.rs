//! Removes the content of ended chats from SQLite's write-ahead log.

use std::{sync::Arc, time::Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use tracing::{info, warn};

use super::file::empty_log;

/// Whether the log may hold content of chats that are over. If another process keeps it from being emptied,
/// the next purge tries again.
#[derive(Clone)]
pub(super) struct EndedInLog(Arc<Mutex<State>>);

struct State {
    in_log: bool,
    kept_since: Option<Instant>,
}

/// The last process may have been killed before it emptied the log.
impl Default for EndedInLog {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State {
            in_log: true,
            kept_since: None,
        })))
    }
}

impl EndedInLog {
    /// Content of an ended chat was deleted, so the log holds it.
    pub(super) fn mark(&self) {
        self.0.lock().in_log = true;
    }

    /// Empties the log if needed; logs when that has to wait, and when it has succeeded.
    pub(super) fn forget(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut state = self.0.lock();
        if !state.in_log {
            return Ok(());
        }
        state.in_log = !empty_log(connection)?;
        match (state.in_log, state.kept_since) {
            (true, None) => {
                state.kept_since = Some(Instant::now());
                warn!(
                    "ended chats stay in SQLite's log for now: another process reads the \
                     database, a backup perhaps"
                );
            }
            (false, Some(since)) => {
                let seconds = since.elapsed().as_secs_f64();
                state.kept_since = None;
                info!(seconds, "SQLite's log was emptied of ended chats");
            }
            _ => {}
        }
        Ok(())
    }
}
