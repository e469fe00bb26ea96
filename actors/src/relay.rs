//! What the bus brings, handed to the pair it is for.

use actix::{
    Actor, ArbiterHandle, Context, Handler, Recipient, Supervised, Supervisor, dev::SendError,
};

use crate::{
    Directory,
    pair::{CatchUp, Relayed},
    ports::BusEvent,
};

/// Notices that may wait for their pairs.
const QUEUE_LEN_MAX: usize = 4_096;

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
                for pair in self.directory.live_among(keys) {
                    pair.do_send(CatchUp);
                }
            }
        }
    }
}
