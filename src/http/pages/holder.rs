//! The request's seat, and its holder by the cookie.

use std::future::{Ready, ready};

use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, dev::Payload, web};
use actors::{
    Refusal, Snapshot,
    domain::{PairHash, Seat},
};
use maud::Markup;
use serde::Serialize;
use views::{address, page::Frame};

use super::{done, show_page};
use crate::http::{
    Problem, Result, State,
    actions::TokenHolder,
    session::{Cookies, seat_token},
};

/// A request to a seat's address. Its holder is looked up only when the handler asks, because errors in the
/// body are reported first.
pub struct SeatRequest {
    pub state: web::Data<State>,
    pub request: HttpRequest,
    hash: String,
    /// The seat that the address names.
    pub seat: Seat,
}

impl FromRequest for SeatRequest {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<(String, String)>::from_request(request, payload).into_inner();
        let state = web::Data::<State>::from_request(request, payload).into_inner();
        let at_seat = path.and_then(|path| {
            let (hash, seat) = path.into_inner();
            Ok(Self {
                state: state?,
                request: request.clone(),
                hash,
                seat: Seat::parse(&seat).ok_or(Problem::NoSuchPage)?,
            })
        });
        ready(at_seat)
    }
}

impl SeatRequest {
    /// The holder of the seat.
    ///
    /// # Errors
    /// [`Problem`] 401 without the seat's session, 410 when the chat is over.
    pub async fn holder(&self) -> Result<Holder> {
        // An address that names no chat has no session.
        let hash = PairHash::parse(&self.hash).map_err(|_| Refusal::NoSession)?;
        // A made-up cookie costs a query of the store, so it is counted.
        self.state.limits.count_request(&self.request)?;
        let token = seat_token(&self.request);
        let caller = TokenHolder::at_seat(self.state.clone(), hash, self.seat, token).await?;
        Ok(Holder {
            request: self.request.clone(),
            caller,
            seat: self.seat,
        })
    }
}

/// Somebody at their own seat.
pub struct Holder {
    pub request: HttpRequest,
    pub caller: TokenHolder,
    pub seat: Seat,
}

impl Holder {
    /// The state of the chat for them, if the session is alive.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.caller.snapshot().await?)
    }

    /// The link's hash, for an address or a page.
    pub fn hash(&self) -> String {
        self.caller.hash.as_str().to_owned()
    }

    pub fn link(&self) -> String {
        self.caller.state.link(&self.request, &self.caller.hash)
    }

    /// The address of the conversation.
    pub fn chat_url(&self) -> String {
        address::chat(self.caller.hash.as_str(), self.seat.number())
    }

    /// The address of a page of the seat.
    pub fn address(&self, page: &str) -> String {
        address::seat(self.caller.hash.as_str(), self.seat.number(), page)
    }

    pub fn cookies(&self) -> Cookies<'_> {
        Cookies::of_seat(&self.caller.state, &self.caller.hash, self.seat)
    }

    pub fn show(&self, page: impl FnOnce(&Frame) -> Markup) -> HttpResponse {
        show_page(&self.request, page)
    }

    /// The response to a successful action: JSON for a script, a redirect to `next` for a browser.
    pub fn done(&self, reply: impl Serialize, next: &str) -> HttpResponse {
        done(&self.request, reply, next)
    }
}
