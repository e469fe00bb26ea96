//! Where a person is logged in.

use maud::{Markup, html};

use crate::{
    address, clock,
    page::{self, Frame},
    text,
};

/// The list of a seat's sessions.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// The reader's own first.
    pub sessions: Vec<Session>,
    /// Whether one was logged out just now.
    pub ended: bool,
}

/// One browser or client at the seat.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its public id, which ending it names.
    pub id: String,
    /// The browser's name, where it is known: "Chrome".
    pub browser: Option<&'static str>,
    /// The system's name, where it is known: "Android".
    pub system: Option<&'static str>,
    /// Logged in at, Unix milliseconds.
    pub since_ms: i64,
    /// Last used at, Unix milliseconds.
    pub last_seen_ms: i64,
    /// Whether it is the reader's own.
    pub current: bool,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Sessions) -> Markup {
    let words = &frame.text.sessions;
    let content = html! {
        article.narrow {
            h1 { (words.title) }
            p.lead { (words.lead) }
            @if page.ended { p.badge role="status" { (words.ended) } }
            ul.card.sessions {
                @for session in &page.sessions { (row(frame, page, session)) }
            }
            p { a.button href=(address::chat(&page.hash, page.seat)) { (frame.text.common.back_to_chat) } }
        }
    };
    page::sheet(frame, words.title, &content)
}

fn row(frame: &Frame, page: &Sessions, session: &Session) -> Markup {
    let words = &frame.text.sessions;
    let label_id = format!("session-{}", session.id);
    html! {
        li {
            div {
                h2 id=(label_id) { (label(frame, session)) }
                @if session.current { p.this { (words.this_one) } }
                p.hint { (text::sentence(words.since, &[("when", &clock::moment(session.since_ms, frame.text))])) }
                p.hint { (text::sentence(words.last_seen, &[("when", &clock::moment(session.last_seen_ms, frame.text))])) }
            }
            @if session.current {
                a.button href=(address::seat(&page.hash, page.seat, "logout")) aria-describedby=(label_id) { (words.end) }
            } @else {
                form method="post" action=(address::seat(&page.hash, page.seat, "sessions/end")) {
                    input type="hidden" name="id" value=(session.id);
                    button aria-describedby=(label_id) { (words.end) }
                }
            }
        }
    }
}

/// "Chrome on Android", or as much of it as is known.
fn label(frame: &Frame, session: &Session) -> Markup {
    let words = &frame.text.sessions;
    match (session.browser, session.system) {
        (Some(browser), Some(system)) => {
            let (browser, system) = (text::name(browser), text::name(system));
            text::sentence(words.device, &[("browser", &browser), ("system", &system)])
        }
        (Some(known), None) | (None, Some(known)) => text::name(known),
        (None, None) => html! { (words.unknown) },
    }
}
