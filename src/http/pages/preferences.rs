//! Theme and language, kept in cookies.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use url::{Position, Url};
use views::{address, page::Theme};

use super::{ADDRESS_BYTES_MAX, done};
use crate::http::{
    Problem, Result, State, body::FormOrJson, envelope::EmptyReply, session::Cookies,
};

pub const LANGUAGE_COOKIE: &str = "duet_language";
pub const THEME_COOKIE: &str = "duet_theme";

/// What was chosen, and where to go back to.
#[derive(Debug, Default, Deserialize)]
pub struct Preferences {
    theme: Option<String>,
    language: Option<String>,
    back: Option<String>,
}

pub async fn set(
    state: web::Data<State>,
    request: HttpRequest,
    form: FormOrJson<Preferences>,
) -> Result<HttpResponse> {
    let back = match form.body.back {
        Some(back) => page_of_ours(&back)?,
        None => address::REGISTER.into(),
    };
    let mut response = done(&request, EmptyReply {}, &back);
    let cookies = Cookies::at(&state, address::BASE);
    if let Some(theme) = form.body.theme {
        let word = Theme::parse(&theme).word().to_owned();
        cookies.set(&mut response, THEME_COOKIE, word);
    }
    if let Some(language) = form.body.language {
        let tag = views::text::choose(Some(&language), None).tag.to_owned();
        cookies.set(&mut response, LANGUAGE_COOKIE, tag);
    }
    Ok(response)
}

/// The address to return to, percent-encoded for a header. Anything but a page of ours becomes the register
/// page, so this is no open redirect.
fn page_of_ours(back: &str) -> Result<String> {
    if back.contains(char::is_control) {
        let message = "The field \"back\" is the path of a page.";
        return Err(Problem::invalid("back", message));
    }
    let base = Url::parse("http://localhost").expect("it is a URL");
    let ours = base.join(back).ok().filter(|url| {
        let below = url.path().strip_prefix(address::BASE);
        url.as_str().len() <= ADDRESS_BYTES_MAX
            && url.origin() == base.origin()
            && below.is_some_and(|page| page.starts_with('/'))
    });
    Ok(ours.map_or_else(
        || address::REGISTER.into(),
        |url| url[Position::BeforePath..Position::AfterQuery].to_owned(),
    ))
}
