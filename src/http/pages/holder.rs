//! Who holds the seat of an address, by the cookie.

use std::future::{Ready, ready};

use actix_web::{
    Error, FromRequest, HttpRequest, HttpResponse, dev::Payload, http::StatusCode, web,
};
use actors::{
    Opened, Refusal,
    domain::{PairHash, Seat},
};
use maud::Markup;
use serde::Serialize;
use views::{address, page::Frame};

use super::{done, frame, html};
use crate::http::{State, actions::Caller, problem::Problem, session::seat_token};

/// A request to an address of a seat. Who sent it is looked up when the handler asks, because what is
/// wrong with a body is told first.
pub struct AtSeat {
    /// What every handler may use.
    pub state: web::Data<State>,
    /// The request itself.
    pub request: HttpRequest,
    hash: String,
    seat: u8,
}

impl FromRequest for AtSeat {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<(String, u8)>::from_request(request, payload).into_inner();
        let state = web::Data::<State>::from_request(request, payload).into_inner();
        let at_seat = path.and_then(|path| {
            let (hash, seat) = path.into_inner();
            Ok(Self {
                state: state?,
                request: request.clone(),
                hash,
                seat,
            })
        });
        ready(at_seat)
    }
}

impl AtSeat {
    /// Lets a page be at one of the seats alone.
    ///
    /// # Errors
    /// [`Problem`] 404 at another.
    pub fn only(&self, seat: Seat) -> Result<(), Problem> {
        match self.seat == seat.number() {
            true => Ok(()),
            false => Err(Problem::NoSuchPage),
        }
    }

    /// The holder of the seat.
    ///
    /// # Errors
    /// [`Problem`] 401 without the seat's session, 410 when the chat is over, 404 where the address
    /// names no seat.
    pub async fn holder(&self) -> Result<Holder, Problem> {
        let hash = PairHash::parse(&self.hash).map_err(|_| Refusal::NotFound)?;
        let seat = Seat::try_from(i64::from(self.seat)).map_err(|_| Problem::NoSuchPage)?;
        // A cookie that is made up costs a look into the store as well.
        self.state.limits.request(&self.request)?;
        let token = seat_token(&self.request);
        let caller = Caller::at_seat(&self.state, hash, seat, token).await?;
        Ok(Holder {
            state: self.state.clone(),
            request: self.request.clone(),
            caller,
            seat,
        })
    }
}

/// Somebody at their own seat.
pub struct Holder {
    /// What every handler may use.
    pub state: web::Data<State>,
    /// The request itself.
    pub request: HttpRequest,
    /// Whose session it is.
    pub caller: Caller,
    /// Where they sit.
    pub seat: Seat,
}

impl Holder {
    /// How the chat stands for them, if the session lives.
    ///
    /// # Errors
    /// [`Problem`] 401 or 410.
    pub async fn look(&self) -> Result<Opened, Problem> {
        Ok(self.caller.look(&self.state).await?)
    }

    /// The link's hash, for an address or a page.
    pub fn hash(&self) -> String {
        self.caller.hash.as_str().to_owned()
    }

    /// The link to share.
    pub fn link(&self) -> String {
        self.state.link(&self.request, &self.caller.hash)
    }

    /// The address of the conversation.
    pub fn home(&self) -> String {
        address::chat(self.caller.hash.as_str(), self.seat.number())
    }

    /// The address of a page of the seat.
    pub fn address(&self, page: &str) -> String {
        address::seat(self.caller.hash.as_str(), self.seat.number(), page)
    }

    /// What a page must know of the request.
    pub fn frame(&self) -> Frame {
        frame(&self.request)
    }

    /// A page.
    pub fn show(&self, page: impl FnOnce(&Frame) -> Markup) -> HttpResponse {
        html(StatusCode::OK, page(&self.frame()))
    }

    /// An action was carried out: the envelope for a script, the next page for a browser.
    pub fn done(&self, reply: impl Serialize, next: &str) -> HttpResponse {
        done(&self.request, reply, next)
    }
}
