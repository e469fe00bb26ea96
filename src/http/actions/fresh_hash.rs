use std::iter;

use actors::{
    domain::{ChatKey, PairHash, RegistrationId},
    ports::Store,
};
use uuid::Uuid;

use crate::http::State;

/// Fresh hashes tried before giving up: a collision means a broken source of randomness.
pub const HASH_TRIES: usize = 3;
/// Hashes made until one suits the store: with a server in fifty within reach, one in 10^8 searches
/// finds none.
const SUITABLE_TRIES: usize = 1_000;

/// A random id for a registration that the store can carry out now.
pub fn fresh_id(state: &State) -> Uuid {
    let store = state.pairs.store();
    let suits = |id: &Uuid| store.suits_id(&RegistrationId::new(*id).digest());
    let mut ids = iter::repeat_with(Uuid::new_v4).take(SUITABLE_TRIES);
    ids.find(suits).unwrap_or_else(Uuid::new_v4)
}

/// A random hash that suits the store.
pub fn fresh_hash(store: &dyn Store, id: Option<RegistrationId>) -> PairHash {
    let id = id.map(|id| id.digest());
    let hashes = || PairHash::generate(&mut rand::rng());
    let suits = |hash: &PairHash| store.suits(ChatKey::of(hash), id.as_ref());
    let suitable = iter::repeat_with(hashes).take(SUITABLE_TRIES).find(suits);
    // With any other the store says what is the matter.
    suitable.unwrap_or_else(hashes)
}
