//! `heal`: how long it takes until a lost notice is made good, with no further message sent.
//!
//! In every chat the one person's stream is open at the first instance and the other's at the second.
//! A try makes a fault, and while no notice can get through, the first person sends one message in
//! each of some chats, at the first instance. Then nobody does anything any more. What counts is how
//! long the other person's stream takes to show the message, the slowest of all chats:
//!
//! - **Redis restarted**: from the moment Redis answers again.
//! - **Redis stays away**: from the moment the message is acknowledged. Redis comes back only when all
//!   have been shown.
//! - **Subscription deaf** (the second instance's socket stays open, and nothing comes): from the
//!   moment the message is acknowledged. Finding out that the socket is deaf counts.
//! - **Dead before publishing** (the first instance has committed and cannot publish, then it is
//!   killed): from the moment its lease is out in Redis.
//!
//! A message that is acknowledged later than that counts from its acknowledgement, and one that was
//! shown earlier counts as shown at once. Streams at a dead instance wait for it to come back, so
//! that they do not wake a chat at the other one by coming there.

mod options;
mod report;

use std::{sync::Arc, time::Duration};

use harness::{
    checker::Seat,
    client::{ApiError, Client, Sent, send_until_settled},
    faults::{Fault, FaultError},
    servers::{self, Cluster, Redis},
};
use rand::RngExt;
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

use crate::{
    flow::{Run, recall, wait_for_tail},
    live::Streams,
    progress::Progress,
    torture::TortureError,
};
pub use options::Options;
pub use report::{HealReport, Healing};

const FAULTS: [Fault; 4] = [
    Fault::RedisKilled,
    Fault::RedisStaysAway,
    Fault::SubscriptionDeaf,
    Fault::InstanceKilledBeforePublishing,
];
const SENDER: usize = 0;
const RECIPIENT: usize = 1;

const PATIENCE: Duration = Duration::from_secs(60);
const SENDING_AT_ONCE_MAX: usize = 64;
/// After this long a try counts as never healed.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// Tries begin at any moment of the instances' beats.
const PAUSE_MS: std::ops::Range<u64> = 500..1_500;
/// How often it is looked; what is shown carries its own time.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Measures, on a runtime with two threads or more.
pub async fn run(options: &Options, progress: &Progress) -> Result<HealReport, TortureError> {
    let program = servers::program(options.duet.clone())?;
    progress.say("starting PostgreSQL, Redis and two instances");
    let cluster = Cluster::start(&program, 2, Duration::ZERO).await?;
    let mut clients = Vec::new();
    for url in cluster.urls() {
        clients.push(Client::new(&url).await?);
    }
    let run = Arc::new(Run::gather(clients.into(), options.pairs, progress).await?);
    let mut streams = Streams::of(&run);
    let at = |_, seat| {
        let instance = match seat {
            Seat::One => SENDER,
            Seat::Two => RECIPIENT,
        };
        // Nowhere else, should it be lost.
        (Arc::from([run.clients[instance].clone()]), 0)
    };
    streams.open(at, progress).await?;

    let mut trial = Trial {
        cluster,
        streams,
        messages: options.messages.unwrap_or(options.pairs).min(options.pairs),
        run,
        sent: 0,
    };
    let mut healings = Vec::new();
    for fault in FAULTS {
        let mut healed_ms = Vec::with_capacity(options.tries);
        for number in 1..=options.tries {
            let healed = trial.attempt(fault).await?;
            progress.tell(format!("{fault}, try {number}: {} ms", healed.as_millis()));
            healed_ms.push(healed.as_secs_f64() * 1000.0);
        }
        healings.push(Healing::new(fault, healed_ms));
    }
    recall::all(&trial.run, PATIENCE).await;
    Ok(HealReport {
        check: options.check,
        pairs: options.pairs,
        messages: trial.messages,
        healings,
        verdict: trial.run.ledger.verdict(),
    })
}

/// What all tries share.
struct Trial {
    cluster: Cluster,
    streams: Streams,
    run: Arc<Run>,
    /// Sent in each try, in as many chats.
    messages: usize,
    /// Messages so far, over all tries.
    sent: u64,
}

/// A message under way.
struct Lost {
    chat: usize,
    seq: u64,
    acknowledged_at: Duration,
}

