//! Where to report a weakness (RFC 9116).

use actix_web::{HttpResponse, web};
use actors::domain::Timestamp;

use super::{Problem, Result, State};

/// How long the file is valid.
const GOOD_FOR_DAYS: i64 = 180;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The file, where the settings name somebody to write to.
///
/// # Errors
/// [`Problem`] 404 without a contact.
pub async fn show(state: web::Data<State>) -> Result<HttpResponse> {
    let contact = state.security_contact.as_ref();
    let contact = contact.ok_or(Problem::NoSuchPage)?;
    let today_ms = state.clock.now().unix_ms() / DAY_MS * DAY_MS;
    let expires = Timestamp::from_unix_ms(today_ms + GOOD_FOR_DAYS * DAY_MS);
    let mut text = format!("Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n");
    if let Some(public) = state.origin.public() {
        text.push_str(&format!("Canonical: {public}/.well-known/security.txt\n"));
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(text))
}
