//! Cookies that carry something to the next page: who ended a chat, shown once, and codes, kept until their
//! owner has saved them or they lapse.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, time::Duration},
};
use actors::domain::{PairHash, Seat};
use url::form_urlencoded;

use crate::http::{
    State,
    session::{cookie, removed, scoped, seat_path},
};

const CODE_COOKIE: &str = "duet_code";
const DEVICE_COOKIE: &str = "duet_device";
const ENDED_COOKIE: &str = "duet_ended";
/// Long enough for a slow redirect, and no longer.
const LIFE: Duration = Duration::minutes(5);
/// A device code lives no longer.
const DEVICE_LIFE: Duration = Duration::minutes(10);

/// The return code, for the pages of its seat, kept as long as the seat's cookie. It grants nothing more than
/// the token in that cookie.
pub fn code(state: &State, hash: &PairHash, seat: Seat, code: &str) -> Cookie<'static> {
    scoped(state, CODE_COOKIE, code.to_owned(), seat_path(hash, seat))
}

/// The return code that is not saved yet.
pub fn kept_code(request: &HttpRequest) -> Option<String> {
    cookie(request, CODE_COOKIE).map(|cookie| cookie.value().to_owned())
}

/// Removes the return code.
pub fn forget_code(state: &State, hash: &PairHash, seat: Seat, response: &mut HttpResponse) {
    let code = removed(state, CODE_COOKIE, seat_path(hash, seat));
    add(response, &code);
}

/// A device code and when it lapses, for its page.
pub fn device(
    state: &State,
    hash: &PairHash,
    seat: Seat,
    code: &str,
    expires_at_ms: i64,
) -> Cookie<'static> {
    let value = format!("{code}.{expires_at_ms}");
    let mut cookie = scoped(state, DEVICE_COOKIE, value, seat_path(hash, seat));
    cookie.set_max_age(DEVICE_LIFE);
    cookie
}

/// The device code that this browser asked for last, and when it lapses.
pub fn kept_device(request: &HttpRequest) -> Option<(String, i64)> {
    let kept = cookie(request, DEVICE_COOKIE)?;
    let (code, expires_at_ms) = kept.value().rsplit_once('.')?;
    Some((code.to_owned(), expires_at_ms.parse().ok()?))
}

/// Removes all codes of a seat.
pub fn forget_codes(state: &State, hash: &PairHash, seat: Seat, response: &mut HttpResponse) {
    forget_code(state, hash, seat, response);
    let device = removed(state, DEVICE_COOKIE, seat_path(hash, seat));
    add(response, &device);
}

/// Remembers for the register page that this browser ended the chat.
pub fn ended_by_you(state: &State) -> Cookie<'static> {
    let path = views::address::REGISTER.into();
    let mut cookie = scoped(state, ENDED_COOKIE, "you".into(), path);
    cookie.set_max_age(LIFE);
    cookie
}

/// Whether this browser ended the chat.
pub fn was_ended_by_you(request: &HttpRequest) -> bool {
    cookie(request, ENDED_COOKIE).is_some_and(|cookie| cookie.value() == "you")
}

/// Removes that cookie.
pub fn forget_ended(state: &State, response: &mut HttpResponse) {
    let path = views::address::REGISTER.into();
    add(response, &removed(state, ENDED_COOKIE, path));
}

/// Adds a cookie to a response.
pub fn add(response: &mut HttpResponse, cookie: &Cookie<'_>) {
    // Our cookies hold tokens, codes and encoded names, so they are always valid headers.
    let _ = response.add_cookie(cookie);
}

/// Encodes any text as a cookie's value.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Decodes such a value.
pub fn decode(value: &str) -> String {
    let first = form_urlencoded::parse(value.as_bytes()).next();
    first.map_or_else(String::new, |(text, _)| text.into_owned())
}
