//! A chat with a damaged page must not keep the other chats from being ended and deleted.

use actors::domain::ChatKey;
use rusqlite::{Connection, ErrorCode, Transaction};

use super::{disk::DiskRoom, transaction};

/// Chats that are left out of one transaction. More of them are a damaged database, which is reported
/// as a whole.
const LEFT_OUT_MAX: usize = 100;

/// The chats that a transaction fails for, and is carried out without.
#[derive(Default)]
pub(super) struct Damaged {
    keys: Vec<ChatKey>,
    /// The chat that is being changed now, whose rows are to blame for a failure.
    trying: Option<ChatKey>,
    first: Option<rusqlite::Error>,
}

impl Damaged {
    /// Whether a chat can be changed now; false for one that failed before.
    pub(super) fn try_chat(&mut self, key: ChatKey) -> bool {
        self.trying = Some(key);
        !self.keys.contains(&key)
    }

    /// The failure of the first of them, once the others are done.
    ///
    /// # Errors
    /// That failure.
    pub(super) fn report(&mut self) -> rusqlite::Result<()> {
        self.first.take().map_or(Ok(()), Err)
    }

    /// # Errors
    /// What would fail for every other chat as well.
    fn leave_out(&mut self, error: rusqlite::Error) -> rusqlite::Result<()> {
        match self.trying.take() {
            Some(key) if blames_the_rows(&error) && self.keys.len() < LEFT_OUT_MAX => {
                self.keys.push(key);
                self.first.get_or_insert(error);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Carries a transaction out, again from its beginning whenever one chat made it fail, and without that
/// one then. (A savepoint is no help: SQLite goes on failing after it was rolled back.)
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

/// Whether a failure is about rows that cannot be read, and not about the disk or another process.
fn blames_the_rows(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch
        ),
        // A value that is not what its column holds.
        None => true,
    }
}
