//! Downloading the conversation: as text, or as JSON for programs.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts, script,
};

/// The page that asks in which form.
#[derive(Clone, Debug, Default)]
pub struct Download {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// The reader's name, where the chat is encrypted: then the page writes the file, and the server's file is sealed.
    pub encrypted_for: Option<String>,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Download) -> Markup {
    let heading = parts::heading(true, "download-title", frame.text.end.download);
    let choice = choice(frame, &page.hash, page.seat);
    let content = html! {
        article.narrow {
            @match &page.encrypted_for {
                None => div.card { (heading) (choice) },
                Some(you) => {
                    (heading)
                    (parts::cannot(frame))
                    (parts::reason("download", frame.text.sealed.download_failed))
                    div.needs-js {
                        div.card data-encrypted=(page.hash) data-seat=(page.seat) data-you=(you) data-sentences=(script::findings(frame)) { (choice) }
                    }
                }
            }
        }
    };
    page::sheet(frame, frame.text.end.download, &content)
}

/// The question, for the chat's dialog.
pub(crate) fn question(frame: &Frame, hash: &str, seat: u8) -> Markup {
    html! {
        (parts::heading(false, "download-title", frame.text.end.download))
        (choice(frame, hash, seat))
    }
}

fn choice(frame: &Frame, hash: &str, seat: u8) -> Markup {
    let words = &frame.text.menu;
    let file = |format: &str| format!("{}?format={format}", address::seat(hash, seat, "download"));
    html! {
        div.actions {
            a.button href=(file("text")) download data-close-after { (words.download_text) }
            a.button href=(file("json")) download data-close-after { (words.download_json) }
            a.button href=(address::chat(hash, seat)) data-close autofocus { (frame.text.common.cancel) }
        }
    }
}
