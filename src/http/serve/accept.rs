//! Accepts connections in one place and hands them to the arbiters in turn.

use std::{io, net, time::Duration};

use actix_rt::net::TcpListener;
use futures_util::future::select_ok;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// The pause after accepting failed, for example because the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Accepts until the shutdown, and gives each connection to the next queue in turn.
pub async fn accept(
    listener: TcpListener,
    queues: Vec<mpsc::Sender<net::TcpStream>>,
    shutdown: CancellationToken,
) {
    for turn in (0..queues.len()).cycle() {
        let accepted = async {
            let accepted = next(&listener).await;
            dispatch(&queues, turn, accepted).await;
        };
        tokio::select! {
            () = accepted => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Puts an item into the queue whose turn it is, or into the next one with room. If all are full it waits
/// for the first one that has room, so a blocked arbiter delays no other.
async fn dispatch<T>(queues: &[mpsc::Sender<T>], turn: usize, mut item: T) {
    for queue in queues[turn..].iter().chain(&queues[..turn]) {
        item = match queue.try_send(item) {
            Ok(()) => return,
            Err(TrySendError::Full(back) | TrySendError::Closed(back)) => back,
        };
    }
    let room = queues.iter().map(|queue| Box::pin(queue.reserve()));
    // Fails only when every queue is closed: all arbiters have ended.
    if let Ok((permit, _)) = select_ok(room).await {
        permit.send(item);
    }
}

/// The next connection, detached from this thread's reactor so that any arbiter can serve it.
async fn next(listener: &TcpListener) -> net::TcpStream {
    let mut warned = false;
    loop {
        match listener
            .accept()
            .await
            .and_then(|(socket, _)| socket.into_std())
        {
            Ok(socket) => return socket,
            // The client closed it before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    warn!(%error, "no connection can be accepted; they wait");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_blocked_arbiter_holds_up_no_other() {
        let (blocked, _kept) = mpsc::channel(1);
        let (busy, mut taken) = mpsc::channel(1);
        let queues = [blocked, busy];
        let dispatch_all = async {
            for number in 0..100 {
                dispatch(&queues, number % 2, number).await;
            }
        };
        let take_all = async {
            let mut all = Vec::new();
            while all.len() < 99 {
                all.extend(taken.recv().await);
            }
            all
        };
        let ((), all) = tokio::join!(dispatch_all, take_all);
        assert_eq!(all, (1..100).collect::<Vec<usize>>());
    }

    #[tokio::test]
    async fn an_item_is_dropped_when_all_queues_are_closed() {
        let (queue, ended) = mpsc::channel::<u8>(1);
        drop(ended);
        dispatch(&[queue], 0, 1).await;
    }
}
