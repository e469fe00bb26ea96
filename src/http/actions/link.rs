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

/// The same, but where the second person has no name yet an unknown name becomes theirs.
pub async fn login_and_name(state: &State, wanted: Login) -> Result<LoggedIn, Refusal> {
    match login(state, wanted.clone()).await {
        Err(Refusal::WrongName) if public_info(state, &wanted.hash).await?.unnamed => {
            let name = wanted.name.clone();
            match name_seat_two(state, &wanted.hash, name, wanted.auth).await {
                Ok(()) => login(state, wanted).await,
                // Somebody else was faster, or it is the first person's name.
                Err(Refusal::NamedBefore | Refusal::Invalid { .. }) => Err(Refusal::WrongName),
                Err(refusal) => Err(refusal),
            }
        }
        logged_in => logged_in,
    }
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

/// The state of an ask, and the name of its seat.
pub async fn ask_status(state: &State, secret: &Token) -> Result<AskStatus, Refusal> {
    let request = GetAskStatus {
        secret: secret.digest(),
    };
    state.pairs.ask(secret.key(), request).await
}
