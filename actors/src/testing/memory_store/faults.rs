use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::MemoryStore;
use crate::{
    domain::{ChatKey, Draft},
    ports::StoreError,
};

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `append`
    Append,
    /// `beat`
    Beat,
    /// `check_sessions`
    CheckSessions,
    /// `count_chats`
    CountChats,
    /// `end`
    End,
    /// `expire`
    Expire,
    /// `history`
    History,
    /// `load`
    Load,
    /// `write_deferred`
    DeferredWrite,
    /// `positions`
    Positions,
    /// `purge`
    Purge,
    /// `status`
    Status,
    /// `take_seat`
    TakeSeat,
    /// All the others.
    Other,
}

/// The faults of one instance's store.
#[derive(Debug, Default)]
pub(super) struct Faults {
    state: Mutex<State>,
    held: watch::Sender<HashSet<Call>>,
}

#[derive(Debug, Default)]
struct State {
    failing: HashMap<Call, usize>,
    panicking: HashMap<Call, usize>,
    locked: HashSet<ChatKey>,
    damaged: HashSet<ChatKey>,
    waiting: HashSet<Call>,
    calls: HashMap<Call, usize>,
    lost_appends: usize,
    refused_texts: HashSet<String>,
    batch_lens: Vec<usize>,
}

/// Until it is dropped, calls of one kind wait before they have any effect.
#[derive(Debug)]
#[must_use = "calls are held only while this lives"]
pub struct Hold {
    faults: Arc<Faults>,
    call: Call,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.faults.held.send_modify(|held| {
            held.remove(&self.call);
        });
    }
}

impl MemoryStore {
    /// Makes the next calls of this kind fail as unavailable, without effect.
    pub fn fail_next(&self, call: Call, times: usize) {
        self.faults.state.lock().failing.insert(call, times);
    }

    /// Makes the next calls of this kind panic, without effect.
    pub fn panic_next(&self, call: Call, times: usize) {
        self.faults.state.lock().panicking.insert(call, times);
    }

    /// How many of the requested panics have not happened yet.
    pub fn panics_left(&self, call: Call) -> usize {
        let state = self.faults.state.lock();
        state.panicking.get(&call).copied().unwrap_or(0)
    }

    /// Locks or unlocks a chat, as another transaction would.
    pub fn set_locked(&self, key: ChatKey, locked: bool) {
        let mut state = self.faults.state.lock();
        match locked {
            true => state.locked.insert(key),
            false => state.locked.remove(&key),
        };
    }

    /// Refuses every statement about positions that reads this chat from now on, as with a damaged page.
    pub fn damage(&self, key: ChatKey) {
        self.faults.state.lock().damaged.insert(key);
    }

    /// Makes the next appends fail as unavailable after they were stored.
    pub fn lose_next_appends(&self, times: usize) {
        self.faults.state.lock().lost_appends = times;
    }

    /// Makes calls of this kind wait before they have any effect, until the guard is dropped.
    pub fn hold(&self, call: Call) -> Hold {
        self.faults.held.send_modify(|held| {
            held.insert(call);
        });
        Hold {
            faults: self.faults.clone(),
            call,
        }
    }

    /// Whether a call of this kind is waiting.
    pub fn is_waiting(&self, call: Call) -> bool {
        self.faults.state.lock().waiting.contains(&call)
    }

    /// How many calls of this kind were made.
    pub fn calls(&self, call: Call) -> usize {
        let state = self.faults.state.lock();
        state.calls.get(&call).copied().unwrap_or(0)
    }

    /// Refuses every batch that contains this text from now on.
    pub fn refuse_text(&self, text: &str) {
        self.faults.state.lock().refused_texts.insert(text.into());
    }

    /// The number of drafts of each append so far, including one that waits.
    pub fn batch_lens(&self) -> Vec<usize> {
        self.faults.state.lock().batch_lens.clone()
    }
}

impl Faults {
    pub(super) fn is_locked(&self, key: ChatKey) -> bool {
        self.state.lock().locked.contains(&key)
    }

    pub(super) fn check_damage(&self, keys: &[ChatKey]) -> Result<(), StoreError> {
        let state = self.state.lock();
        match keys.iter().any(|key| state.damaged.contains(key)) {
            true => Err(StoreError::Refused("a page is damaged".into())),
            false => Ok(()),
        }
    }

    /// Waits while calls of this kind are held, and fails if requested.
    pub(super) async fn check(&self, call: Call) -> Result<(), StoreError> {
        {
            let mut state = self.state.lock();
            state.waiting.insert(call);
            *state.calls.entry(call).or_default() += 1;
        }
        let mut held = self.held.subscribe();
        let released = held.wait_for(|held| !held.contains(&call)).await;
        drop(released.expect("the faults, which send, are borrowed here"));
        let mut state = self.state.lock();
        state.waiting.remove(&call);
        if let Some(left) = state.panicking.get_mut(&call)
            && *left > 0
        {
            *left -= 1;
            drop(state);
            panic!("told to panic");
        }
        match state.failing.get_mut(&call) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(StoreError::Unavailable("told to fail".into()))
            }
            _ => Ok(()),
        }
    }

    /// Counts a batch, then does the same as [`check`](Self::check), and refuses batches with a poisoned text.
    pub(super) async fn check_append(&self, drafts: &[Draft]) -> Result<(), StoreError> {
        self.state.lock().batch_lens.push(drafts.len());
        self.check(Call::Append).await?;
        let state = self.state.lock();
        let refused = |draft: &Draft| state.refused_texts.contains(draft.text.as_str());
        match drafts.iter().any(refused) {
            true => Err(StoreError::Refused(
                "told to refuse one of the texts".into(),
            )),
            false => Ok(()),
        }
    }

    /// Fails if the commit's reply is to be lost.
    pub(super) fn check_answer(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        match state.lost_appends {
            0 => Ok(()),
            left => {
                state.lost_appends = left - 1;
                Err(StoreError::Unavailable("told to lose the answer".into()))
            }
        }
    }
}
