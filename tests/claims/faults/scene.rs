//! Two people at two instances, and everything that was said and shown.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use harness::{
    checker::{Ledger, Seat},
    client::{Client, Message, Retry, Sent, Session, send_until_settled},
    faults::Fault,
    servers::Cluster,
    stream::{Signal, Subscription},
};
use tokio::task::{JoinSet, block_in_place};
use uuid::Uuid;

use crate::support::eventually;

/// How long one message is tried again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A chat in a cluster of two instances. Seat 1's stream is open at instance 0, seat 2's at instance
/// 1; one that is lost comes back where it can.
pub struct Scene {
    pub cluster: Cluster,
    pub clients: Arc<[Client]>,
    people: [Arc<Session>; 2],
    ledger: Arc<Ledger>,
    said: Arc<AtomicUsize>,
    acknowledged: Arc<AtomicUsize>,
    listening: JoinSet<()>,
}

impl Scene {
    /// Everything is well, and both people listen.
    pub async fn begin() -> Self {
        Self::with_clocks_apart(Duration::ZERO).await
    }

    /// The clock of instance 1 is ahead.
    pub async fn with_clocks_apart(by: Duration) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_duet"));
        let cluster = Cluster::start(program, 2, by).await.unwrap();
        let mut clients = Vec::new();
        for url in cluster.urls() {
            clients.push(Client::new(&url).await.unwrap());
        }
        let hash = clients[0]
            .register("Abhi", "Anny", None)
            .await
            .unwrap()
            .hash;
        let one = clients[0].login(&hash, "Abhi", None).await.unwrap();
        let two = clients[1].login(&hash, "Anny", None).await.unwrap();
        let mut scene = Self {
            cluster,
            clients: clients.into(),
            people: [Arc::new(one), Arc::new(two)],
            ledger: Arc::new(Ledger::new(1)),
            said: Arc::default(),
            acknowledged: Arc::default(),
            listening: JoinSet::new(),
        };
        scene.listen().await;
        scene
    }

    async fn listen(&mut self) {
        let open = Arc::new(AtomicUsize::new(0));
        for (instance, seat) in Seat::BOTH.into_iter().enumerate() {
            let session = self.person(seat).clone();
            let stream = Subscription::new(self.clients.clone(), instance, session).after(0);
            let (ledger, open) = (self.ledger.clone(), open.clone());
            self.listening.spawn(async move {
                let following = stream.follow(move |signal| {
                    if let Signal::Event(event) = signal {
                        match Message::of(&event) {
                            Some(message) => {
                                let message = message.unwrap();
                                ledger.delivered(0, seat, message.seq, message.id, &message.text);
                            }
                            // The first event is hello.
                            None => _ = open.fetch_add(1, Ordering::Relaxed),
                        }
                    }
                    ControlFlow::Continue(())
                });
                panic!("the stream of {seat:?} ended: {:?}", following.await);
            });
        }
        eventually("both streams are open", async || {
            (open.load(Ordering::Relaxed) >= 2).then_some(())
        })
        .await;
    }

    pub fn person(&self, seat: Seat) -> &Arc<Session> {
        &self.people[usize::from(u8::from(seat)) - 1]
    }

    /// Something happens.
    pub async fn begin_fault(&mut self, fault: Fault, instance: usize) {
        // Longer than any test lasts, where a fault has to know.
        let lasts = PATIENCE;
        fault
            .begin(&mut self.cluster, instance, lasts)
            .await
            .unwrap();
    }

    /// It is over.
    pub fn end_fault(&mut self, fault: Fault, instance: usize) {
        fault.end(&mut self.cluster, instance).unwrap();
    }

    /// Says something at an instance, or at the other one when that fails, until it is acknowledged.
    pub async fn say(&self, seat: Seat, instance: usize) -> Sent {
        self.saying(seat, instance).await
    }

    /// Both people say so much at both instances at once.
    pub fn talk(&self, messages: usize) -> JoinSet<Sent> {
        let mut talking = JoinSet::new();
        for number in 0..messages {
            talking.spawn(self.saying(Seat::BOTH[number % 2], number / 2 % 2));
        }
        talking
    }

    fn saying(&self, seat: Seat, instance: usize) -> impl Future<Output = Sent> + Send + 'static {
        let (clients, session) = (self.clients.clone(), self.person(seat).clone());
        let (ledger, acknowledged) = (self.ledger.clone(), self.acknowledged.clone());
        let (id, number) = (Uuid::new_v4(), self.said.fetch_add(1, Ordering::Relaxed));
        async move {
            let text = format!("message {number}");
            let sent =
                send_until_settled(&clients, instance, &session, (id, &text), PATIENCE, |_| {})
                    .await
                    .unwrap();
            ledger.acknowledged(0, sent.seq, sent.id, &text);
            acknowledged.fetch_add(1, Ordering::Relaxed);
            sent
        }
    }

    /// Waits until so many messages are acknowledged.
    pub async fn until_acknowledged(&self, messages: usize) {
        let what = format!("{messages} messages are acknowledged");
        eventually(&what, async || {
            (self.acknowledged.load(Ordering::Relaxed) >= messages).then_some(())
        })
        .await;
    }

    /// Waits until both people have seen everything that was acknowledged.
    pub async fn until_both_have_seen_everything(&self) {
        eventually("both people have seen everything", async || {
            (self.ledger.outstanding() == 0).then_some(())
        })
        .await;
    }

    /// Nobody says anything more: both people see everything once and in order, and both instances
    /// have it in their history.
    pub async fn judge(self) {
        self.until_both_have_seen_everything().await;
        let mut histories = Vec::new();
        for (client, session) in self.clients.iter().zip(&self.people) {
            // An instance may take a moment to find that PostgreSQL is back.
            let mut retry = Retry::for_up_to(PATIENCE);
            histories.push(loop {
                match client.whole_history(session).await {
                    Ok(history) => break history,
                    Err(error) => retry.pause(error).await.unwrap(),
                }
            });
        }
        assert_eq!(histories[0], histories[1]);
        for message in &histories[0] {
            self.ledger
                .remembered(0, message.seq, message.id, &message.text);
        }
        let verdict = self.ledger.verdict();
        assert!(verdict.is_clean(), "{verdict}");
        let said = self.said.load(Ordering::Relaxed) as u64;
        assert_eq!(verdict.acknowledged, said, "{verdict}");
        // Taking the cluster down waits for its processes.
        block_in_place(|| drop(self.cluster));
    }
}
