//! Who is asking: a bearer token on the API door, a seat's cookie on the pages door.

use actix_web::{
    FromRequest, HttpRequest,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
    dev::Payload,
    http::header::AUTHORIZATION,
    web,
};
use actors::{
    Refusal,
    domain::{PairHash, Seat, Token},
};
use futures_util::future::{Ready, ready};

use super::{State, actions::Caller, problem::Problem};

/// The cookie that proves a seat; its path is the seat's address.
const SEAT_COOKIE: &str = "duet";

/// The bearer token of a request, if it has one.
pub struct Bearer {
    token: Option<Token>,
    /// A bad token costs a look into the store, so addresses that try many are slowed down.
    limited: Result<(), Problem>,
}

impl FromRequest for Bearer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = bearer_token(request);
        let limited = match request.app_data::<web::Data<State>>() {
            Some(state) => state.limits.request(request),
            None => Ok(()),
        };
        ready(Ok(Self { token, limited }))
    }
}

fn bearer_token(request: &HttpRequest) -> Option<Token> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Token::parse(token.trim()),
        false => None,
    }
}

impl Bearer {
    /// The token, or a 401.
    ///
    /// # Errors
    /// [`Problem`] 401.
    pub fn token(self) -> Result<Token, Problem> {
        let token = self.token.ok_or(Refusal::NoSession)?;
        self.limited?;
        Ok(token)
    }

    /// The caller of an address that holds a hash.
    ///
    /// # Errors
    /// [`Problem`] in the contract's order: 401, 410, 404, 403.
    pub async fn at(self, state: &State, hash: &str) -> Result<Caller, Problem> {
        Ok(Caller::by_token(state, self.token()?, hash).await?)
    }
}

/// Says more to somebody whose session is over because somebody else was let in at their seat.
/// Where the store cannot tell, the problem stays what it is.
pub async fn explained(request: &HttpRequest, problem: Problem) -> Problem {
    let on_api = request.path().starts_with("/chat-server/");
    let token = match on_api {
        _ if !matches!(
            problem,
            Problem::Refused(Refusal::NoSession | Refusal::UnknownSession)
        ) =>
        {
            None
        }
        true => bearer_token(request),
        false => seat_token(request),
    };
    let state = request.app_data::<web::Data<State>>();
    let (Some(token), Some(state)) = (token, state) else {
        return problem;
    };
    match Caller::replaced(state, &token).await {
        Ok(Some(replaced)) => Problem::Refused(Refusal::Replaced(Box::new(replaced))),
        Ok(None) | Err(_) => problem,
    }
}

/// The token in the cookie of the seat that is addressed.
pub fn seat_token(request: &HttpRequest) -> Option<Token> {
    Token::parse(cookie(request, SEAT_COOKIE)?.value())
}

fn seat_path(hash: &PairHash, seat: Seat) -> String {
    views::address::chat(hash.as_str(), seat.number())
}

/// The cookie that proves a seat from now on.
pub fn seat_cookie(state: &State, hash: &PairHash, seat: Seat, token: &Token) -> Cookie<'static> {
    scoped(state, SEAT_COOKIE, token.reveal(), seat_path(hash, seat))
}

/// Takes a seat's cookie back.
pub fn clear_seat_cookie(state: &State, hash: &PairHash, seat: Seat) -> Cookie<'static> {
    cleared(scoped(
        state,
        SEAT_COOKIE,
        String::new(),
        seat_path(hash, seat),
    ))
}

/// Begins the names of cookies where people use https: a browser takes such a cookie from https
/// alone, so that nobody who is on the way can plant one. `__Host-` would ask for `Path=/`, and a
/// seat's cookie is kept from other seats by its path.
const SECURE_PREFIX: &str = "__Secure-";

fn cookie_name(state: &State, name: &str) -> String {
    match state.origin.is_https() {
        true => format!("{SECURE_PREFIX}{name}"),
        false => name.to_owned(),
    }
}

/// A cookie of ours that came with a request.
pub fn cookie(request: &HttpRequest, name: &str) -> Option<Cookie<'static>> {
    let state = request.app_data::<web::Data<State>>()?;
    request.cookie(&cookie_name(state, name))
}

/// A cookie that lives for a chat's longest life and is sent to one address and below it.
pub fn scoped(state: &State, name: &str, value: String, path: String) -> Cookie<'static> {
    Cookie::build(cookie_name(state, name), value)
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.origin.is_https())
        .max_age(CookieAge::days(30))
        .finish()
}

/// The same cookie, to be forgotten.
pub fn cleared(mut cookie: Cookie<'static>) -> Cookie<'static> {
    cookie.make_removal();
    cookie
}
