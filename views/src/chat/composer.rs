//! The form for writing a message, and the error of one that was not sent.

use maud::{Markup, html};

use super::{Chat, Problem};
use crate::{address, page::Frame, parts};

/// The form with what is said above it. A page of older messages of an encrypted chat has no form: a sealed text names the last
/// message that its writer saw, which such a page does not have.
pub(super) fn composer(frame: &Frame, chat: &Chat) -> Markup {
    let words = &frame.text.chat;
    html! {
        div.below {
            button.pill #pill type="button" aria-label=(words.to_end) hidden { span {} (arrow()) }
            p.typing #typing aria-hidden="true" {}
            @if let Some(problem) = chat.problem { (not_sent(frame, problem)) }
            p.error.complaint #complaint hidden {}
            p.counter #counter hidden {}
            @if chat.encrypted && chat.newer {
                p.reading { (words.reading) " " a #newest href=(address::chat(&chat.hash, chat.seat)) { (words.newest) } }
            } @else {
                (form(frame, chat))
            }
        }
    }
}

/// The field is never disabled, and has the text of a try that failed.
fn form(frame: &Frame, chat: &Chat) -> Markup {
    let words = &frame.text.chat;
    // Without scripts the form of an encrypted chat sends nothing: its field has no name, and the method "dialog" does
    // not submit.
    let plain = !chat.encrypted;
    html! {
        form.composer #composer method=(parts::method(chat.encrypted)) data-waits[chat.encrypted]
            action=[plain.then(|| address::seat(&chat.hash, chat.seat, "message_send"))] {
            @if plain { input type="hidden" name="id" value=(chat.message_id); }
            label.visually-hidden for="message" { (words.message) }
            textarea #message name=[plain.then_some("message")] rows="1" dir="auto" autocomplete="off"
                placeholder=(words.message) aria-invalid=[chat.problem.map(|_| "true")] { (chat.draft) }
            // Where Enter sends, a script says so of the field.
            p #send-hint hidden { (words.send_hint) }
            button.primary.send disabled[chat.encrypted] { span { (words.send) } (plane()) }
        }
    }
}

fn not_sent(frame: &Frame, problem: Problem) -> Markup {
    let words = &frame.text.chat;
    let message = match problem {
        Problem::Empty => html! { (words.empty_message) },
        Problem::TooLong { over } => html! { (frame.text.count(&frame.text.live.too_long, over)) },
        Problem::Characters => html! { (words.characters) },
        Problem::Full => html! { (frame.text.live.full) },
        Problem::Unavailable => html! { (words.unavailable) },
        Problem::TooMany { retry_after_s } => {
            parts::wait(frame.text, words.too_many, retry_after_s)
        }
    };
    html! {
        div.summary #problem role="alert" tabindex="-1" autofocus {
            h2 { (words.not_sent) }
            p { a href="#message" { (message) } }
        }
    }
}

fn plane() -> Markup {
    html! { svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d="M4 20l17-8L4 4v6l11 2-11 2z" {} } }
}

fn arrow() -> Markup {
    html! { svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d="M12 19l-7-7 1.5-1.5 4.5 4.5V4h2v11l4.5-4.5L19 12z" {} } }
}
