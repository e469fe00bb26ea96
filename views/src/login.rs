//! Taking a seat: one field, and no name shown before it is filled.

use maud::{Markup, html};

use crate::{
    address, clock,
    page::{self, Frame},
    parts::{self, Field},
    register::NameFault,
    replaced::{self, Replaced},
    text,
};

/// The log-in page of a chat's link.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The hidden UUID that makes a repeated login safe. New for a fresh page; the posted one after an error.
    pub id: String,
    /// What was typed as name.
    pub user: String,
    /// What was typed as return code.
    pub return_code: String,
    /// What was typed as device code.
    pub device_code: String,
    /// Whether the chat is encrypted: then its forms work with the whole link only.
    pub encrypted: bool,
    /// Whether seat 2 has no name yet, so that a newcomer chooses one.
    pub choose_name: bool,
    /// When the chat expires, Unix milliseconds; `None` where that could not be read.
    pub expires_at_ms: Option<i64>,
    /// What was wrong with the last try.
    pub problem: Option<Problem>,
    /// The seats that this browser holds already.
    pub continue_as: Vec<Held>,
    /// With [`Problem::Replaced`]: what happened.
    pub replaced: Option<Replaced>,
}

/// A seat that this browser holds a live session for.
#[derive(Clone, Debug)]
pub struct Held {
    /// 1 or 2.
    pub seat: u8,
    /// The name in that seat.
    pub name: String,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The name is invalid.
    Name(NameFault),
    /// The chat is encrypted, and the proof of having the whole link is missing or wrong.
    LinkIncomplete,
    /// The name is not part of this chat.
    WrongName,
    /// The seat is taken and there was no code: needs the return code, or an ask.
    SeatTaken,
    /// The other person let somebody else in at this seat.
    Replaced,
    /// The return code is wrong.
    WrongReturnCode,
    /// The device code is wrong, used or too old.
    WrongDeviceCode,
    /// The allowed ask (`askId`) is used, too old or unknown.
    AskOver,
    /// Too many tries.
    TooMany {
        /// When trying again makes sense.
        retry_after_s: u64,
    },
    /// The store is unreachable; pressing again is safe.
    Unavailable,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Login) -> Markup {
    let text = frame.text;
    let words = &text.login;
    let taken = matches!(
        page.problem,
        Some(Problem::SeatTaken | Problem::Replaced | Problem::WrongReturnCode | Problem::AskOver)
    );
    let just_taken = matches!(page.problem, Some(Problem::SeatTaken | Problem::Replaced));
    let told = page.problem.map(|problem| told(frame, problem, &page.user));
    let title = match &page.replaced {
        Some(_) => text.replaced.title,
        None if told.is_some() && !just_taken => text.common.problem,
        None => words.title,
    };
    let content = html! {
        article.narrow {
            // A taken seat is not an error: the page has its own heading for it, which takes the focus instead.
            h1 tabindex=[just_taken.then_some("-1")] autofocus[just_taken] {
                span {
                    @if page.replaced.is_some() { (text.replaced.title) }
                    @else if taken { (text::sentence(words.taken_title, &[("user", &text::name(&page.user))])) }
                    @else { (words.title) }
                }
                // Instead of that and what follows the heading, for whoever brings a code from their other device.
                span hidden data-device-ready { (text::sentence(words.device_ready, &[("user", &text::slot("user"))])) }
            }
            @if let Some(at) = page.expires_at_ms.filter(|_| page.continue_as.is_empty() && !taken) {
                p.lead { (text::sentence(words.guest, &[("when", &clock::until(at, text))])) }
            }
            @if let Some((message, field)) = told.as_ref().filter(|_| !just_taken) { (parts::summary(frame, message, *field)) }
            (parts::with_key(frame, page.encrypted, &page.hash, &html! {
                @if !page.continue_as.is_empty() { (continued(frame, page)) }
                @if taken { (taken_seat(frame, page)) } @else { (fresh(frame, page)) }
            }))
            p.small { @if page.encrypted { (parts::sealed_line(text.sealed.line)) } @else { (words.privacy) } }
        }
    };
    page::sheet_with(frame, title, parts::key_scripts(page.encrypted), &content)
}

