//! Remembers on which server a chat was found, for chats that may be on several.
//!
//! A chat never moves, so this never becomes wrong. After a change of the map most lookups ask one server
//! instead of two, and are batched with the other chats of that server.

use std::collections::HashMap;

use actors::domain::ChatKey;
use parking_lot::Mutex;

/// Chats per generation. Two generations take about 20 MB.
const GENERATION_LEN: usize = 250_000;

/// The server index of each chat. When a generation is full, the older one is dropped: the chats that were
/// not looked up for longest.
#[derive(Default)]
pub(super) struct Located(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<ChatKey, usize>,
    old: HashMap<ChatKey, usize>,
}

impl Located {
    pub(super) fn get(&self, key: ChatKey) -> Option<usize> {
        let mut generations = self.0.lock();
        if let Some(number) = generations.young.get(&key) {
            return Some(*number);
        }
        let number = generations.old.remove(&key)?;
        generations.insert(key, number, GENERATION_LEN);
        Some(number)
    }

    pub(super) fn insert(&self, key: ChatKey, number: usize) {
        self.0.lock().insert(key, number, GENERATION_LEN);
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
    fn the_least_recently_used_chat_is_forgotten() {
        let key = |n: u8| ChatKey::from_bytes([n; 16]);
        let located = Located::default();
        for n in 0..4 {
            located.0.lock().insert(key(n), n.into(), 2);
        }
        assert_eq!(located.get(key(0)), Some(0));
        for n in 4..6 {
            located.0.lock().insert(key(n), n.into(), 2);
        }
        assert_eq!(located.get(key(1)), None);
        assert_eq!(located.get(key(5)), Some(5));
    }
}
