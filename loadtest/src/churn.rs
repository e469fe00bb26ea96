//! `churn`: chats come and go. Registered, entered by both, ten messages on both streams, ended, over
//! and over: every chat is checked, and after its end nobody may get anything of it any more.

mod options;
mod report;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use harness::{
    checker::{Ledger, Seat, Verdict},
    client::{ApiError, Client, Message, Retry, Session, send_until_settled},
    stream::{Signal, Subscription},
};
use tokio::{
    sync::Mutex as Turn,
    time::{Interval, MissedTickBehavior, interval},
};
use uuid::Uuid;

use crate::{
    crowd::{Crowd, CrowdError, Unended},
    flow::wait_for_tail,
    options::ServersError,
    progress::Progress,
    watch::Watch,
};
pub use options::Options;
pub use report::{ChurnReport, Step};

const NAMES: [&str; 2] = ["Ada", "Zoë"];
const MESSAGES: usize = 10;
/// The answer to whoever asks for a chat that is over.
const GONE: u16 = 410;

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ChurnError {
    /// The servers cannot be driven as asked.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// No chat came to its end.
    #[error("no chat came to its end: {0}")]
    Chats(ChatError),
}

/// Why a chat was given up.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// It could not be made, entered, read or ended.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A stream does not open.
    #[error(transparent)]
    Streams(#[from] CrowdError),
    /// Whether its streams have ended is unknown.
    #[error("no server told its streams that they had ended")]
    Unended,
}

/// What all chats of a run share.
#[derive(Debug)]
struct Run {
    clients: Arc<[Client]>,
    /// When the next chat may begin, where there is a rate.
    turns: Option<Turn<Interval>>,
    until: Instant,
    patience: Duration,
    begun: AtomicU64,
    found: Mutex<Found>,
}

/// What came of the chats so far.
#[derive(Debug, Default)]
struct Found {
    verdict: Verdict,
    steps: [Vec<f64>; 3],
    errors: BTreeMap<String, u64>,
    served_after_end: u64,
    streams_left: usize,
    given_up: u64,
    /// Why the first of them was.
    first_error: Option<ChatError>,
}

/// Makes one run.
pub async fn run(options: &Options, progress: &Progress) -> Result<ChurnReport, ChurnError> {
    let clients = options.servers.clients().await?;
    let processes = options.servers.processes()?;
    let began = Instant::now();
    let run = Run {
        clients,
        turns: options.rate.map(|rate| {
            let mut turns = interval(Duration::from_secs_f64(1.0 / rate));
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Turn::new(turns)
        }),
        until: began + options.duration,
        patience: options.patience,
        begun: AtomicU64::default(),
        found: Mutex::default(),
    };
    let watch = Watch::begin(&processes);
    let all = join_all((0..options.concurrency).map(|_| run.chats()));
    let (seconds, passed) = (options.duration.as_secs(), || began.elapsed().as_secs());
    progress
        .during("chats come and go", (seconds, "seconds"), passed, all)
        .await;
    let lasted = began.elapsed();
    let servers = watch.end().await;
    let mut found = std::mem::take(&mut *run.found());
    if found.steps[0].is_empty()
        && let Some(error) = found.first_error.take()
    {
        return Err(ChurnError::Chats(error));
    }
    Ok(ChurnReport::new(options, lasted, found, servers))
}

impl Run {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One chat after the other, until the time is over.
    async fn chats(&self) {
        loop {
            if let Some(turns) = &self.turns {
                turns.lock().await.tick().await;
            }
            if Instant::now() > self.until {
                return;
            }
            let number = self.begun.fetch_add(1, Relaxed) as usize;
            if let Err(error) = self.chat(number).await {
                let mut found = self.found();
                found.given_up += 1;
                found.first_error.get_or_insert(error);
            }
        }
    }

