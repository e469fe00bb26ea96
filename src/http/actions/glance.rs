use actors::{
    Glance, Glanced, Refusal,
    domain::{ChatKey, PairHash},
};

use crate::http::State;

/// What anybody with the link may know of its chat.
pub async fn glance(state: &State, hash: &PairHash) -> Result<Glanced, Refusal> {
    state.pairs.ask(ChatKey::of(hash), Glance).await
}
