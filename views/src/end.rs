//! Ending the chat for both: the question, as a page of its own and inside the chat's dialog.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts, text,
};

/// The confirmation page.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// Whether the chat is encrypted: then a page writes the file of the conversation, and takes the key from the browser.
    pub encrypted: bool,
    /// The other person's name; `None` while unnamed.
    pub peer: Option<String>,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &End) -> Markup {
    let content = html! { article.narrow { div.card { (question(frame, page, true)) } } };
    page::sheet(frame, frame.text.end.title, &content)
}

/// The question itself. Cancel has the focus: a stray Enter must not end anything.
pub(crate) fn question(frame: &Frame, page: &End, alone: bool) -> Markup {
    let words = &frame.text.end;
    let chat = address::chat(&page.hash, page.seat);
    // The key must be deleted from the browser with the chat, and only a script can do that.
    let keyed = alone && page.encrypted;
    html! {
        (parts::heading(alone, "end-title", words.title))
        p {
            (words.lead) " "
            (text::sentence(words.copies, &[("peer", &text::peer_or_other_start(frame.text, page.peer.as_deref()))]))
        }
        @if keyed { (parts::reason("load", frame.text.sealed.load)) }
        (parts::unanswered(frame))
        div.actions {
            @let file = address::seat(&page.hash, page.seat, "download");
            @if keyed { a.button href={ (file) "?choose" } { (words.download) } }
            @else { a.button href={ (file) "?format=text" } download { (words.download) } }
            a.button href=(chat) data-close autofocus { (frame.text.common.cancel) }
            form method="post" action=(address::seat(&page.hash, page.seat, "endchat")) data-leave="end"
                data-waits[keyed] data-forget=[keyed.then_some(address::REGISTER_ENDED)] { (parts::submit_or_plain(keyed, "danger", words.confirm)) }
        }
    }
}
