//! Everything that goes wrong: what happened, whether anything was lost, one next step, a reference.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts,
    replaced::{self, Replaced},
};

/// An error page. The words follow from `status`; anything not in the contract reads as a defect.
#[derive(Clone, Debug, Default)]
pub struct Error {
    /// The HTTP status, which decides the words: 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 421, 422, 429, 500, 501, 503.
    pub status: u16,
    /// The chat, when the way back leads to its log-in page.
    pub hash: Option<String>,
    /// The reader's seat as well, when the way back leads into the chat.
    pub seat: Option<u8>,
    /// For 429 and 503: when trying again makes sense.
    pub retry_after_s: Option<u64>,
    /// A 403 because another site sent the form: said differently from a wrong code.
    pub cross_site: bool,
    /// A 403 because the chat is encrypted, and these pages have no key.
    pub encrypted: bool,
    /// The reference to quote in a bug report.
    pub reference: Option<String>,
    /// For a 401 because somebody else was let in at the reader's seat.
    pub replaced: Option<Replaced>,
}

/// How long "try again" says to wait when the server did not.
const WAIT_DEFAULT_S: u64 = 10;

/// Writes the page.
pub fn page(frame: &Frame, page: &Error) -> Markup {
    let words = &frame.text.error;
    let (title, lost) = told(frame, page);
    let wait_s = page.retry_after_s.unwrap_or(WAIT_DEFAULT_S);
    let (next, label) = next_step(frame, page);
    let content = html! {
        // The key of a chat that is over can be deleted.
        article.narrow.failed data-gone[page.status == 410 && page.hash.is_some()] {
            h1 { (title) }
            @if let (Some(replaced), Some(hash)) = (&page.replaced, &page.hash) {
                (replaced::told(frame, replaced))
                (replaced::ask(frame, hash, replaced))
                p { a href=(next) { (label) } }
            } @else {
                p.lead { (parts::wait(frame.text, lost, wait_s)) }
                p { a.button.primary href=(next) { (label) } }
            }
            @if let Some(reference) = &page.reference {
                p.small { (words.reference) ": " code dir="ltr" { (reference) } }
            }
        }
    };
    page::sheet(frame, title, &content)
}

/// What happened, and whether anything was lost.
fn told(frame: &Frame, page: &Error) -> (&'static str, &'static str) {
    let words = &frame.text.error;
    match page.status {
        400 => (words.bad_request, words.bad_request_lost),
        401 if page.replaced.is_some() => (frame.text.replaced.title, words.login_lost),
        401 => (words.login, words.login_lost),
        403 if page.cross_site => (words.cross_site, words.cross_site_lost),
        403 if page.encrypted => (words.encrypted, words.encrypted_lost),
        403 => (words.forbidden, words.forbidden_lost),
        404 | 421 => (words.not_found, words.not_found_lost),
        405 | 501 => (words.method, words.method_lost),
        408 => (words.timeout, words.timeout_lost),
        409 => (words.conflict, words.conflict_lost),
        410 => (words.gone, words.gone_lost),
        413 => (words.too_large, words.too_large_lost),
        415 => (words.media, words.media_lost),
        422 => (words.twice, words.twice_lost),
        429 => (words.too_many, words.too_many_lost),
        503 => (words.unavailable, words.unavailable_lost),
        _ => (words.defect, words.defect_lost),
    }
}

/// One way on: back into the chat, to its log-in page, or to a new chat.
fn next_step(frame: &Frame, page: &Error) -> (String, &'static str) {
    let words = &frame.text.error;
    match (page.status, &page.hash, page.seat) {
        (401, Some(hash), _) => (address::login(hash), words.to_login),
        _ if page.encrypted => (address::REGISTER.to_owned(), frame.text.common.start_new),
        (404 | 410 | 421, ..) | (_, None, _) => {
            (address::REGISTER.to_owned(), frame.text.common.start_new)
        }
        (_, Some(hash), Some(seat)) => (address::chat(hash, seat), words.to_chat),
        (_, Some(hash), None) => (address::login(hash), words.to_login),
    }
}
