//! The first page: two names, a lifetime, one button.

use maud::{Markup, html};

use crate::{
    address,
    page::{self, Frame},
    parts::{self, Field},
    text,
};

/// The lifetimes on offer, in hours.
pub const LIFETIMES_HOURS: [u32; 4] = [1, 24, 168, 720];

/// The register page, fresh or after an error.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The hidden UUID that makes a double click one chat. New for a fresh page; the posted one after an error.
    pub id: String,
    /// What was typed as one's own name; empty when fresh.
    pub user_one: String,
    /// What was typed for the other's name; empty for "they choose theirs".
    pub user_two: String,
    /// The chosen lifetime, one of [`LIFETIMES_HOURS`]; 0 counts as 168.
    pub ttl_hours: u32,
    /// The hash that was reserved for an encrypted chat, after an error.
    pub reserved: Option<String>,
    /// Whether a plain chat is wanted: then nothing waits for scripts.
    pub plain: bool,
    /// What was wrong with the last try.
    pub problem: Option<Problem>,
    /// A notice above the form of what just happened.
    pub notice: Option<Notice>,
}

/// Why no chat was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The first name does not do.
    UserOne(NameFault),
    /// The second name does not do.
    UserTwo(NameFault),
    /// The lifetime is not one of those on offer.
    Lifetime,
    /// Too many chats from this address.
    TooMany {
        /// When trying again makes sense.
        retry_after_s: u64,
    },
    /// The store is unreachable; pressing again is safe.
    Unavailable,
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Nothing but blanks.
    Missing,
    /// Over 40 characters.
    TooLong,
    /// Control, bidi-control or invisible characters.
    Characters,
    /// The same as the other name, but for case.
    Same,
}

/// What just happened elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The reader ended a chat.
    EndedByYou,
    /// A chat is over (`?ended`), and only a script may know who ended it.
    Ended,
    /// This browser was logged out (`?loggedout`).
    LoggedOut,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Register) -> Markup {
    let text = frame.text;
    let words = &text.register;
    let problem = page.problem.map(|problem| told(frame, problem));
    let wrong = |field: &str| {
        problem
            .as_ref()
            .filter(|told| told.field == Some(field))
            .map(|told| told.short)
    };
    let title = if problem.is_some() {
        text.common.problem
    } else {
        words.title
    };
    let content = html! {
        @if let Some(notice) = page.notice { (noticed(frame, notice)) }
        div.welcome {
            section.hero aria-labelledby="welcome" {
                h1 #welcome { (words.title) }
                p.lead { (words.lead) }
                // After an error the form comes first, not the introduction.
                @if problem.is_none() {
                    ul.promises {
                        li { (words.promise_link) }
                        li { (words.promise_two) }
                        li { (words.promise_gone) }
                    }
                }
            }
            form.card #register method="post" action=(address::REGISTER) aria-label=(words.submit) data-waits[!page.plain] {
                @if let Some(told) = &problem { (parts::summary(frame, &told.message, told.field)) }
                @for (why, words) in [("failed", words.unavailable), ("many", text.sealed.too_many), ("offline", text.sealed.offline)] {
                    div.summary role="alert" hidden data-cannot=(why) { p { (words) } }
                }
                @if !page.plain { div.summary hidden data-cannot="load" { p { (text.sealed.load) } p { (plain_instead(frame)) } } }
                input type="hidden" name="id" value=(page.id);
                // For the scripts, which fill them in where the chat is encrypted.
                input type="hidden" name="hash" value=[&page.reserved] disabled;
                input type="hidden" name="encryption" value="v1" disabled;
                input type="hidden" name="auth" disabled;
                (Field { id: "user-one", name: "userOne", label: words.your_name, value: &page.user_one, error: wrong("user-one"), ..Field::default() }.markup())
                (Field {
                    id: "user-two", name: "userTwo", label: words.their_name, value: &page.user_two, hint: Some(words.their_hint),
                    error: wrong("user-two"), optional: Some(text.common.optional), ..Field::default()
                }.markup())
                (lifetimes(frame, page))
                (parts::submit_or_plain(!page.plain, "primary wide", words.submit))
                @if !page.plain { p.small.late { (text.sealed.late) " " (plain_instead(frame)) } }
                p.small data-plain { (words.privacy) }
                p.small hidden data-sealed { (parts::sealed_line(text.sealed.register)) }
                details.more hidden data-choice {
                    summary { (text.sealed.more) }
                    label.check for="plain" { input #plain type="checkbox" autocomplete="off" checked[page.plain]; span { (text.sealed.plain) } }
                }
            }
        }
    };
    page::sheet_with(frame, title, &["vault.js", "making.js"], &content)
}

/// The link to plain chats for a browser that does not get the scripts, or not in time: a chat is never plain unasked.
fn plain_instead(frame: &Frame) -> Markup {
    html! { a href=(address::REGISTER_PLAIN) { (frame.text.sealed.late_plain) } }
}

fn lifetimes(frame: &Frame, page: &Register) -> Markup {
    let words = &frame.text.register;
    let chosen = if page.ttl_hours == 0 {
        168
    } else {
        page.ttl_hours
    };
    html! {
        fieldset.field #lifetime tabindex="-1" aria-describedby="lifetime-hint" {
            legend { (words.lifetime) }
            div.choices {
                @for (hours, label) in LIFETIMES_HOURS.into_iter().zip([words.hour, words.day, words.week, words.month]) {
                    label.choice {
                        input type="radio" name="ttlHours" value=(hours) checked[hours == chosen];
                        span { (label) }
                    }
                }
            }
            p.hint #lifetime-hint { (words.lifetime_hint) }
        }
    }
}

/// A problem in words: for the summary, for the field, and which field.
struct Told {
    message: Markup,
    short: &'static str,
    field: Option<&'static str>,
}

fn told(frame: &Frame, problem: Problem) -> Told {
    let text = frame.text;
    let simple = |short: &'static str, field| Told {
        message: html! { (short) },
        short,
        field,
    };
    let named = |label: &'static str, fault, field| {
        let short = parts::name_fault(text, fault);
        Told {
            message: html! { (label) ": " (short) },
            short,
            field: Some(field),
        }
    };
    match problem {
        Problem::UserOne(fault) => named(text.register.your_name, fault, "user-one"),
        Problem::UserTwo(fault) => named(text.register.their_name, fault, "user-two"),
        Problem::Lifetime => simple(text.register.lifetime_wrong, Some("lifetime")),
        Problem::Unavailable => simple(text.register.unavailable, None),
        Problem::TooMany { retry_after_s } => Told {
            message: parts::wait(text, text.register.too_many, retry_after_s),
            short: "",
            field: None,
        },
    }
}

/// The notice's element has the sentences for a script to say who ended the chat, which the stream's last event
/// contains and the URL does not.
fn noticed(frame: &Frame, notice: Notice) -> Markup {
    let words = &frame.text.register;
    let who = match notice {
        Notice::LoggedOut => {
            return parts::notice(words.logged_out_title, &html! { (words.logged_out) });
        }
        Notice::EndedByYou => html! { (words.ended_you) },
        Notice::Ended => html! {
            span data-ended="unknown" { (words.ended_unknown) }
            span data-ended="you" hidden { (words.ended_you) }
            span data-ended="time" hidden { (words.ended_time) }
            span data-ended="peer" hidden { (text::sentence(words.ended_peer, &[("peer", &text::slot("peer"))])) }
        },
    };
    parts::notice(words.ended_title, &html! { (who) " " (words.ended_all) })
}
