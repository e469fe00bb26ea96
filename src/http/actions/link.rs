//! What anybody with the link can do: see whose chat it is, log in, ask to be let in.

use actors::{
    AskStatus, AskToEnter, GetAskStatus, GetPublicInfo, LoggedIn, Login, NameSeatTwo, PublicInfo,
    Refusal,
    domain::{AskNumber, ChatKey, PairHash, SecretDigest, Token, UserName},
};

use crate::http::State;

/// What anybody with the link may know of its chat.
pub async fn public_info(state: &State, hash: &PairHash) -> Result<PublicInfo, Refusal> {
    state.pairs.ask(ChatKey::of(hash), GetPublicInfo).await
}

/// Takes a seat, or returns to it.
pub async fn login(state: &State, login: Login) -> Result<LoggedIn, Refusal> {
    state.pairs.ask(ChatKey::of(&login.hash), login).await
}

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

/// Asks the other person to be let in at a seat. Returns the asker's secret and the number to compare.
pub async fn ask(
    state: &State,
    hash: &PairHash,
    ask: AskToEnter,
) -> Result<(Token, AskNumber), Refusal> {
    state.pairs.ask(ChatKey::of(hash), ask).await
}

/// The state of a chat's ask, and the name of its seat.
pub async fn ask_status(state: &State, key: ChatKey, secret: &Token) -> Result<AskStatus, Refusal> {
    let secret = secret.digest();
    state.pairs.ask(key, GetAskStatus { secret }).await
}
