//! A new return code.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts,
};

/// The page that a posted `return_code` answers with.
#[derive(Clone, Debug, Default)]
pub struct ReturnCode {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// The new code; the old one is dead.
    pub code: String,
}

/// Writes the page.
#[must_use]
pub fn page(frame: &Frame, page: &ReturnCode) -> Markup {
    let words = &frame.text.return_code;
    let content = html! {
        article.narrow {
            h1 { (words.title) }
            p.lead { (words.old) }
            (parts::code_card(frame, words.keep, words.lead, &page.code))
            p { a.button href=(address::chat(&page.hash, page.seat)) { (frame.text.common.back_to_chat) } }
        }
    };
    page::sheet(frame, words.title, &content)
}
