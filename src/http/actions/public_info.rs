use actors::{
    GetPublicInfo, PublicInfo, Refusal,
    domain::{ChatKey, PairHash},
};

use crate::http::State;

/// What anybody with the link may know of its chat.
pub async fn public_info(state: &State, hash: &PairHash) -> Result<PublicInfo, Refusal> {
    state.pairs.ask(ChatKey::of(hash), GetPublicInfo).await
}
