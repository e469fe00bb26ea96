//! Recalling: every chat's history, written into the ledger.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use harness::{
    checker::Seat,
    client::{ApiError, Client, Retry},
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::Run;

const AT_ONCE_MAX: usize = 16;

/// Reads all histories, half of them as the one person and half as the other. A server with another API than duet's
/// has none. Where one could not be read for so long because no server answers, the others are not asked for.
pub(crate) async fn all(run: &Arc<Run>, patience: Duration) {
    if !run.clients.iter().all(Client::speaks_duet) {
        return;
    }
    let away = Arc::new(OnceLock::new());
    let turns = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let mut reading = JoinSet::new();
    for chat in 0..run.pairs.len() {
        let (run, turns, away) = (Arc::clone(run), Arc::clone(&turns), Arc::clone(&away));
        reading.spawn(async move {
            let _turn = turns
                .acquire()
                .await
                .expect("the semaphore is never closed");
            if let Some(why) = away.get() {
                return run.ledger.unread(chat, why);
            }
            if let Err(error) = recall(&run, chat, patience).await {
                run.ledger.unread(chat, &error);
                if error.is_transient() {
                    away.get_or_init(|| error.to_string());
                }
            }
        });
    }
    reading.join_all().await;
}

async fn recall(run: &Run, chat: usize, patience: Duration) -> Result<(), ApiError> {
    let session = run.pairs[chat].session(Seat::BOTH[chat % 2]);
    let mut retry = Retry::for_up_to(patience);
    let messages = loop {
        let client = &run.clients[(chat + retry.attempts()) % run.clients.len()];
        match client.whole_history(session).await {
            Ok(messages) => break messages,
            Err(error) => retry.pause(error).await?,
        }
    };
    for message in &messages {
        run.ledger
            .remembered(chat, message.seq, message.id, &message.text);
    }
    Ok(())
}
