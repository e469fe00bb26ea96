//! A request about the chat in its address, by bearer token.

use std::future::{Ready, ready};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, web};

use crate::http::{State, actions::TokenHolder, problem::Problem, session::Bearer};

/// A request to `/chat-server/user/{hash}/…`. The caller is looked up only when the handler asks, because errors in
/// the body are reported first.
pub struct ChatRequest {
    state: web::Data<State>,
    hash: String,
    bearer: Bearer,
}

impl FromRequest for ChatRequest {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let hash = web::Path::<String>::from_request(request, payload).into_inner();
        let state = web::Data::<State>::from_request(request, payload).into_inner();
        ready(hash.and_then(|hash| {
            Ok(Self {
                state: state?,
                hash: hash.into_inner(),
                bearer: Bearer::of(request),
            })
        }))
    }
}

impl ChatRequest {
    /// Who sent the request.
    ///
    /// # Errors
    /// [`Problem`] in the documented order: 401, 410, 404, 403.
    pub async fn caller(self) -> Result<TokenHolder, Problem> {
        let token = self.bearer.token()?;
        Ok(TokenHolder::by_token(self.state, token, &self.hash).await?)
    }
}
