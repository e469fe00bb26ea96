//! Taking the conversation along: as text or for programs.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts,
};

/// The page that asks in which form.
#[derive(Clone, Debug, Default)]
pub struct Download {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
}

/// Writes the page.
#[must_use]
pub fn page(frame: &Frame, page: &Download) -> Markup {
    let content = html! { article.narrow { div.card { (question(frame, &page.hash, page.seat, "download", true)) } } };
    page::sheet(frame, frame.text.end.download, &content)
}

/// The question itself, for the page and for the chat's dialog.
pub(crate) fn question(frame: &Frame, hash: &str, seat: u8, id: &str, alone: bool) -> Markup {
    let words = &frame.text.menu;
    let file = |format: &str| format!("{}?format={format}", address::seat(hash, seat, "download"));
    html! {
        (parts::heading(alone, &format!("{id}-title"), frame.text.end.download))
        div.actions {
            a.button href=(file("text")) download data-close-after { (words.download_text) }
            a.button href=(file("json")) download data-close-after { (words.download_json) }
            a.button href=(address::chat(hash, seat)) data-close autofocus { (frame.text.common.cancel) }
        }
    }
}