/// The one field, and a place for a code that most people never open.
fn fresh(frame: &Frame, page: &Login) -> Markup {
    let words = &frame.text.login;
    let hint = if page.choose_name {
        words.lead_choose
    } else {
        words.lead
    };
    let name_error = match page.problem {
        Some(Problem::Name(fault)) => Some(parts::name_fault(frame.text, fault)),
        Some(Problem::WrongName) => Some(words.wrong_name),
        _ => None,
    };
    let device_error =
        (page.problem == Some(Problem::WrongDeviceCode)).then_some(words.wrong_device_code);
    let optional = Some(frame.text.common.optional);
    html! {
        form.card #login method=(parts::method(page.encrypted)) action=(address::login_submit(&page.hash)) data-waits[page.encrypted] {
            @if !page.continue_as.is_empty() { h2 { (words.other_name) } }
            input type="hidden" name="id" value=(page.id);
            (parts::auth(page.encrypted))
            (Field { id: "user", name: "user", label: words.name, value: &page.user, hint: Some(hint), error: name_error, ..Field::default() }.markup())
            details.more open[!page.return_code.is_empty() || !page.device_code.is_empty()] data-codes {
                summary { (words.have_code) }
                (Field { id: "returnCode", name: "returnCode", label: words.return_code, value: &page.return_code, code: true, optional, ..Field::default() }.markup())
                (Field { id: "deviceCode", name: "deviceCode", label: words.device_code, value: &page.device_code, code: true, optional, error: device_error, ..Field::default() }.markup())
            }
            (parts::submit(frame, page.encrypted, "primary wide", words.submit))
            (parts::offline(frame))
        }
    }
}

/// The seat is taken: come back with the code, or be let in.
fn taken_seat(frame: &Frame, page: &Login) -> Markup {
    let words = &frame.text.login;
    let error = (page.problem == Some(Problem::WrongReturnCode)).then_some(words.wrong_return_code);
    html! {
        form.card #login method=(parts::method(page.encrypted)) action=(address::login_submit(&page.hash)) data-waits[page.encrypted] {
            @match &page.replaced {
                Some(replaced) => (replaced::told(frame, replaced)),
                None => p { (words.taken) },
            }
            input type="hidden" name="id" value=(page.id);
            input type="hidden" name="user" value=(page.user);
            (parts::auth(page.encrypted))
            (Field { id: "returnCode", name: "returnCode", label: words.return_code, value: &page.return_code, code: true, error, ..Field::default() }.markup())
            (parts::submit(frame, page.encrypted, "primary wide", words.return_code_submit))
            (parts::offline(frame))
        }
        form.card.quiet method=(parts::method(page.encrypted)) action=(address::ask(&page.hash)) data-waits[page.encrypted] {
            h2 { (words.ask_title) }
            p { (text::sentence(words.ask_lead, &[("user", &text::name(&page.user))])) }
            input type="hidden" name="user" value=(page.user);
            (parts::auth(page.encrypted))
            (parts::submit(frame, page.encrypted, "wide", words.ask_submit))
            (parts::offline(frame))
        }
        p { a href=(address::login(&page.hash)) { (words.other_name) } }
    }
}

/// Continues in a seat that this browser holds, with one press.
fn continued(frame: &Frame, page: &Login) -> Markup {
    let words = &frame.text.login;
    html! {
        section.card aria-labelledby="continue" {
            h2 #continue { (words.continue_title) }
            @for held in &page.continue_as {
                a.button.primary.wide href=(address::chat(&page.hash, held.seat)) {
                    span { (text::sentence(words.continue_as, &[("user", &text::name(&held.name))])) }
                }
            }
        }
    }
}

/// A problem in words, and the field it belongs to.
fn told(frame: &Frame, problem: Problem, user: &str) -> (Markup, Option<&'static str>) {
    let text = frame.text;
    let words = &text.login;
    let plain = |words: &'static str, field| (html! { (words) }, field);
    match problem {
        Problem::Name(fault) => plain(parts::name_fault(text, fault), Some("user")),
        Problem::LinkIncomplete => plain(text.sealed.incomplete, None),
        Problem::WrongName => plain(words.wrong_name, Some("user")),
        Problem::SeatTaken => (
            text::sentence(words.taken_title, &[("user", &text::name(user))]),
            Some("returnCode"),
        ),
        Problem::Replaced => plain(text.replaced.title, Some("returnCode")),
        Problem::WrongReturnCode => plain(words.wrong_return_code, Some("returnCode")),
        Problem::WrongDeviceCode => plain(words.wrong_device_code, Some("deviceCode")),
        Problem::AskOver => plain(words.ask_over, None),
        Problem::TooMany { retry_after_s } => {
            (parts::wait(text, words.too_many, retry_after_s), None)
        }
        Problem::Unavailable => plain(words.unavailable, None),
    }
}
