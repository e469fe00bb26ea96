use std::sync::{Arc, Mutex};

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    domain::{ChatKey, Seat},
    ports::{Bus, BusEvent, Notice},
    testing::eventually,
};

/// Room for more events than any claim publishes.
const ROOMY: usize = 4_096;
/// Room for a few events only.
const NARROW: usize = 16;

/// Listens to a bus and keeps everything.
struct Collector {
    heard: Arc<Mutex<Vec<BusEvent>>>,
    /// Nothing is taken out of the mailbox before this comes.
    start: Option<oneshot::Receiver<()>>,
}

impl Actor for Collector {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(start) = self.start.take() {
            ctx.wait(async move { drop(start.await) }.into_actor(self));
        }
    }
}

impl Handler<BusEvent> for Collector {
    type Result = ();

    fn handle(&mut self, event: BusEvent, _: &mut Self::Context) {
        self.heard.lock().unwrap().push(event);
    }
}

/// What has arrived at one instance.
pub struct Heard(Arc<Mutex<Vec<BusEvent>>>);

impl Heard {
    /// Listens to a bus from now on.
    pub fn from(bus: &Arc<dyn Bus>) -> Self {
        Self::listen(bus, ROOMY, None)
    }

    /// Listens to a bus, but takes nothing in before it is told to start.
    pub fn lagging(bus: &Arc<dyn Bus>) -> (Self, oneshot::Sender<()>) {
        let (start, started) = oneshot::channel();
        (Self::listen(bus, NARROW, Some(started)), start)
    }

    fn listen(bus: &Arc<dyn Bus>, room: usize, start: Option<oneshot::Receiver<()>>) -> Self {
        let heard = Arc::<Mutex<_>>::default();
        let kept = heard.clone();
        let collector = Collector::create(move |ctx| {
            ctx.set_mailbox_capacity(room);
            Collector { heard: kept, start }
        });
        bus.listen(collector.recipient());
        Self(heard)
    }

    pub fn events(&self) -> Vec<BusEvent> {
        self.0.lock().unwrap().clone()
    }

    /// The notices about one chat.
    pub fn about(&self, chat: ChatKey) -> Vec<Notice> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                BusEvent::Notice(key, notice) if key == chat => Some(notice),
                _ => None,
            })
            .collect()
    }

    /// Whether notices about one chat were reported as missed.
    pub fn missed(&self, chat: ChatKey) -> bool {
        self.events().iter().any(|event| match event {
            BusEvent::Missed(Some(keys)) => keys.contains(&chat),
            BusEvent::Missed(None) => true,
            BusEvent::Notice(..) => false,
        })
    }

    /// Forgets what was heard so far.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// Waits until the last that was heard about a chat is this.
    pub async fn until(&self, chat: ChatKey, last: &Notice) {
        eventually(&format!("{last:?} arrives"), || async {
            self.about(chat).last() == Some(last)
        })
        .await;
    }
}

pub fn key() -> ChatKey {
    ChatKey::from_bytes(*Uuid::new_v4().as_bytes())
}

/// A notice by which one can tell that everything before it has arrived.
pub fn mark() -> Notice {
    Notice::Ended {
        by: Some(Seat::Two),
    }
}
