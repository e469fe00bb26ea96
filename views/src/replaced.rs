//! The notice for somebody whose seat was given to somebody else.

use maud::{Markup, html};

use crate::{address, clock, page::Frame, parts, text};

/// Somebody else was let in at the reader's seat.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// The name of the seat.
    pub user: String,
    /// Who let somebody in; `None` where the reader has not proved that the seat was theirs, and
    /// must not learn who the other person is.
    pub peer: Option<String>,
    /// Whether the chat is encrypted: then asking to be let in works with the whole link only.
    pub encrypted: bool,
}

/// What happened, and who may have asked for it.
pub(crate) fn told(frame: &Frame, replaced: &Replaced) -> Markup {
    let words = &frame.text.replaced;
    let user = text::name(&replaced.user);
    let peer = text::peer_or_other_start(frame.text, replaced.peer.as_deref());
    let when = clock::moment(replaced.at_ms, frame.text);
    let (happened, way_back) = match replaced.peer {
        Some(_) => (words.happened, words.way_back),
        None => (words.happened_perhaps, words.way_back_perhaps),
    };
    html! {
        p { (text::sentence(happened, &[("peer", &peer), ("user", &user), ("when", &when)])) }
        p { (text::sentence(way_back, &[("peer", &peer)])) }
    }
}

/// The form that asks to be let in.
pub(crate) fn ask(frame: &Frame, hash: &str, replaced: &Replaced) -> Markup {
    let form = html! {
        form method=(parts::method(replaced.encrypted)) action=(address::ask(hash)) data-waits[replaced.encrypted] {
            input type="hidden" name="user" value=(replaced.user);
            (parts::auth(replaced.encrypted))
            (parts::submit(frame, replaced.encrypted, "primary wide", frame.text.login.ask_submit))
        }
    };
    parts::with_key(frame, replaced.encrypted, hash, &form)
}
