//! The bus within one process: instances attached to the same hub hear each other.
//!
//! A server has one instance on its hub, so nothing is ever delivered. Tests attach several.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use actors::{
    domain::{BySeat, ChatKey, Notice, Seat},
    ports::{Bus, BusError, BusState, Inbox},
};
use async_trait::async_trait;
use dashmap::DashSet;
use parking_lot::Mutex;

/// Connects the instances of one process.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<Vec<Arc<Instance>>>>);

/// One instance's connection to a hub.
pub struct LocalBus {
    hub: Hub,
    own: Arc<Instance>,
}

#[derive(Default)]
struct Instance {
    inbox: OnceLock<Inbox>,
    subscriptions: DashSet<ChatKey>,
    open: Mutex<HashMap<ChatKey, BySeat<bool>>>,
}

impl LocalBus {
    /// Attaches another instance to a hub.
    pub fn attach(hub: &Hub) -> Self {
        let own = Arc::new(Instance::default());
        hub.0.lock().push(own.clone());
        Self {
            hub: hub.clone(),
            own,
        }
    }

    fn others(&self) -> Vec<Arc<Instance>> {
        let other = |instance: &&Arc<Instance>| !Arc::ptr_eq(instance, &self.own);
        self.hub.0.lock().iter().filter(other).cloned().collect()
    }
}

impl Drop for LocalBus {
    fn drop(&mut self) {
        self.hub
            .0
            .lock()
            .retain(|instance| !Arc::ptr_eq(instance, &self.own));
    }
}

impl Instance {
    fn deliver(&self, key: ChatKey, notice: Notice) {
        if let Some(inbox) = self.inbox.get() {
            inbox.deliver(key, notice);
        }
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError> {
        self.own.subscriptions.insert(key);
        Ok(())
    }

    fn unsubscribe(&self, key: ChatKey) {
        self.own.subscriptions.remove(&key);
    }

    fn publish(&self, key: ChatKey, notice: Notice) {
        for instance in self.others() {
            if instance.subscriptions.contains(&key) {
                instance.deliver(key, notice.clone());
            }
        }
    }

    fn set_open(&self, key: ChatKey, open: BySeat<bool>) {
        match open == BySeat::default() {
            true => self.own.open.lock().remove(&key),
            false => self.own.open.lock().insert(key, open),
        };
    }

    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError> {
        let mut elsewhere = BySeat::default();
        for instance in self.others() {
            if let Some(open) = instance.open.lock().get(&key) {
                for seat in Seat::BOTH {
                    elsewhere[seat] |= open[seat];
                }
            }
        }
        Ok(elsewhere)
    }

    fn forget(&self, key: ChatKey) {
        self.unsubscribe(key);
        for instance in self.hub.0.lock().iter() {
            instance.open.lock().remove(&key);
        }
    }

    fn listen(&self, inbox: Inbox) {
        // The port promises that this is called once.
        let _ = self.own.inbox.set(inbox);
    }

    async fn leave(&self) {
        self.own.open.lock().clear();
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn state(&self, _: ChatKey) -> BusState {
        BusState::Up
    }

    fn worst_state(&self) -> BusState {
        BusState::Up
    }
}

#[cfg(test)]
mod tests {
    use actors::testing::Buses;

    use super::*;

    async fn open() -> Buses {
        let hub = Hub::default();
        let (here, there) = (LocalBus::attach(&hub), LocalBus::attach(&hub));
        Buses::new(Arc::new(here), Arc::new(there), ())
    }

    actors::bus_suite!(open);
}
