//! What `duet doctor` reports about a database file.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use rustix::fs::{Access, access};

use super::{
    disk::free_bytes,
    file::{open, others_may_read},
    locate::{Content, content, locate},
    upkeep::PROBE,
};
use crate::store::{
    MIB, OpenError,
    examine::{Finding, latency, milliseconds},
};

/// Appends findings; stops at a finding that makes further ones impossible.
pub async fn examine(
    path: &Path,
    free_bytes_min: u64,
    found: &mut Vec<Finding>,
) -> Result<(), OpenError> {
    let path = &locate(path)?;
    let shown = path.display();
    let unusable = |error: io::Error| OpenError::file(path, &error);
    if !path.try_exists().map_err(unusable)? {
        can_be_made(path).map_err(unusable)?;
        let words = format!("{shown} is not there yet: the first start makes it");
        found.push(Finding::warning(words));
        return Ok(());
    }
    let failed = |error: rusqlite::Error| OpenError::file(path, &error);
    let connection = open(path).map_err(failed)?;
    let sound: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    if sound != "ok" {
        let words = format!("{shown} is damaged ({sound}): restore a backup");
        return Err(OpenError::wrong(words));
    }
    if let Content::Nothing = content(&connection).map_err(failed)? {
        let words = format!("{shown} has no tables yet: `duet migrate` makes them");
        found.push(Finding::warning(words));
        return Ok(());
    }
    let version = rusqlite::version();
    found.push(Finding::ok(format!("SQLite {version}, {shown}, undamaged")));
    if others_may_read(path) {
        let words = format!("other users of this machine may read it: chmod go= {shown}");
        found.push(Finding::warning(words));
    }
    if let Some(free) = free_bytes(path) {
        let words = format!("its disk has {} MiB free", free / MIB);
        found.push(match free >= free_bytes_min {
            true => Finding::ok(words),
            false => Finding::warning(format!(
                "{words}, less than limits.free_disk_mib_min: no message is taken"
            )),
        });
    }
    let mut at = 0;
    let commit = async || {
        at += 1;
        connection.execute(PROBE, [at]).map(drop)
    };
    let commit = milliseconds(latency(commit).await.map_err(failed)?);
    found.push(Finding::ok(format!("a commit takes {commit}")));
    Ok(())
}

/// Whether a start could make a file that is missing, together with the folders that it is to be in.
fn can_be_made(file: &Path) -> io::Result<()> {
    for folder in file.ancestors().skip(1) {
        match fs::metadata(folder) {
            Ok(found) if found.is_dir() => {
                return Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?);
            }
            Ok(_) => return Err(ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
