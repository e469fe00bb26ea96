//! Colours and language, kept by the browser.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use views::{address, page::Theme};

use super::{done, flash};
use crate::http::{State, body::FormOrJson, envelope::Problem, session::scoped};

/// The cookie of the language.
pub const LANGUAGE_COOKIE: &str = "duet_language";
/// The cookie of the colours.
pub const THEME_COOKIE: &str = "duet_theme";

/// What was chosen, and where to go back to.
#[derive(Debug, Default, Deserialize)]
pub struct Preferences {
    theme: Option<String>,
    language: Option<String>,
    back: Option<String>,
}

#[derive(Serialize)]
struct PreferencesReply {}

/// Keeps a choice.
pub async fn set(
    state: web::Data<State>,
    request: HttpRequest,
    form: FormOrJson<Preferences>,
) -> Result<HttpResponse, Problem> {
    // Only back to a page of ours.
    let ours = |back: &String| back.starts_with(&format!("{}/", address::BASE));
    let back = form
        .body
        .back
        .filter(ours)
        .unwrap_or_else(|| address::REGISTER.into());
    let mut response = done(&request, PreferencesReply {}, &back);
    let keep = |name, value| scoped(&state, name, value, address::BASE.into());
    if let Some(theme) = form.body.theme {
        let word = Theme::parse(&theme).word().to_owned();
        flash::add(&mut response, &keep(THEME_COOKIE, word));
    }
    if let Some(language) = form.body.language {
        let tag = views::text::choose(Some(&language), None).tag.to_owned();
        flash::add(&mut response, &keep(LANGUAGE_COOKIE, tag));
    }
    Ok(response)
}
