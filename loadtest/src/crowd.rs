//! Many streams at once: opened, waited for, and closed together.

use std::{
    convert::Infallible,
    future::pending,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use harness::{
    client::ApiError,
    stream::{Ended, Signal, Subscription},
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use crate::progress::Progress;

/// Streams that may be opening at one moment: more would only overflow the server's accept queue.
pub const OPENING_AT_ONCE_MAX: usize = 128;
const OPEN_WITHIN: Duration = Duration::from_secs(120);

/// The streams; they close when this is dropped.
#[derive(Debug)]
pub struct Crowd {
    streams: JoinSet<Result<Ended, ApiError>>,
    open: watch::Receiver<usize>,
    /// Open ones that were lost, each time.
    lost: Arc<AtomicUsize>,
    /// Why a stream could not be opened, the last time; empty where none failed.
    trouble: watch::Receiver<String>,
}

/// How many streams did not end, once all should have.
#[derive(Clone, Copy, Debug)]
pub struct Unended {
    /// Those that are open.
    pub open: usize,
    /// Those whose server does not answer.
    pub unknown: usize,
}

/// Why the streams are not all open.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// A stream was refused for good.
    #[error("a stream was refused: {0}")]
    Refused(ApiError),
    /// Streams did not open in time.
    #[error(
        "{open} of {wanted} streams opened within {} s{}{trouble}",
        OPEN_WITHIN.as_secs(),
        if trouble.is_empty() { "" } else { "; the last that did not: " }
    )]
    Missing {
        /// Those that said hello.
        open: usize,
        /// All of them.
        wanted: usize,
        /// Why the last of the others did not, where that is known.
        trouble: String,
    },
}

impl Crowd {
    /// Begins to open the streams, this many at once; `on_signal` hears what each of them says, by its place in the list.
    pub fn opening(
        subscriptions: impl IntoIterator<Item = Subscription>,
        at_once: usize,
        on_signal: impl Fn(usize, Signal<'_>) + Clone + Send + 'static,
    ) -> Self {
        let (said_hello, open) = watch::channel(0);
        let (failed, trouble) = watch::channel(String::new());
        let (failed, lost) = (Arc::new(failed), Arc::<AtomicUsize>::default());
        let turns = Arc::new(Semaphore::new(at_once));
        let mut streams = JoinSet::new();
        for (number, subscription) in subscriptions.into_iter().enumerate() {
            let (said_hello, turns) = (said_hello.clone(), Arc::clone(&turns));
            let (failed, lost) = (Arc::clone(&failed), Arc::clone(&lost));
            let on_signal = on_signal.clone();
            streams.spawn(async move {
                let mut turn = Some(
                    turns
                        .acquire_owned()
                        .await
                        .expect("the semaphore is never closed"),
                );
                let (mut is_open, is_greeted) = (false, subscription.is_greeted());
                let listen = subscription.follow(move |signal| {
                    match signal {
                        // Where the first event is a greeting, the server is ready when it has come.
                        Signal::Opened if is_greeted => {}
                        Signal::Opened | Signal::Event(_) if !is_open => {
                            is_open = true;
                            drop(turn.take());
                            said_hello.send_modify(|open| *open += 1);
                        }
                        Signal::Lost { .. } if is_open => {
                            is_open = false;
                            lost.fetch_add(1, Relaxed);
                            said_hello.send_modify(|open| *open -= 1);
                        }
                        Signal::Lost { error, .. } => _ = failed.send_replace(error.to_string()),
                        _ => {}
                    }
                    on_signal(number, signal);
                    ControlFlow::Continue(())
                });
                listen.await
            });
        }
        Self {
            streams,
            open,
            lost,
            trouble,
        }
    }

    /// Closes all of them; when it returns, none of them says anything any more.
    pub async fn close(mut self) {
        self.streams.shutdown().await;
    }

    /// How many open streams were lost so far; one that came back and was lost again counts twice.
    pub fn lost(&self) -> usize {
        self.lost.load(Relaxed)
    }

    /// Waits until the server has ended every stream for good, for that long at most, and says how many it has not.
    pub async fn all_ended(&mut self, within: Duration) -> Unended {
        let mut left = self.streams.len();
        let ending = async {
            while let Some(ended) = self.streams.join_next().await {
                left -= usize::from(matches!(ended, Ok(Ok(Ended::ByServer))));
            }
        };
        // Those that have not ended by then are counted.
        let _ = timeout(within, ending).await;
        let open = left.min(*self.open.borrow());
        Unended {
            open,
            unknown: left - open,
        }
    }

    /// Waits until each is open and has said hello: what is sent from then on must arrive. Those that were lost since
    /// are waited for again.
    pub async fn all_open(&mut self, progress: &Progress) -> Result<(), CrowdError> {
        let wanted = self.streams.len();
        let (open, trouble) = (self.open.clone(), self.trouble.clone());
        let told = tell_first(self.trouble.clone(), progress);
        let opening = async {
            tokio::select! {
                opened = timeout(OPEN_WITHIN, self.waiting()) => opened,
                never = told => match never {},
            }
        };
        let opening = progress.during(
            format!("opening {wanted} streams"),
            (wanted as u64, "streams"),
            move || *open.borrow() as u64,
            opening,
        );
        match opening.await {
            Ok(opened) => opened,
            Err(_) => Err(CrowdError::Missing {
                open: *self.open.borrow(),
                wanted,
                trouble: trouble.borrow().clone(),
            }),
        }
    }

    async fn waiting(&mut self) -> Result<(), CrowdError> {
        let wanted = self.streams.len();
        tokio::select! {
            // No stream ends by itself in a run where nobody ends a chat, so one that does was refused.
            Some(Ok(Err(refused))) = self.streams.join_next() => Err(CrowdError::Refused(refused)),
            _ = self.open.wait_for(|open| *open == wanted) => Ok(()),
        }
    }
}

/// Tells why a stream does not open, once.
async fn tell_first(mut trouble: watch::Receiver<String>, progress: &Progress) -> Infallible {
    if let Ok(trouble) = trouble.wait_for(|trouble| !trouble.is_empty()).await {
        let seconds = OPEN_WITHIN.as_secs();
        progress.tell(format!(
            "{}: trying again, for {seconds} s at most",
            *trouble
        ));
    }
    pending().await
}
