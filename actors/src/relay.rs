//! What the bus brings, handed to the pair it is for.

use std::time::Duration;

use actix::{
    Actor, ArbiterHandle, Context, Handler, Recipient, Supervised, Supervisor, dev::SendError,
};

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
    Supervisor::start_in_arbiter(arbiter, move |ctx: &mut Context<Relay>| {
        ctx.set_mailbox_capacity(QUEUE_LEN_MAX);
        Relay { directory }
    })
    .recipient()
}

struct Relay {
    directory: Directory,
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
                actix::spawn(catch_up(self.directory.clone(), keys));
            }
        }
    }
}

/// First the messages, which take one query for many chats; then everything else, at a pace that
/// leaves the store to those who talk.
async fn catch_up(directory: Directory, keys: Option<Vec<ChatKey>>) {
    let keys = keys.unwrap_or_else(|| directory.keys(|_| true));
    sweeper::compare(&directory, &keys).await;
    for part in keys.chunks(CATCH_UP_LEN) {
        for pair in part.iter().filter_map(|key| directory.live(*key)) {
            pair.do_send(CatchUp);
        }
        tokio::time::sleep(CATCH_UP_PAUSE).await;
    }
}
