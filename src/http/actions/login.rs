use actors::{LoggedIn, Login, Refusal, domain::ChatKey};

use super::{name_seat_two, public_info};
use crate::http::State;

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