    /// One chat, from its registration until nothing of it is left.
    async fn chat(&self, number: usize) -> Result<(), ChatError> {
        let began = Instant::now();
        let (hash, people) = self.enter(number).await?;
        let ledger = Arc::new(Ledger::new(1));
        let mut streams = self.listen(number, &people, &ledger);
        streams.all_open(&Progress::silent()).await?;
        let entered = began.elapsed();

        for message in 0..MESSAGES {
            let (session, text) = (&people[message % 2], format!("message {message}"));
            let count = |error: &ApiError| self.failed(error);
            let sent = send_until_settled(
                &self.clients,
                number + message,
                session,
                (Uuid::new_v4(), &text),
                self.patience,
                count,
            )
            .await?;
            ledger.acknowledged(0, sent.seq, sent.id, &text);
        }
        // What is missing then is found lost.
        wait_for_tail(&ledger, self.patience).await;
        let talked = began.elapsed() - entered;

        for message in self
            .call(number, async |client| {
                client.whole_history(&people[1]).await
            })
            .await?
        {
            ledger.remembered(0, message.seq, message.id, &message.text);
        }
        let ending = Instant::now();
        self.call(number + 1, async |client| {
            client.end(&people[number % 2]).await
        })
        .await?;
        let ended = ending.elapsed();
        let served = self.served_after_end(&hash, &people).await?;
        let Unended { open, unknown } = streams.all_ended(self.patience).await;
        if unknown > 0 {
            self.found().streams_left += open;
            return Err(ChatError::Unended);
        }

        let mut found = self.found();
        found.verdict.add(ledger.verdict());
        found.served_after_end += served;
        found.streams_left += open;
        for (step, took) in found.steps.iter_mut().zip([entered, talked, ended]) {
            step.push(took.as_secs_f64() * 1000.0);
        }
        Ok(())
    }

    /// Registers a chat and logs both people in, each at another instance.
    async fn enter(&self, number: usize) -> Result<(String, [Arc<Session>; 2]), ApiError> {
        let made = async |client: &Client| client.register(NAMES[0], NAMES[1], None).await;
        let hash = self.call(number, made).await?.hash;
        let enter = async |seat: usize| {
            let login = async |client: &Client| client.login(&hash, NAMES[seat], None).await;
            self.call(number + seat, login).await.map(Arc::new)
        };
        let people = [enter(0).await?, enter(1).await?];
        Ok((hash, people))
    }

    fn listen(&self, number: usize, people: &[Arc<Session>; 2], ledger: &Arc<Ledger>) -> Crowd {
        let subscriptions = people.iter().enumerate().map(|(seat, session)| {
            let clients = Arc::clone(&self.clients);
            Subscription::new(clients, number + seat, Arc::clone(session)).after(0)
        });
        let ledger = Arc::clone(ledger);
        Crowd::opening(
            subscriptions.collect::<Vec<_>>(),
            NAMES.len(),
            move |seat, signal| {
                // What is not understood is missing in the ledger, and found lost.
                if let Signal::Event(event) = signal
                    && let Some(Ok(message)) = Message::of(&event)
                {
                    let seat = Seat::BOTH[seat];
                    ledger.delivered(0, seat, message.seq, message.id, &message.text);
                }
            },
        )
    }

    /// Asks every instance for the chat that is over, in every way, and counts what was not answered with 410.
    async fn served_after_end(
        &self,
        hash: &str,
        people: &[Arc<Session>; 2],
    ) -> Result<u64, ApiError> {
        let mut served = 0;
        for instance in 0..self.clients.len() {
            for session in people {
                let read = async |client: &Client| client.whole_history(session).await.map(drop);
                let send = async |client: &Client| {
                    client
                        .send(session, Uuid::new_v4(), "too late")
                        .await
                        .map(drop)
                };
                let login =
                    async |client: &Client| client.login(hash, &session.user, None).await.map(drop);
                let answers = [
                    self.call(instance, read).await,
                    self.call(instance, send).await,
                    self.call(instance, login).await,
                ];
                for answer in answers {
                    match answer {
                        Err(error) if error.code() == Some(GONE) => {}
                        Err(error) if error.is_transient() => return Err(error),
                        _ => served += 1,
                    }
                }
            }
        }
        Ok(served)
    }

    /// Calls an instance, or the next one when that fails, as long as trying again can help.
    async fn call<T>(
        &self,
        instance: usize,
        call: impl AsyncFn(&Client) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut retry = Retry::for_up_to(self.patience);
        loop {
            let client = &self.clients[(instance + retry.attempts()) % self.clients.len()];
            match call(client).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    if error.code() != Some(GONE) {
                        self.failed(&error);
                    }
                    retry.pause(error).await?;
                }
            }
        }
    }

    fn failed(&self, error: &ApiError) {
        *self.found().errors.entry(error.label()).or_default() += 1;
    }
}
