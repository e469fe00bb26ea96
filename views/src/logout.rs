//! Logging this browser out: the question.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts,
};

/// The confirmation page.
#[derive(Clone, Debug, Default)]
pub struct Logout {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// Whether the chat is encrypted: then the page takes the key from the browser as well.
    pub encrypted: bool,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Logout) -> Markup {
    let content = html! { article.narrow { div.card { (question(frame, page, true)) } } };
    page::sheet(frame, frame.text.logout.title, &content)
}

/// The question itself, for the page and for the chat's dialog.
pub(crate) fn question(frame: &Frame, page: &Logout, alone: bool) -> Markup {
    let words = &frame.text.logout;
    // The key must be deleted from the browser with the chat, and only a script can do that.
    let keyed = alone && page.encrypted;
    html! {
        (parts::heading(alone, "logout-title", words.title))
        p { (words.lead) }
        p { a href=(address::seat(&page.hash, page.seat, "invite")) { (frame.text.menu.link) } }
        @if keyed { (parts::reason("load", frame.text.sealed.load)) }
        (parts::unanswered(frame))
        div.actions {
            a.button href=(address::chat(&page.hash, page.seat)) data-close autofocus { (frame.text.common.cancel) }
            form method="post" action=(address::seat(&page.hash, page.seat, "logout")) data-leave="logout"
                data-waits[keyed] data-forget=[keyed.then_some(address::REGISTER_LOGGED_OUT)] { (parts::submit_or_plain(keyed, "primary", words.confirm)) }
        }
    }
}
