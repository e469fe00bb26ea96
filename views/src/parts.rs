//! Components that pages share.

use maud::{Markup, html};

use crate::{
    address,
    page::Frame,
    register::NameFault,
    text::{self, Text},
};

/// The error summary of a form: takes focus, so that it is read first, and links to the field.
pub(crate) fn summary(frame: &Frame, message: &Markup, field: Option<&str>) -> Markup {
    html! {
        div.summary #problem role="alert" tabindex="-1" autofocus {
            h2 { (frame.text.common.problem) }
            p {
                @if let Some(field) = field { a href={ "#" (field) } { (message) } } @else { (message) }
            }
        }
    }
}

/// A notice of something that just happened.
pub(crate) fn notice(title: &str, message: &Markup) -> Markup {
    html! {
        div.notice role="status" { h2 { (title) } p { (message) } }
    }
}

/// A text field with label, hint and error.
#[derive(Default)]
pub(crate) struct Field<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) value: &'a str,
    pub(crate) hint: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) optional: Option<&'a str>,
    /// Codes are left to right in every language, in a monospaced font.
    pub(crate) code: bool,
}

/// A name has up to 40 characters, and `maxlength` counts UTF-16 units, of which a character may take two.
const NAME_UNITS_MAX: usize = 80;
const CODE_UNITS_MAX: usize = 100;

impl Field<'_> {
    /// Writes label, hint, error and input, tied together for assistive technology.
    pub(crate) fn markup(&self) -> Markup {
        let hint_id = format!("{}-hint", self.id);
        let error_id = format!("{}-error", self.id);
        let described: Vec<&str> = [
            self.hint.map(|_| hint_id.as_str()),
            self.error.map(|_| error_id.as_str()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let described = (!described.is_empty()).then(|| described.join(" "));
        html! {
            div.field.invalid[self.error.is_some()] {
                label for=(self.id) {
                    (self.label)
                    @if let Some(optional) = self.optional { span.optional { " (" (optional) ")" } }
                }
                @if let Some(hint) = self.hint { p.hint id=(hint_id) { (hint) } }
                @if let Some(error) = self.error { p.error id=(error_id) { (error) } }
                input.code[self.code] id=(self.id) name=(self.name) value=(self.value) type="text" dir=(if self.code { "ltr" } else { "auto" })
                    // `:placeholder-shown` in base.css needs one.
                    placeholder=[(!self.code).then_some(" ")]
                    maxlength=(if self.code { CODE_UNITS_MAX } else { NAME_UNITS_MAX })
                    required[self.optional.is_none()] autocomplete="off" spellcheck="false"
                    autocapitalize=(if self.code { "none" } else { "words" })
                    aria-invalid=[self.error.map(|_| "true")] aria-describedby=[described];
            }
        }
    }
}

/// A code to copy: a read-only field, with a Copy button if scripts run.
pub(crate) fn copyable(frame: &Frame, id: &str, label: &str, code: &str) -> Markup {
    html! {
        div.field.copyable {
            label for=(id) { (label) }
            div.row {
                input.code id=(id) type="text" value=(code) readonly dir="ltr" autocomplete="off" spellcheck="false";
                (copy_button(frame, id))
            }
            (copy_status(id))
        }
    }
}

/// The same for a link, which is longer than a field: without scripts all of it is shown. For an encrypted chat, the page adds
/// the fragment, which the server does not have.
pub(crate) fn copyable_link(
    frame: &Frame,
    id: &str,
    label: &str,
    link: &str,
    extra: &Markup,
    encrypted: bool,
) -> Markup {
    let (value, incomplete) = match encrypted {
        true => ("", Some(link)),
        false => (link, None),
    };
    html! {
        div.field.copyable {
            label for=(id) { (label) }
            @if !encrypted { p.whole.code.no-js-only dir="ltr" { (link) } }
            div.needs-js { div.row {
                input.code id=(id) type="text" value=(value) data-link=[incomplete] readonly dir="ltr" autocomplete="off" spellcheck="false";
                (copy_button(frame, id))
                (extra)
            } }
            (copy_status(id))
        }
    }
}

fn copy_button(frame: &Frame, id: &str) -> Markup {
    let text = &frame.text.common;
    html! {
        button.needs-js type="button" data-copy=(id) data-done=(text.copied) data-failed=(text.copy_failed) aria-describedby=(id) { (text.copy) }
    }
}

/// What became of copying it: said alone where the button shows it, and shown where it failed.
fn copy_status(id: &str) -> Markup {
    html! { p.visually-hidden role="status" id={ (id) "-status" } {} }
}

/// The return code in one line, until its owner says that it is saved.
pub(crate) fn code_strip(frame: &Frame, hash: &str, seat: u8, code: &str) -> Markup {
    html! {
        form.strip.keep method="post" action=(address::seat(hash, seat, "return_code/saved")) data-saved {
            div.kept {
                label for="return-code" { (frame.text.chat.save_code) }
                input.code #return-code type="text" value=(code) readonly dir="ltr" autocomplete="off" spellcheck="false";
            }
            (copy_button(frame, "return-code"))
            button { (frame.text.common.saved) }
            (unanswered(frame))
            (copy_status("return-code"))
        }
    }
}

/// What is wrong with a name, as a sentence.
pub(crate) fn name_fault(text: &'static Text, fault: NameFault) -> &'static str {
    match fault {
        NameFault::Missing => text.name_fault.missing,
        NameFault::TooLong => text.name_fault.too_long,
        NameFault::Characters => text.name_fault.characters,
        NameFault::Same => text.name_fault.same,
    }
}

/// "Wait 20 seconds", in a sentence with the placeholder `{wait}`.
pub(crate) fn wait(text: &'static Text, template: &'static str, seconds: u64) -> Markup {
    text::sentence(template, &[("wait", &text.wait(seconds))])
}

/// A heading: the page's own, or a dialog's.
pub(crate) fn heading(alone: bool, id: &str, title: &str) -> Markup {
    html! { @if alone { h1 id=(id) { (title) } } @else { h2 id=(id) { (title) } } }
}

/// The line that marks a chat as encrypted.
pub(crate) fn sealed_line(words: &str) -> Markup {
    html! {
        svg.lock viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d="M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3" {} }
        " " (words)
    }
}

/// Wraps what works in an encrypted chat only with its key: the reasons why it may not work, and an element that the scripts
/// find by the chat's hash. In a plain chat, the warning for somebody who came for an encrypted one.
pub(crate) fn with_key(frame: &Frame, encrypted: bool, hash: &str, content: &Markup) -> Markup {
    if !encrypted {
        return html! { (downgraded(frame)) (content) };
    }
    html! {
        (cannot(frame))
        div.needs-js { div.narrow data-encrypted=(hash) { (content) } }
    }
}

/// Reasons why the texts or forms of an encrypted chat are missing; the scripts show the one that applies.
pub(crate) fn cannot(frame: &Frame) -> Markup {
    let words = &frame.text.sealed;
    let reasons = [
        ("incomplete", words.incomplete),
        ("insecure", words.insecure),
        ("storage", words.storage),
        ("load", words.load),
        ("seat", words.seat),
        ("other", words.other_chat),
    ];
    html! {
        div.summary.no-js-only { p { (words.needs_js) } }
        @for (why, words) in reasons { (reason(why, words)) }
    }
}

/// Why a page does not work where the link, or the browser, has a key for the chat and the server says that it is plain.
pub(crate) fn downgraded(frame: &Frame) -> Markup {
    reason("downgraded", frame.text.sealed.downgraded)
}

/// Hidden until the scripts find that it applies and show it as an alert.
pub(crate) fn reason(why: &str, words: &str) -> Markup {
    html! { div.summary hidden data-cannot=(why) { p { (words) } } }
}

/// The scripts that a page of an encrypted chat loads at once.
pub(crate) fn key_scripts(encrypted: bool) -> &'static [&'static str] {
    if encrypted { &["vault.js"] } else { &[] }
}

