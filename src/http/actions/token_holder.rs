use actix::Handler;
use actix_web::web;
use actors::{
    Dispatch, GetReplacement, GetSnapshot, Pair, ProveSeat, Refusal, Replacement, Request,
    domain::{ChatKey, PairHash, Seat, SecretDigest, Token},
    ports::Denied,
};

use super::of_session;
use crate::http::State;

/// Somebody with a token for a chat. The pair checks with each request whether its session lives.
#[derive(Clone)]
pub struct TokenHolder {
    pub state: web::Data<State>,
    /// The link's hash, from the address.
    pub hash: PairHash,
    /// The key of its chat.
    pub key: ChatKey,
    /// The digest of the token that proves the session.
    pub by: SecretDigest,
}

impl TokenHolder {
    /// The bearer of a token, at an address that names a chat. Refused in the contract's order: no session,
    /// gone, not found, other chat.
    pub async fn by_token(
        state: web::Data<State>,
        token: Token,
        hash: &str,
    ) -> Result<Self, Refusal> {
        let hash = PairHash::parse(hash).ok();
        let key = hash.as_ref().map(ChatKey::of);
        if let (Some(hash), Some(key)) = (hash, key)
            && key == token.key()
        {
            let by = token.digest();
            return Ok(Self {
                state,
                hash,
                key,
                by,
            });
        }
        // Another chat's token: first whether it is valid at all, then what the address names.
        let probe = GetSnapshot { by: token.digest() };
        let found = state.pairs.ask(token.key(), probe).await;
        found.map_err(of_session)?;
        let status = match key {
            Some(key) => state.pairs.status(key).await?,
            None => Err(Denied::Missing),
        };
        status?;
        Err(Refusal::OtherChat)
    }

    /// The holder of a seat, by the token in its cookie. Without a cookie a chat that is over is still reported
    /// as gone, because its cookies were removed when it ended.
    pub async fn at_seat(
        state: web::Data<State>,
        hash: PairHash,
        seat: Seat,
        token: Option<Token>,
    ) -> Result<Self, Refusal> {
        let key = ChatKey::of(&hash);
        if let Some(token) = token.filter(|token| token.key() == key) {
            let by = token.digest();
            let proved = state.pairs.ask(key, ProveSeat { by, seat }).await;
            proved.map_err(of_session)?;
            return Ok(Self {
                state,
                hash,
                key,
                by,
            });
        }
        match state.pairs.status(key).await? {
            Err(Denied::Ended) => Err(Refusal::Gone),
            _ => Err(Refusal::NoSession),
        }
    }

    /// Sends a request to the caller's pair.
    pub(super) async fn ask<M>(&self, request: M) -> Result<M::Reply, Refusal>
    where
        M: Request,
        Pair: Handler<Dispatch<M>>,
    {
        let asked = self.state.pairs.ask(self.key, request);
        asked.await.map_err(of_session)
    }

    /// Whether a token stopped working because somebody else was let in at its seat.
    pub async fn replacement(state: &State, token: &Token) -> Result<Option<Replacement>, Refusal> {
        let request = GetReplacement {
            token: token.digest(),
        };
        state.pairs.ask(token.key(), request).await
    }
}
