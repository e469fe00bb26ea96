//! What is told once, on the next page: kept by the browser alone, in a cookie that this page
//! takes back.

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
const ENDED_COOKIE: &str = "duet_ended";
/// Long enough for a slow redirect, and no longer.
const LIFE: Duration = Duration::minutes(5);

/// The return code, for the next page of its seat.
pub fn code(state: &State, hash: &PairHash, seat: Seat, code: &str) -> Cookie<'static> {
    let path = views::address::chat(hash.as_str(), seat.number());
    short(scoped(state, CODE_COOKIE, code.to_owned(), path))
}

/// The return code, if this page is the one to show it.
pub fn take_code(request: &HttpRequest) -> Option<String> {
    cookie(request, CODE_COOKIE).map(|cookie| cookie.value().to_owned())
}

/// Takes the return code back.
pub fn forget_code(state: &State, hash: &PairHash, seat: Seat, response: &mut HttpResponse) {
    let path = views::address::chat(hash.as_str(), seat.number());
    add(
        response,
        &cleared(scoped(state, CODE_COOKIE, String::new(), path)),
    );
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
