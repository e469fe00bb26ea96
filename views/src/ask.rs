//! Waiting to be let in by the other person.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts, text,
};

/// The page behind `login/ask/{askId}`.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// Whether the chat is encrypted.
    pub encrypted: bool,
    /// The asker's secret.
    pub ask_id: String,
    /// The hidden UUID of the login form on the page for `allowed`.
    pub id: String,
    /// The name asked for: what the asker typed.
    pub user: String,
    /// Two digits that the people in the chat see as well.
    pub number: String,
    /// How it stands.
    pub state: State,
}

/// How an asking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has answered yet.
    Waiting,
    /// Allowed: the page has the form that takes the seat.
    Allowed,
    /// No.
    Refused,
    /// Two minutes went by.
    Expired,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Ask) -> Markup {
    let words = &frame.text.ask;
    let title = match page.state {
        State::Waiting => words.waiting_title,
        State::Allowed => words.allowed_title,
        State::Refused => words.refused_title,
        State::Expired => words.expired_title,
    };
    let here = address::ask_state(&page.hash, &page.ask_id);
    let content = html! {
        article.narrow {
            h1 { (title) }
            @match page.state {
                State::Waiting => (waiting(frame, page, &here)),
                State::Allowed => (parts::with_key(frame, page.encrypted, &page.hash, &allowed(frame, page))),
                State::Refused => (parts::with_key(frame, page.encrypted, &page.hash, &again(frame, page, words.refused))),
                State::Expired => (parts::with_key(frame, page.encrypted, &page.hash, &again(frame, page, words.expired))),
            }
            p { a href=(address::login(&page.hash)) { (words.back) } }
        }
    };
    let scripts: &[&str] = match (page.state, page.encrypted) {
        (State::Waiting, _) | (State::Allowed, false) => &["ask.js"],
        (_, encrypted) => parts::key_scripts(encrypted),
    };
    page::sheet_with(frame, title, scripts, &content)
}

fn waiting(frame: &Frame, page: &Ask, here: &str) -> Markup {
    let words = &frame.text.ask;
    html! {
        section.card data-ask=(here) {
            div.waiting aria-hidden="true" { span {} span {} span {} }
            p role="status" { (text::sentence(words.waiting, &[("user", &text::name(&page.user))])) }
            p.ask-number { (text::sentence(words.number, &[("number", &number(&page.number))])) }
            p { (words.waiting_hint) }
            a.button.no-js-only href=(here) { (words.refresh) }
        }
    }
}

/// The two digits, left to right whatever the direction of the text around them.
pub(crate) fn number(digits: &str) -> Markup {
    html! { strong dir="ltr" { (digits) } }
}

fn allowed(frame: &Frame, page: &Ask) -> Markup {
    let words = &frame.text.ask;
    html! {
        form.card method=(parts::method(page.encrypted)) action=(address::login_submit(&page.hash)) data-submit-now data-waits[page.encrypted] {
            p { (text::sentence(words.allowed, &[("user", &text::name(&page.user))])) }
            input type="hidden" name="id" value=(page.id);
            input type="hidden" name="user" value=(page.user);
            input type="hidden" name="askId" value=(page.ask_id);
            (parts::auth(page.encrypted))
            (parts::submit(frame, page.encrypted, "primary wide", words.enter))
        }
    }
}

fn again(frame: &Frame, page: &Ask, why: &'static str) -> Markup {
    html! {
        form.card method=(parts::method(page.encrypted)) action=(address::ask(&page.hash)) data-waits[page.encrypted] {
            p { (why) }
            input type="hidden" name="user" value=(page.user);
            (parts::auth(page.encrypted))
            (parts::submit(frame, page.encrypted, "wide", frame.text.ask.again))
        }
    }
}
