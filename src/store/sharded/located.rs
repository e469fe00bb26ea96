//! Where chats were found that may be on several servers.
//!
//! A chat is never moved, so whoever found it once asks there first: after a change of the map most
//! chats cost one question and not two, and each is asked for together with the other chats of its
//! server, whatever becomes of the servers that it could have been on.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use actors::domain::ChatKey;

/// Chats in one generation. Both together take some 20 MB at most.
const GENERATION_LEN: usize = 250_000;

/// The number of the server on which a chat was found. Those that were not asked for longest are
/// forgotten first, by the generation.
#[derive(Default)]
pub(super) struct Located(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<ChatKey, usize>,
    old: HashMap<ChatKey, usize>,
}

impl Located {
    pub(super) fn get(&self, key: ChatKey) -> Option<usize> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = generations.young.get(&key) {
            return Some(*number);
        }
        let number = generations.old.remove(&key)?;
        generations.insert(key, number, GENERATION_LEN);
        Some(number)
    }

    pub(super) fn insert(&self, key: ChatKey, number: usize) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.insert(key, number, GENERATION_LEN);
    }
}

impl Generations {
    fn insert(&mut self, key: ChatKey, number: usize, len_max: usize) {
        if self.young.len() >= len_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_longest_is_forgotten() {
        let key = |n: u8| ChatKey::from_bytes([n; 16]);
        let located = Located::default();
        for n in 0..4 {
            located.0.lock().unwrap().insert(key(n), n.into(), 2);
        }
        assert_eq!(located.get(key(0)), Some(0));
        for n in 4..6 {
            located.0.lock().unwrap().insert(key(n), n.into(), 2);
        }
        assert_eq!(located.get(key(1)), None);
        assert_eq!(located.get(key(5)), Some(5));
    }
}
