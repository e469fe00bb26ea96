use actors::{
    NameSeatTwo, Refusal,
    domain::{ChatKey, PairHash, SecretDigest, UserName},
};

use crate::http::State;

/// Names the second person, once. An encrypted chat wants the digest of the proof of its whole link.
pub async fn name_seat_two(
    state: &State,
    hash: &PairHash,
    name: UserName,
    auth: Option<SecretDigest>,
) -> Result<(), Refusal> {
    let naming = NameSeatTwo { name, auth };
    state.pairs.ask(ChatKey::of(hash), naming).await
}
