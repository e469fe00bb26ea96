use actors::{
    Look, Opened, Refusal, ReplacedBy, SeatOf, WasReplaced,
    domain::{ChatKey, PairHash, Seat, SecretDigest, Token},
    ports::Lookup,
};

use super::of_session;
use crate::http::State;

/// Somebody with a session, as far as a token can tell; the pair has the last word.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The link's hash, from the address.
    pub hash: PairHash,
    /// The key of its chat.
    pub key: ChatKey,
    /// The digest of the token that proves the session.
    pub by: SecretDigest,
}

impl Caller {
    /// Whoever has this token, at an address that names a chat. Refused in the contract's order: no
    /// session, gone, not found, another chat.
    pub async fn by_token(state: &State, token: Token, hash: &str) -> Result<Self, Refusal> {
        let hash = PairHash::parse(hash).ok();
        let key = hash.as_ref().map(ChatKey::of);
        if let (Some(hash), Some(key)) = (hash, key)
            && key == token.key()
        {
            let by = token.digest();
            return Ok(Self { hash, key, by });
        }
        // Another chat's token: first whether it is a good one at all, then what the address names.
        let look = Look { by: token.digest() };
        let looked = state.pairs.ask(token.key(), look).await;
        looked.map_err(of_session)?;
        let status = match key {
            Some(key) => state.pairs.store().status(key).await?,
            None => Lookup::Missing,
        };
        Err(match status {
            Lookup::Ended => Refusal::Gone,
            Lookup::Missing => Refusal::NotFound,
            Lookup::Live(()) => Refusal::OtherChat,
        })
    }

    /// The holder of a seat, by the token in its cookie. Without one, a chat that is over says so: it
    /// took its cookies back.
    pub async fn at_seat(
        state: &State,
        hash: PairHash,
        seat: Seat,
        token: Option<Token>,
    ) -> Result<Self, Refusal> {
        let key = ChatKey::of(&hash);
        if let Some(token) = token.filter(|token| token.key() == key) {
            let by = token.digest();
            let proved = state.pairs.ask(key, SeatOf { by }).await;
            return match proved.map_err(of_session)? == seat {
                true => Ok(Self { hash, key, by }),
                false => Err(Refusal::NoSession),
            };
        }
        match state.pairs.store().status(key).await? {
            Lookup::Ended => Err(Refusal::Gone),
            Lookup::Live(()) | Lookup::Missing => Err(Refusal::NoSession),
        }
    }

    /// How the chat stands for the caller, if the session lives.
    pub async fn look(&self, state: &State) -> Result<Opened, Refusal> {
        let look = Look { by: self.by };
        state.pairs.ask(self.key, look).await.map_err(of_session)
    }

    /// When and by whom the holder of a token was replaced at their seat, if they were.
    pub async fn replaced(state: &State, token: &Token) -> Result<Option<WasReplaced>, Refusal> {
        let asked = ReplacedBy {
            token: token.digest(),
        };
        state.pairs.ask(token.key(), asked).await
    }
}
