//! Ends chats whose time is over, and deletes what is left of those that ended.

use std::time::Duration;

use tracing::{debug, warn};

use crate::{
    Directory,
    pair::Over,
    ports::{Notice, StoreError},
};

/// Chats ended in one go.
const EXPIRE_LEN_MAX: usize = 200;
/// Rows deleted in one go, so that no other writer waits long.
const PURGE_LEN_MAX: usize = 2_000;
/// How long a tombstone stands.
const TOMBSTONE_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Sweeps for ever, at an interval or when woken because a chat has just ended.
pub(crate) async fn run(directory: Directory, interval: Duration) {
    loop {
        if let Err(failure) = sweep(&directory).await {
            warn!(%failure, "the sweep goes on later");
        }
        let woken = directory.shared().sweep.notified();
        let _ = tokio::time::timeout(interval, woken).await;
    }
}

async fn sweep(directory: &Directory) -> Result<(), StoreError> {
    let shared = directory.shared();
    let (store, bus) = (&shared.world.store, &shared.world.bus);
    loop {
        let expired = store.expire(EXPIRE_LEN_MAX).await?;
        for key in &expired {
            shared.metrics.chats_expired.inc();
            bus.publish(*key, Notice::Ended { by: None });
            if let Some(pair) = directory.live(*key) {
                pair.do_send(Over { by: None });
            }
        }
        if expired.len() < EXPIRE_LEN_MAX {
            break;
        }
    }
    loop {
        let deleted = store.purge(PURGE_LEN_MAX, TOMBSTONE_LIFE).await?;
        if deleted > 0 {
            debug!(rows = deleted, "deleted what was over");
        }
        if deleted < PURGE_LEN_MAX {
            break;
        }
    }
    let chats = store.count_chats().await?;
    shared
        .metrics
        .chats_live
        .set(i64::try_from(chats).unwrap_or(i64::MAX));
    Ok(())
}