/// The method of a form that contains [`auth`]: in an encrypted chat only the scripts send it, because they have the
/// proof. A form with the method "dialog" sends nothing.
pub(crate) fn method(encrypted: bool) -> &'static str {
    if encrypted { "dialog" } else { "post" }
}

/// The button of a form that contains [`auth`]. In an encrypted chat it is disabled until the scripts have loaded, which then
/// hold a press until the form can be sent (`presses.js`). A note below it appears if they are late.
pub(crate) fn submit(frame: &Frame, encrypted: bool, class: &str, words: &str) -> Markup {
    html! {
        button class=(class) disabled[encrypted] { (words) }
        @if encrypted { p.small.late { (frame.text.sealed.late) } }
    }
}

/// The same for a form that also works without scripts: then another button replaces it.
pub(crate) fn submit_or_plain(waits: bool, class: &str, words: &str) -> Markup {
    html! {
        @if waits { noscript { button class=(class) { (words) } } }
        button class=(class) disabled[waits] { (words) }
    }
}

/// The alert of a form that a script sends (`sendForm` of `request.js`), for when no answer came.
pub(crate) fn unanswered(frame: &Frame) -> Markup {
    html! { p.error hidden data-unanswered { (frame.text.common.unanswered) } }
}

/// The alert of a form that the browser sends, for when there is no network (`typed.js`).
pub(crate) fn offline(frame: &Frame) -> Markup {
    html! { p.error hidden data-offline { (frame.text.common.unanswered) } }
}

/// The hidden field with the proof of having the whole link of an encrypted chat; the scripts fill it in.
pub(crate) fn auth(encrypted: bool) -> Markup {
    html! { @if encrypted { input type="hidden" name="auth" disabled data-auth; } }
}
