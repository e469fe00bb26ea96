//! The return code: shown until it is saved, and made anew by a button.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts,
};

/// The page behind `return_code`. Looking at it changes nothing: a new code is made by its form.
#[derive(Clone, Debug, Default)]
pub struct ReturnCode {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// The code, while this browser has not said that it is saved.
    pub code: Option<String>,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &ReturnCode) -> Markup {
    let words = &frame.text.return_code;
    let content = html! {
        article.narrow {
            h1 { (words.title) }
            p.lead { (words.lead) }
            @if let Some(code) = &page.code {
                section.card aria-label=(words.keep) { (parts::code_strip(frame, &page.hash, page.seat, code)) }
                p { (words.old) }
            } @else {
                form.card method="post" action=(address::seat(&page.hash, page.seat, "return_code")) {
                    p { (words.make_lead) }
                    button.primary.wide { (words.make) }
                }
            }
            p { a href=(address::seat(&page.hash, page.seat, "invite")) { (frame.text.menu.link) } }
            p { a.button href=(address::chat(&page.hash, page.seat)) { (frame.text.common.back_to_chat) } }
        }
    };
    page::sheet(frame, words.title, &content)
}
