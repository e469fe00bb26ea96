use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::{
    domain::{ChatKey, Notice, Seat},
    ports::{Bus, Inbox, MissedChats},
    testing::eventually,
};

/// Room for more notices than any claim publishes.
const ROOMY: usize = 4_096;
/// Room for a few notices only.
const NARROW: usize = 16;

/// Collects what arrives at one instance.
pub struct Collector(Arc<Mutex<Arrived>>);

#[derive(Default)]
struct Arrived {
    notices: Vec<(ChatKey, Notice)>,
    missed: MissedChats,
}

impl Collector {
    /// Listens to a bus from now on.
    pub fn from(bus: &Arc<dyn Bus>) -> Self {
        Self::listen(bus, ROOMY, None)
    }

    /// Listens to a bus, but handles nothing until it is told to start.
    pub fn lagging(bus: &Arc<dyn Bus>) -> (Self, oneshot::Sender<()>) {
        let (start, started) = oneshot::channel();
        (Self::listen(bus, NARROW, Some(started)), start)
    }

    fn listen(bus: &Arc<dyn Bus>, room: usize, start: Option<oneshot::Receiver<()>>) -> Self {
        let arrived = Arc::<Mutex<Arrived>>::default();
        let inbox = Inbox::new(room);
        bus.listen(inbox.clone());
        let kept = arrived.clone();
        actix::spawn(async move {
            if let Some(start) = start {
                let _ = start.await;
            }
            loop {
                tokio::select! {
                    biased;
                    notice = inbox.next() => kept.lock().unwrap().notices.push(notice),
                    missed = inbox.next_missed() => {
                        let mut arrived = kept.lock().unwrap();
                        arrived.missed.all |= missed.all;
                        arrived.missed.keys.extend(missed.keys);
                    }
                }
            }
        });
        Self(arrived)
    }

    /// The notices about one chat.
    pub fn about(&self, chat: ChatKey) -> Vec<Notice> {
        let arrived = self.0.lock().unwrap();
        let notices = arrived.notices.iter().filter(|(key, _)| *key == chat);
        notices.map(|(_, notice)| notice.clone()).collect()
    }

    /// Whether notices about one chat were reported as missed.
    pub fn missed(&self, chat: ChatKey) -> bool {
        let missed = &self.0.lock().unwrap().missed;
        missed.all || missed.keys.contains(&chat)
    }

    /// Forgets what has arrived so far.
    pub fn clear(&self) {
        *self.0.lock().unwrap() = Arrived::default();
    }

    /// Waits until the last notice about a chat is this one.
    pub async fn until(&self, chat: ChatKey, last: &Notice) {
        eventually(&format!("{last:?} arrives"), || async {
            self.about(chat).last() == Some(last)
        })
        .await;
    }
}

/// A notice by which one can tell that everything before it has arrived.
pub fn mark() -> Notice {
    Notice::Ended {
        by: Some(Seat::Two),
    }
}
