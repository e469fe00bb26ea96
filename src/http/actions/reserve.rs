use std::time::Duration;

use actors::{
    Refusal,
    domain::{ChatKey, PairHash},
};

use super::fresh_hash::{HASH_TRIES, fresh_hash};
use crate::http::State;

/// How long a reserved hash is kept.
pub const RESERVED_FOR: Duration = Duration::from_secs(600);

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