impl Trial {
    async fn attempt(&mut self, fault: Fault) -> Result<Duration, TortureError> {
        self.streams.all_open(&Progress::silent()).await?;
        wait_for_tail(&self.run.ledger, GIVE_UP_AFTER).await;
        sleep(Duration::from_millis(rand::rng().random_range(PAUSE_MS))).await;

        let lease_is_out = lease_is_out(&self.cluster.redis, &self.run).await?;
        let member = match fault {
            Fault::SubscriptionDeaf => RECIPIENT,
            _ => SENDER,
        };
        fault
            .begin(&mut self.cluster, member, Duration::ZERO)
            .await?;
        let lost = self.send_everywhere().await?;
        let from = match fault {
            Fault::RedisKilled => {
                let answers = answers(&self.cluster.redis, &self.run);
                fault.end(&mut self.cluster, member)?;
                answers.await.expect("asking does not panic")
            }
            Fault::InstanceKilledBeforePublishing => {
                fault.end(&mut self.cluster, member)?;
                lease_is_out.await.expect("watching does not panic")
            }
            _ => Duration::ZERO,
        };
        let healed = self.shown_after(from, &lost).await;
        if matches!(fault, Fault::SubscriptionDeaf | Fault::RedisStaysAway) {
            fault.end(&mut self.cluster, member)?;
        }
        fault.repair(&mut self.cluster, member)?;
        Ok(healed)
    }

    /// Sends one message in each of some chats, and returns when all are acknowledged.
    async fn send_everywhere(&mut self) -> Result<Vec<Lost>, ApiError> {
        let turns = Arc::new(Semaphore::new(SENDING_AT_ONCE_MAX));
        let mut sending = JoinSet::new();
        for chat in 0..self.messages {
            let (run, turns, number) = (Arc::clone(&self.run), Arc::clone(&turns), self.sent);
            self.sent += 1;
            sending.spawn(async move {
                let _turn = turns
                    .acquire()
                    .await
                    .expect("the semaphore is never closed");
                let id = run.stamps.id(run.stamps.elapsed(), Seat::One, number);
                let text = number.to_string();
                let session = run.pairs[chat].session(Seat::One);
                let sent: Sent = send_until_settled(
                    &run.clients,
                    SENDER,
                    session,
                    (id, &text),
                    PATIENCE,
                    |_| {},
                )
                .await?;
                run.ledger.acknowledged(chat, sent.seq, sent.id, &text);
                Ok(Lost {
                    chat,
                    seq: sent.seq,
                    acknowledged_at: run.stamps.elapsed(),
                })
            });
        }
        let mut lost = Vec::with_capacity(self.messages);
        while let Some(sent) = sending.join_next().await {
            lost.push(sent.expect("sending does not panic")?);
        }
        Ok(lost)
    }

    /// How long after that moment the last of them was shown.
    async fn shown_after(&self, from: Duration, lost: &[Lost]) -> Duration {
        let give_up_at = Instant::now() + GIVE_UP_AFTER;
        let is_shown = |lost: &Lost| self.streams.reached(lost.chat, Seat::Two) >= lost.seq;
        while !lost.iter().all(is_shown) {
            if Instant::now() > give_up_at {
                return GIVE_UP_AFTER;
            }
            sleep(LOOK_EVERY).await;
        }
        let waits = lost.iter().map(|lost| {
            let shown_at = self.streams.shown_at(lost.chat, Seat::Two);
            shown_at.saturating_sub(lost.acknowledged_at.max(from))
        });
        waits.max().unwrap_or_default()
    }
}

/// Tells when a Redis that is being started answers.
fn answers(redis: &Redis, run: &Arc<Run>) -> JoinHandle<Duration> {
    let (url, run) = (redis.url(), Arc::clone(run));
    tokio::spawn(async move {
        while !is_answered(&url).await {
            sleep(LOOK_EVERY).await;
        }
        run.stamps.elapsed()
    })
}

async fn is_answered(url: &str) -> bool {
    let ask = async {
        let client = redis::Client::open(url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").exec_async(&mut connection).await
    };
    ask.await.is_ok()
}

/// Tells when the first of the instances' leases is out.
async fn lease_is_out(redis: &Redis, run: &Arc<Run>) -> Result<JoinHandle<Duration>, FaultError> {
    let mut connection = redis.connect().await?;
    let leases: Vec<String> = redis::cmd("KEYS")
        .arg("duet:lease:*")
        .query_async(&mut connection)
        .await?;
    let run = Arc::clone(run);
    Ok(tokio::spawn(async move {
        let mut exist = redis::cmd("EXISTS");
        exist.arg(&leases);
        // A Redis that is away has no leases.
        while exist.query_async(&mut connection).await.unwrap_or(0) == leases.len() {
            sleep(LOOK_EVERY).await;
        }
        run.stamps.elapsed()
    }))
}
