//! Who is asking: a bearer token on the API door, a seat's cookie on the pages door.

use actix_web::{
    FromRequest, HttpRequest,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
    dev::Payload,
    http::header::AUTHORIZATION,
    web,
};
use actors::{
    Look, Opened, PairRegistry, Refusal, ReplacedBy, SeatOf,
    domain::{ChatKey, PairHash, Seat, SecretDigest, Token},
    ports::Lookup,
};
use futures_util::future::{Ready, ready};

use super::{State, problem::Problem};

/// The cookie that proves a seat; its path is the seat's address.
const SEAT_COOKIE: &str = "duet";

/// Somebody with a session, as far as a token can tell; the pair has the last word.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The link's hash, from the address.
    pub hash: PairHash,
    /// Its key.
    pub key: ChatKey,
    /// What the session is proved with.
    pub by: SecretDigest,
}

impl Caller {
    /// How things stand for the caller, if the session lives.
    ///
    /// # Errors
    /// [`Problem`] 401 or 410.
    pub async fn look(&self, state: &State) -> Result<Opened, Problem> {
        let look = Look { by: self.by };
        state.pairs.ask(self.key, look).await.map_err(of_session)
    }
}

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
        caller(&state.pairs, self.token()?, hash).await
    }
}

/// Matches a token with the chat of an address.
async fn caller(pairs: &PairRegistry, token: Token, hash: &str) -> Result<Caller, Problem> {
    let hash = PairHash::parse(hash).ok();
    let key = hash.as_ref().map(ChatKey::of);
    if let (Some(hash), Some(key)) = (hash, key)
        && key == token.key()
    {
        return Ok(Caller {
            hash,
            key,
            by: token.digest(),
        });
    }
    // Another chat's token: first whether it is a good one at all, then what the address names.
    pairs
        .ask(token.key(), Look { by: token.digest() })
        .await
        .map_err(of_session)?;
    let status = match key {
        Some(key) => pairs.store().status(key).await?,
        None => Lookup::Missing,
    };
    Err(match status {
        Lookup::Ended => Refusal::Gone.into(),
        Lookup::Missing => Refusal::NotFound.into(),
        Lookup::Live(()) => Refusal::OtherChat.into(),
    })
}

/// A chat that does not exist has no sessions, so its token is none.
pub fn of_session(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::NotFound => Refusal::NoSession.into(),
        other => other.into(),
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
    let asked = ReplacedBy {
        token: token.digest(),
    };
    match state.pairs.ask(token.key(), asked).await {
        Ok(Some(replaced)) => Problem::Refused(Refusal::Replaced(Box::new(replaced))),
        Ok(None) | Err(_) => problem,
    }
}

/// The caller of a seat's page, by its cookie. A chat that is over took its cookies back, so that
/// its seats are gone rather than closed.
///
/// # Errors
/// [`Problem`] 401 without one, 410 when the chat is over, 404 where the address names no seat.
pub async fn seat_holder(
    state: &State,
    request: &HttpRequest,
    hash: &str,
    seat: u8,
) -> Result<Caller, Problem> {
    let Ok(hash) = PairHash::parse(hash) else {
        return Err(Refusal::NotFound.into());
    };
    if Seat::try_from(i64::from(seat)).is_err() {
        return Err(Problem::NoSuchPage);
    }
    let key = ChatKey::of(&hash);
    // A cookie that is made up costs a look into the store as well.
    state.limits.request(request)?;
    if let Some(token) = seat_token(request).filter(|token| token.key() == key) {
        let by = token.digest();
        let proved = state
            .pairs
            .ask(key, SeatOf { by })
            .await
            .map_err(of_session)?;
        return match proved.number() == seat {
            true => Ok(Caller { hash, key, by }),
            false => Err(Refusal::NoSession.into()),
        };
    }
    match state.pairs.store().status(key).await? {
        Lookup::Ended => Err(Refusal::Gone.into()),
        Lookup::Live(()) | Lookup::Missing => Err(Refusal::NoSession.into()),
    }
}

fn seat_token(request: &HttpRequest) -> Option<Token> {
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
