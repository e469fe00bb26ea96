//! A bus between instances of one process, which loses what it is told to lose.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use actix::{Recipient, dev::SendError};
use async_trait::async_trait;

use crate::{
    domain::{BySeat, ChatKey, Seat},
    ports::{Bus, BusError, BusEvent, Notice},
};

/// Where instances meet. Clones are the same place.
#[derive(Debug, Clone, Default)]
pub struct MemoryHub(Arc<Mutex<Vec<Instance>>>);

#[derive(Debug, Default)]
struct Instance {
    listener: Option<Recipient<BusEvent>>,
    subscribed: HashSet<ChatKey>,
    open: HashMap<ChatKey, BySeat<bool>>,
    deaf: bool,
    down: bool,
}

/// One instance's end of the bus. Clones are the same instance's.
#[derive(Debug, Clone)]
pub struct MemoryBus {
    hub: MemoryHub,
    place: usize,
}

impl MemoryHub {
    fn instances(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.0
            .lock()
            .expect("nothing panics while it holds the hub")
    }

    /// A bus for one more instance.
    pub fn attach(&self) -> MemoryBus {
        let mut instances = self.instances();
        instances.push(Instance::default());
        MemoryBus {
            hub: self.clone(),
            place: instances.len() - 1,
        }
    }
}

impl MemoryBus {
    fn with<T>(&self, with: impl FnOnce(&mut Instance) -> T) -> T {
        with(&mut self.hub.instances()[self.place])
    }

    fn check(&self) -> Result<(), BusError> {
        match self.with(|own| own.down) {
            true => Err(BusError("told to be down".into())),
            false => Ok(()),
        }
    }

    /// Whether notices to this instance are lost, without a word about it.
    pub fn set_deaf(&self, deaf: bool) {
        self.with(|own| own.deaf = deaf);
    }

    /// Whether every question of this instance fails. What it subscribes to meanwhile is
    /// subscribed all the same, as the port demands for the time when the bus is back.
    pub fn set_down(&self, down: bool) {
        self.with(|own| own.down = down);
    }

    /// Reports to this instance that notices may have been lost.
    pub fn report_missed(&self, keys: Option<Vec<ChatKey>>) {
        if let Some(listener) = self.with(|own| own.listener.clone()) {
            listener.do_send(BusEvent::Missed(keys));
        }
    }

    /// Whether this instance is subscribed to a chat.
    pub fn is_subscribed(&self, key: ChatKey) -> bool {
        self.with(|own| own.subscribed.contains(&key))
    }
}

impl Instance {
    fn tell(&self, key: ChatKey, notice: &Notice) {
        let Some(listener) = &self.listener else {
            return;
        };
        if self.deaf || !self.subscribed.contains(&key) {
            return;
        }
        let event = BusEvent::Notice(key, notice.clone());
        if let Err(SendError::Full(_)) = listener.try_send(event) {
            listener.do_send(BusEvent::Missed(Some(vec![key])));
        }
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError> {
        tokio::task::yield_now().await;
        self.with(|own| own.subscribed.insert(key));
        self.check()
    }

    fn unsubscribe(&self, key: ChatKey) {
        self.with(|own| own.subscribed.remove(&key));
    }

    fn publish(&self, key: ChatKey, notice: Notice) {
        // The hub stays locked meanwhile, so that all hear everything in one order.
        for (place, other) in self.hub.instances().iter().enumerate() {
            if place != self.place {
                other.tell(key, &notice);
            }
        }
    }

    fn set_open(&self, key: ChatKey, open: BySeat<bool>) {
        self.with(|own| match open == BySeat::default() {
            true => own.open.remove(&key),
            false => own.open.insert(key, open),
        });
    }

    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError> {
        tokio::task::yield_now().await;
        self.check()?;
        let instances = self.hub.instances();
        let others = instances
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != self.place);
        let mut open = BySeat::default();
        for entry in others.filter_map(|(_, other)| other.open.get(&key)) {
            for seat in Seat::BOTH {
                open[seat] |= entry[seat];
            }
        }
        Ok(open)
    }

    fn forget(&self, key: ChatKey) {
        self.unsubscribe(key);
        for instance in self.hub.instances().iter_mut() {
            instance.open.remove(&key);
        }
    }

    fn listen(&self, listener: Recipient<BusEvent>) {
        self.with(|own| own.listener = Some(listener));
    }

    async fn leave(&self) {
        self.with(|own| own.open.clear());
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.check()
    }
}
