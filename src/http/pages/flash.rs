//! Cookies that carry something to the next page: who ended a chat, shown once, and codes, kept until their
//! owner has saved them or they lapse.

use actix_web::{HttpRequest, HttpResponse, cookie::time::Duration};
use url::form_urlencoded;

use crate::http::{
    State,
    session::{Cookies, cookie},
};

/// The return code, for the pages of its seat, kept as long as the seat's cookie. It grants nothing more than
/// the token in that cookie.
pub const CODE_COOKIE: &str = "duet_code";
/// A device code and when it lapses, for its page.
pub const DEVICE_COOKIE: &str = "duet_device";
/// As long as a device code is valid. The cookie's life alone says whether to show it: the store counts by a clock of its
/// own.
pub const DEVICE_LIFE: Duration = Duration::minutes(10);
const ENDED_COOKIE: &str = "duet_ended";
/// Long enough for a slow redirect, and no longer.
const ENDED_LIFE: Duration = Duration::minutes(5);

/// The return code that is not saved yet.
pub fn kept_code(request: &HttpRequest) -> Option<String> {
    cookie(request, CODE_COOKIE)
}

/// The device code that this browser asked for last, and when it lapses.
pub fn kept_device(request: &HttpRequest) -> Option<(String, i64)> {
    let kept = cookie(request, DEVICE_COOKIE)?;
    let (code, expires_at_ms) = kept.rsplit_once('.')?;
    Some((code.to_owned(), expires_at_ms.parse().ok()?))
}

/// Remembers for the register page that this browser ended the chat.
pub fn remember_end(state: &State, response: &mut HttpResponse) {
    let cookies = Cookies::at(state, views::address::REGISTER);
    cookies.set_for(ENDED_LIFE, response, ENDED_COOKIE, "you".into());
}

/// Whether this browser ended the chat.
pub fn was_ended_by_you(request: &HttpRequest) -> bool {
    cookie(request, ENDED_COOKIE).is_some_and(|by| by == "you")
}

pub fn forget_end(state: &State, response: &mut HttpResponse) {
    Cookies::at(state, views::address::REGISTER).remove(response, ENDED_COOKIE);
}

/// Encodes any text as a cookie's value.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub fn decode(value: &str) -> String {
    let first = form_urlencoded::parse(value.as_bytes()).next();
    first.map_or_else(String::new, |(text, _)| text.into_owned())
}
