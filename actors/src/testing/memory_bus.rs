//! A bus between the instances of a test, which can be told to fail.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    domain::{BySeat, ChatKey, Notice, Seat},
    ports::{Bus, BusError, BusMembership, BusState, Inbox},
};

/// Connects the instances. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryHub(Arc<Mutex<Vec<Instance>>>);

#[derive(Default)]
struct Instance {
    boot: Uuid,
    inbox: Option<Inbox>,
    subscribed: HashSet<ChatKey>,
    open: HashMap<ChatKey, BySeat<bool>>,
    deaf: bool,
    down: bool,
    unanswered: usize,
    panicking: HashMap<BusCall, usize>,
}

/// Calls that can be made to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BusCall {
    /// `forget`
    Forget,
    /// `open_elsewhere`
    OpenElsewhere,
    /// `publish`
    Publish,
    /// `set_open`
    SetOpen,
    /// `subscribe`
    Subscribe,
    /// `unsubscribe`
    Unsubscribe,
}

/// The bus of one instance. Clones share it.
#[derive(Clone)]
pub struct MemoryBus {
    hub: MemoryHub,
    place: usize,
}

impl MemoryHub {
    /// A bus for one more instance.
    pub fn attach(&self) -> MemoryBus {
        let mut instances = self.0.lock();
        instances.push(Instance {
            boot: Uuid::new_v4(),
            ..Instance::default()
        });
        MemoryBus {
            hub: self.clone(),
            place: instances.len() - 1,
        }
    }
}

impl MemoryBus {
    fn with<T>(&self, with: impl FnOnce(&mut Instance) -> T) -> T {
        with(&mut self.hub.0.lock()[self.place])
    }

    fn check(&self) -> Result<(), BusError> {
        match self.with(|own| own.down) {
            true => Err(BusError("told to be down".into())),
            false => Ok(()),
        }
    }

    /// Sets whether notices to this instance are lost without being reported as missed.
    pub fn set_deaf(&self, deaf: bool) {
        self.with(|own| own.deaf = deaf);
    }

    /// Sets whether the calls of this instance fail. Subscriptions are made nevertheless, since the port requires them when
    /// the bus is back.
    pub fn set_down(&self, down: bool) {
        self.with(|own| own.down = down);
    }

    /// Makes the next calls of `open_elsewhere` fail, though the bus is there.
    pub fn fail_open_elsewhere(&self, times: usize) {
        self.with(|own| own.unanswered = times);
    }

    /// How many of them have not failed yet.
    pub fn failures_left(&self) -> usize {
        self.with(|own| own.unanswered)
    }

    /// Makes the next calls of this kind panic, without effect.
    pub fn panic_next(&self, call: BusCall, times: usize) {
        self.with(|own| own.panicking.insert(call, times));
    }

    /// How many of the requested panics have not happened yet.
    pub fn panics_left(&self, call: BusCall) -> usize {
        self.with(|own| own.panicking.get(&call).copied().unwrap_or(0))
    }

    fn panic_if_armed(&self, call: BusCall) {
        let told = self.with(|own| {
            let left = own.panicking.get_mut(&call);
            left.is_some_and(|left| std::mem::replace(left, left.saturating_sub(1)) > 0)
        });
        assert!(!told, "told to panic");
    }

    /// Reports to this instance that notices may have been lost.
    pub fn report_missed(&self, keys: Option<Vec<ChatKey>>) {
        if let Some(inbox) = self.with(|own| own.inbox.clone()) {
            match keys {
                Some(keys) => inbox.report_missed(keys),
                None => inbox.report_all_missed(),
            }
        }
    }

    /// Whether this instance is subscribed to a chat.
    pub fn is_subscribed(&self, key: ChatKey) -> bool {
        self.with(|own| own.subscribed.contains(&key))
    }
}

impl Instance {
    fn deliver(&self, key: ChatKey, notice: &Notice) {
        if let Some(inbox) = &self.inbox
            && !self.deaf
            && self.subscribed.contains(&key)
        {
            inbox.deliver(key, notice.clone());
        }
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn subscribe(&self, key: ChatKey) -> Result<(), BusError> {
        self.panic_if_armed(BusCall::Subscribe);
        tokio::task::yield_now().await;
        self.with(|own| own.subscribed.insert(key));
        self.check()
    }

    fn unsubscribe(&self, key: ChatKey) {
        self.panic_if_armed(BusCall::Unsubscribe);
        self.with(|own| own.subscribed.remove(&key));
    }

    fn publish(&self, key: ChatKey, notice: Notice) {
        self.panic_if_armed(BusCall::Publish);
        // The hub stays locked, so that all instances get notices in the same order.
        for (place, other) in self.hub.0.lock().iter().enumerate() {
            if place != self.place {
                other.deliver(key, &notice);
            }
        }
    }

    fn set_open(&self, key: ChatKey, open: BySeat<bool>) {
        self.panic_if_armed(BusCall::SetOpen);
        self.with(|own| match open == BySeat::default() {
            true => own.open.remove(&key),
            false => own.open.insert(key, open),
        });
    }

    async fn open_elsewhere(&self, key: ChatKey) -> Result<BySeat<bool>, BusError> {
        self.panic_if_armed(BusCall::OpenElsewhere);
        tokio::task::yield_now().await;
        self.check()?;
        let left = self.with(|own| {
            let left = own.unanswered;
            own.unanswered = left.saturating_sub(1);
            left
        });
        if left > 0 {
            return Err(BusError("told not to answer".into()));
        }
        let instances = self.hub.0.lock();
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
        self.panic_if_armed(BusCall::Forget);
        self.with(|own| own.subscribed.remove(&key));
        for instance in self.hub.0.lock().iter_mut() {
            instance.open.remove(&key);
        }
    }

    fn listen(&self, inbox: Inbox) {
        self.with(|own| own.inbox = Some(inbox));
    }

    async fn leave(&self) {
        self.with(|own| own.open.clear());
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.check()
    }

    fn state(&self, _: ChatKey) -> BusState {
        self.worst_state()
    }

    fn worst_state(&self) -> BusState {
        match self.with(|own| own.down) {
            true => BusState::Away,
            false => BusState::Up,
        }
    }

    /// One that is deaf hears nobody.
    fn membership(&self) -> Option<BusMembership> {
        let (own, deaf) = self.with(|own| (own.boot, own.deaf));
        let boots = self.hub.0.lock();
        let boots = boots.iter().map(|instance| instance.boot);
        Some(BusMembership {
            own,
            address: "memory".into(),
            heard: boots.filter(|boot| !deaf && *boot != own).collect(),
            is_complete: true,
        })
    }
}
