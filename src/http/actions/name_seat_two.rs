use actors::{
    NameSeatTwo, Refusal,
    domain::{ChatKey, PairHash, SecretDigest, UserName},
};

use crate::http::State;

/// Names the second person, once. `auth` is the digest of the link's proof, required in an encrypted chat.
pub async fn name_seat_two(
    state: &State,
    hash: &PairHash,
    name: UserName,
    auth: Option<SecretDigest>,
) -> Result<(), Refusal> {
    let naming = NameSeatTwo { name, auth };
    state.pairs.ask(ChatKey::of(hash), naming).await
}
