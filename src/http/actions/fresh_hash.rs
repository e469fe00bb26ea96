//! Hashes and ids that the server generates.

use std::{iter, time::Duration};

use actors::{
    Refusal,
    domain::{ChatKey, PairHash, RegistrationId},
    ports::Store,
};
use uuid::Uuid;

use crate::http::State;

/// Fresh hashes tried before giving up; a collision means that the random generator is broken.
pub const HASH_TRIES: usize = 3;
/// Candidates tried until one falls into a part of the store that is reachable. With one server of fifty
/// reachable, one search in 10^8 fails.
const CANDIDATES_MAX: usize = 1_000;
/// How long a reserved hash is kept.
pub const RESERVED_FOR: Duration = Duration::from_secs(600);

/// A random registration id in a reachable part of the store.
pub fn fresh_id(state: &State) -> Uuid {
    let store = state.pairs.store();
    let accepted = |id: &Uuid| store.accepts_registration(&RegistrationId::new(*id).digest());
    let mut ids = iter::repeat_with(Uuid::new_v4).take(CANDIDATES_MAX);
    ids.find(accepted).unwrap_or_else(Uuid::new_v4)
}

/// A random hash in a reachable part of the store.
pub fn fresh_hash(store: &dyn Store, id: Option<RegistrationId>) -> PairHash {
    let id = id.map(|id| id.digest());
    let hashes = || PairHash::generate(&mut rand::rng());
    let accepted = |hash: &PairHash| store.accepts_key(ChatKey::of(hash), id.as_ref());
    let found = iter::repeat_with(hashes)
        .take(CANDIDATES_MAX)
        .find(accepted);
    // With an unreachable one the store reports what is wrong.
    found.unwrap_or_else(hashes)
}

/// A fresh hash that nobody else gets for ten minutes.
pub async fn reserve(state: &State) -> Result<PairHash, Refusal> {
    for _ in 0..HASH_TRIES {
        let hash = fresh_hash(&**state.pairs.store(), None);
        let key = ChatKey::of(&hash);
        if state.pairs.store().reserve(key, RESERVED_FOR).await? {
            return Ok(hash);
        }
    }
    Err(Refusal::Defect("fresh hashes collide".into()))
}
