//! Recalling: every chat's history, written into the ledger.

use std::{sync::Arc, time::Duration};

use harness::{
    checker::Seat,
    client::{ApiError, Client, Retry},
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::Run;

const AT_ONCE_MAX: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads all histories, half of them as the one person and half as the other. A server with another API than duet's
/// has none.
pub(crate) async fn all(run: &Arc<Run>) -> Result<(), ApiError> {
    if !run.clients.iter().all(Client::speaks_duet) {
        return Ok(());
    }
    let turns = Arc::new(Semaphore::new(AT_ONCE_MAX));
    let mut reading = JoinSet::new();
    for chat in 0..run.pairs.len() {
        let (run, turns) = (Arc::clone(run), Arc::clone(&turns));
        reading.spawn(async move {
            let _turn = turns
                .acquire()
                .await
                .expect("the semaphore is never closed");
            recall(&run, chat).await
        });
    }
    while let Some(read) = reading.join_next().await {
        read.expect("reading does not panic")?;
    }
    Ok(())
}

async fn recall(run: &Run, chat: usize) -> Result<(), ApiError> {
    let session = run.pairs[chat].session(Seat::BOTH[chat % 2]);
    let mut retry = Retry::for_up_to(PATIENCE);
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
