//! Who sent a request: a bearer token for the API, a seat's cookie for the pages.

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
    dev::Payload,
    http::header::{AUTHORIZATION, COOKIE},
    web,
};
use actors::{
    Refusal,
    domain::{PairHash, Seat, Token},
};
use futures_util::future::{Ready, ready};

use super::{Problem, Result, State, actions::TokenHolder, header};

/// The cookie that proves a seat; its path is the seat's address.
pub const SEAT_COOKIE: &str = "duet";

/// The bearer token of a request, if it has one.
pub struct Bearer {
    token: Option<Token>,
    /// An invalid token costs a query of the store, so requests with tokens are counted per address.
    limited: Result<()>,
}

impl FromRequest for Bearer {
    type Error = Problem;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

fn bearer_token(request: &HttpRequest) -> Option<Token> {
    let (scheme, token) = header(request, AUTHORIZATION)?.split_once(' ')?;
    let token = scheme.eq_ignore_ascii_case("bearer").then_some(token)?;
    Token::parse(token.trim())
}

impl Bearer {
    /// The token of a request. Counts the request.
    pub fn of(request: &HttpRequest) -> Self {
        let limited = match request.app_data::<web::Data<State>>() {
            Some(state) => state.limits.count_request(request),
            None => Ok(()),
        };
        Self {
            token: bearer_token(request),
            limited,
        }
    }

    /// The token.
    ///
    /// # Errors
    /// [`Problem`] 401 without a token, 429 when its address has sent too many.
    pub fn token(self) -> Result<Token> {
        let token = self.token.ok_or(Refusal::NoSession)?;
        self.limited?;
        Ok(token)
    }
}

/// Turns a 401 into `replaced` where the session ended because somebody else was let in at its seat. Where the
/// store cannot be asked, the problem stays as it is.
pub async fn explain_replaced(request: &HttpRequest, problem: Problem) -> Problem {
    let Problem::Refused(Refusal::NoSession) = problem else {
        return problem;
    };
    let token = match request.path().starts_with("/chat-server/") {
        true => bearer_token(request),
        false => seat_token(request),
    };
    let state = request.app_data::<web::Data<State>>();
    let (Some(token), Some(state)) = (token, state) else {
        return problem;
    };
    match TokenHolder::replacement(state, &token).await {
        Ok(Some(replaced)) => Problem::Refused(Refusal::Replaced(Box::new(replaced))),
        Ok(None) | Err(_) => problem,
    }
}

/// The token in the seat's cookie.
pub fn seat_token(request: &HttpRequest) -> Option<Token> {
    Token::parse(&cookie(request, SEAT_COOKIE)?)
}

/// The prefix of cookie names under https. Browsers accept such a cookie over https only, so nobody on the
/// network can plant one. `__Host-` would require `Path=/`, and a seat's cookie needs its own path.
const SECURE_PREFIX: &str = "__Secure-";

fn cookie_name(state: &State, name: &str) -> String {
    match state.origin.is_https() {
        true => format!("{SECURE_PREFIX}{name}"),
        false => name.to_owned(),
    }
}

/// The value of a cookie of ours that came with a request. `HttpRequest::cookie` finds none at all beside one that is
/// not UTF-8, and other sites of our domain may set such a cookie.
pub fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    let state = request.app_data::<web::Data<State>>()?;
    let name = cookie_name(state, name);
    let headers = request.headers().get_all(COOKIE);
    let mut cookies = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    cookies.find_map(|cookie| {
        let cookie = str::from_utf8(cookie).ok()?.trim();
        let cookie = Cookie::parse_encoded(cookie).ok()?;
        (cookie.name() == name).then(|| cookie.value().to_owned())
    })
}

/// The cookies of one path and what is below it.
pub struct Cookies<'a> {
    state: &'a State,
    path: String,
}

impl<'a> Cookies<'a> {
    pub fn at(state: &'a State, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { state, path }
    }

    pub fn of_seat(state: &'a State, hash: &PairHash, seat: Seat) -> Self {
        Self::at(state, views::address::chat(hash.as_str(), seat.number()))
    }

    /// Sets a cookie that is kept as long as a chat can live.
    pub fn set(&self, response: &mut HttpResponse, name: &str, value: String) {
        self.set_for(CookieAge::days(30), response, name, value);
    }

    /// Sets a cookie that is kept for so long.
    pub fn set_for(&self, age: CookieAge, response: &mut HttpResponse, name: &str, value: String) {
        let mut cookie = self.cookie(name, value);
        cookie.set_max_age(age);
        add(response, &cookie);
    }

    pub fn remove(&self, response: &mut HttpResponse, name: &str) {
        let mut cookie = self.cookie(name, String::new());
        cookie.make_removal();
        add(response, &cookie);
    }

    fn cookie(&self, name: &str, value: String) -> Cookie<'_> {
        Cookie::build(cookie_name(self.state, name), value)
            .path(&self.path)
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.state.origin.is_https())
            .finish()
    }
}

fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    // Our cookies hold tokens, codes and encoded names, so they are always valid headers.
    let _ = response.add_cookie(cookie);
}
