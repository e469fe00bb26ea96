use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use crate::{domain::Draft, ports::StoreError};

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `append`
    Append,
    /// `end`
    End,
    /// `history`
    History,
    /// `load`
    Load,
    /// `note`
    Note,
    /// `positions`
    Positions,
    /// `status`
    Status,
    /// `take_seat`
    TakeSeat,
    /// All the others.
    Other,
}

/// What goes wrong with one instance's store.
#[derive(Debug)]
pub(super) struct Faults {
    state: Mutex<State>,
    held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    failing: HashMap<Call, usize>,
    lost_appends: usize,
    refused_texts: HashSet<String>,
    batch_lens: Vec<usize>,
}

/// While it lives, appends wait before they touch anything.
#[derive(Debug)]
#[must_use = "appends are held only while this lives"]
pub struct Hold(Arc<Faults>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.send_replace(false);
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            held: watch::Sender::new(false),
        }
    }
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while it holds the faults")
    }

    pub(super) fn hold(self: &Arc<Self>) -> Hold {
        self.held.send_replace(true);
        Hold(self.clone())
    }

    pub(super) fn fail_next(&self, call: Call, times: usize) {
        self.state().failing.insert(call, times);
    }

    pub(super) fn lose_next_appends(&self, times: usize) {
        self.state().lost_appends = times;
    }

    pub(super) fn refuse_text(&self, text: &str) {
        self.state().refused_texts.insert(text.into());
    }

    pub(super) fn batch_lens(&self) -> Vec<usize> {
        self.state().batch_lens.clone()
    }

    /// Fails where it was told to.
    pub(super) fn check(&self, call: Call) -> Result<(), StoreError> {
        match self.state().failing.get_mut(&call) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Err(StoreError::Unavailable("told to fail".into()))
            }
            _ => Ok(()),
        }
    }

    /// Counts a batch, waits while appends are held, and fails where it was told to.
    pub(super) async fn check_append(&self, drafts: &[Draft]) -> Result<(), StoreError> {
        self.state().batch_lens.push(drafts.len());
        let mut held = self.held.subscribe();
        let released = held.wait_for(|held| !held).await;
        released.expect("the faults, which send, are borrowed here");
        self.check(Call::Append)?;
        let state = self.state();
        let refused = |draft: &Draft| state.refused_texts.contains(draft.text.as_str());
        match drafts.iter().any(refused) {
            true => Err(StoreError::Refused(
                "told to refuse one of the texts".into(),
            )),
            false => Ok(()),
        }
    }

    /// Fails where a commit's answer is to be lost on its way back.
    pub(super) fn check_answer(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        match state.lost_appends {
            0 => Ok(()),
            left => {
                state.lost_appends = left - 1;
                Err(StoreError::Unavailable("told to lose the answer".into()))
            }
        }
    }
}
