//! What the browser alone keeps for a page: who ended a chat, told once, and codes, until their owner
//! says that they are saved or they are over.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, time::Duration},
};
use actors::domain::{PairHash, Seat};
use url::form_urlencoded;
use views::register::EndedBy;

use crate::http::{
    State,
    session::{cleared, cookie, scoped},
};

const CODE_COOKIE: &str = "duet_code";
const DEVICE_COOKIE: &str = "duet_device";
const ENDED_COOKIE: &str = "duet_ended";
/// Long enough for a slow redirect, and no longer.
const LIFE: Duration = Duration::minutes(5);
/// A device code lives no longer.
const DEVICE_LIFE: Duration = Duration::minutes(10);

/// The return code, for the pages of its seat, as long as the seat's own cookie. It opens nothing
/// that this cookie's neighbour, the token, does not.
pub fn code(state: &State, hash: &PairHash, seat: Seat, code: &str) -> Cookie<'static> {
    scoped(state, CODE_COOKIE, code.to_owned(), seat_path(hash, seat))
}

/// The return code, while it is not saved.
pub fn kept_code(request: &HttpRequest) -> Option<String> {
    cookie(request, CODE_COOKIE).map(|cookie| cookie.value().to_owned())
}

/// Takes the return code back.
pub fn forget_code(state: &State, hash: &PairHash, seat: Seat, response: &mut HttpResponse) {
    let path = seat_path(hash, seat);
    add(
        response,
        &cleared(scoped(state, CODE_COOKIE, String::new(), path)),
    );
}

/// A device code and when it dies, for its page.
pub fn device(
    state: &State,
    hash: &PairHash,
    seat: Seat,
    code: &str,
    expires_at_ms: i64,
) -> Cookie<'static> {
    let mut cookie = scoped(
        state,
        DEVICE_COOKIE,
        format!("{code}.{expires_at_ms}"),
        seat_path(hash, seat),
    );
    cookie.set_max_age(DEVICE_LIFE);
    cookie
}

/// The device code that this browser asked for last, and when it dies.
pub fn kept_device(request: &HttpRequest) -> Option<(String, i64)> {
    let kept = cookie(request, DEVICE_COOKIE)?;
    let (code, expires_at_ms) = kept.value().rsplit_once('.')?;
    Some((code.to_owned(), expires_at_ms.parse().ok()?))
}

/// Takes all codes of a seat back.
pub fn forget_codes(state: &State, hash: &PairHash, seat: Seat, response: &mut HttpResponse) {
    forget_code(state, hash, seat, response);
    let path = seat_path(hash, seat);
    add(
        response,
        &cleared(scoped(state, DEVICE_COOKIE, String::new(), path)),
    );
}

fn seat_path(hash: &PairHash, seat: Seat) -> String {
    views::address::chat(hash.as_str(), seat.number())
}

/// That one ended the chat oneself, for the register page.
pub fn ended_by_you(state: &State) -> Cookie<'static> {
    short(scoped(
        state,
        ENDED_COOKIE,
        "you".into(),
        views::address::REGISTER.into(),
    ))
}

/// Who ended the chat, if this browser knows.
pub fn take_ended(request: &HttpRequest) -> EndedBy {
    match cookie(request, ENDED_COOKIE) {
        Some(cookie) if cookie.value() == "you" => EndedBy::You,
        _ => EndedBy::Unknown,
    }
}

/// Takes that back.
pub fn forget_ended(state: &State, response: &mut HttpResponse) {
    let path = views::address::REGISTER.into();
    add(
        response,
        &cleared(scoped(state, ENDED_COOKIE, String::new(), path)),
    );
}

/// Adds a cookie to a response.
pub fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    // A cookie of ours is always a valid header: it holds tokens, codes and encoded names.
    let _ = response.add_cookie(cookie);
}

/// Any text as a cookie's value.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The text of such a value.
pub fn decode(value: &str) -> String {
    let mut pairs = form_urlencoded::parse(value.as_bytes());
    pairs
        .next()
        .map(|(text, _)| text.into_owned())
        .unwrap_or_default()
}

fn short(mut cookie: Cookie<'static>) -> Cookie<'static> {
    cookie.set_max_age(LIFE);
    cookie
}
