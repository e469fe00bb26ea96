//! A chat with a damaged page must not keep the other chats from being ended and deleted.

use actors::domain::ChatKey;
use rusqlite::{Connection, ErrorCode, Transaction};

use super::{disk::DiskRoom, transaction};

/// How many failing chats one transaction tolerates. More of them mean a damaged database, which is reported
/// as a whole.
const LEFT_OUT_MAX: usize = 100;

/// The chats that made a transaction fail and are left out of it.
#[derive(Default)]
pub(super) struct Damaged {
    keys: Vec<ChatKey>,
    /// The chat that is being changed now.
    trying: Option<ChatKey>,
    first: Option<rusqlite::Error>,
}

impl Damaged {
    /// Marks a chat as being changed; false if it failed before.
    pub(super) fn try_chat(&mut self, key: ChatKey) -> bool {
        self.trying = Some(key);
        !self.keys.contains(&key)
    }

    /// Returns the first failure, once the other chats are done.
    ///
    /// # Errors
    /// That failure.
    pub(super) fn report(&mut self) -> rusqlite::Result<()> {
        self.first.take().map_or(Ok(()), Err)
    }

    /// # Errors
    /// Errors that every other chat would meet as well.
    fn leave_out(&mut self, error: rusqlite::Error) -> rusqlite::Result<()> {
        match self.trying.take() {
            Some(key) if is_about_rows(&error) && self.keys.len() < LEFT_OUT_MAX => {
                self.keys.push(key);
                self.first.get_or_insert(error);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Runs a transaction, and restarts it without the current chat whenever that chat makes it fail. (A
/// savepoint does not help: after a rollback to it SQLite keeps failing.)
pub(super) fn without_damaged<T>(
    connection: &mut Connection,
    disk: &DiskRoom,
    work: impl Fn(&Transaction<'_>, &mut Damaged) -> rusqlite::Result<T>,
) -> rusqlite::Result<(T, Damaged)> {
    let mut damaged = Damaged::default();
    loop {
        match transaction(connection, disk, |tx| work(tx, &mut damaged)) {
            Ok(done) => return Ok((done, damaged)),
            Err(error) => damaged.leave_out(error)?,
        }
    }
}

/// Whether an error is about unreadable rows rather than the disk or another process.
fn is_about_rows(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch
        ),
        // A value of the wrong type or form for its column.
        None => true,
    }
}
