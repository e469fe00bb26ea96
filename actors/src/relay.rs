//! What the bus brings, handed to the pair it is for.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix::{
    Actor, ArbiterHandle, Context, Handler, Recipient, Supervised, Supervisor, dev::SendError,
};

use tokio::sync::Notify;

use crate::{
    Directory,
    domain::ChatKey,
    pair::{CatchUp, Relayed},
    ports::BusEvent,
    sweeper,
};

/// Notices that may wait for their pairs.
const QUEUE_LEN_MAX: usize = 4_096;

/// Chats read again at once, and the pause between.
const CATCH_UP_LEN: usize = 50;
const CATCH_UP_PAUSE: Duration = Duration::from_millis(20);

pub(crate) fn start(arbiter: &ArbiterHandle, directory: Directory) -> Recipient<BusEvent> {
    let missed = Arc::<Missed>::default();
    arbiter.spawn(catch_up(directory.clone(), missed.clone()));
    Supervisor::start_in_arbiter(arbiter, move |ctx: &mut Context<Relay>| {
        ctx.set_mailbox_capacity(QUEUE_LEN_MAX);
        Relay { directory, missed }
    })
    .recipient()
}

struct Relay {
    directory: Directory,
    missed: Arc<Missed>,
}

/// Chats that may have missed something; each at most once, however often it is said.
#[derive(Default)]
struct Missed {
    keys: Mutex<HashSet<ChatKey>>,
    reported: Notify,
}

impl Missed {
    fn add(&self, keys: Vec<ChatKey>) {
        self.keys().extend(keys);
        self.reported.notify_one();
    }

    fn take(&self) -> HashSet<ChatKey> {
        std::mem::take(&mut *self.keys())
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<ChatKey>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Actor for Relay {
    type Context = Context<Self>;
}

impl Supervised for Relay {}

impl Handler<BusEvent> for Relay {
    type Result = ();

    fn handle(&mut self, event: BusEvent, _: &mut Self::Context) {
        match event {
            BusEvent::Notice(key, notice) => {
                let Some(pair) = self.directory.live(key) else {
                    return;
                };
                // A pair too busy to take a notice reads from the store instead.
                if let Err(SendError::Full(_)) = pair.try_send(Relayed(notice)) {
                    pair.do_send(CatchUp);
                }
            }
            BusEvent::Missed(keys) => {
                let all = || self.directory.keys(|_| true);
                self.missed.add(keys.unwrap_or_else(all));
            }
        }
    }
}

/// First the messages, which take one query for many chats; then everything else, at a pace that
/// leaves the store to those who talk.
async fn catch_up(directory: Directory, missed: Arc<Missed>) {
    let mut unread = HashSet::new();
    loop {
        if unread.is_empty() {
            missed.reported.notified().await;
        }
        let news: Vec<ChatKey> = missed.take().into_iter().collect();
        sweeper::compare(&directory, &news).await;
        unread.extend(news);
        let part: Vec<ChatKey> = unread.iter().take(CATCH_UP_LEN).copied().collect();
        for key in part {
            unread.remove(&key);
            if let Some(pair) = directory.live(key) {
                pair.do_send(CatchUp);
            }
        }
        tokio::time::sleep(CATCH_UP_PAUSE).await;
    }
}
