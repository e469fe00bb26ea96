//! The chat's menu: a `<details>`, so that it opens without a script.

use maud::{Markup, html};

use crate::{
    address,
    chat::Chat,
    clock,
    page::{self, Frame},
    text,
};

/// Everything one can do about the chat and one's seat.
pub(crate) fn menu(frame: &Frame, chat: &Chat) -> Markup {
    let text = frame.text;
    let here = |leaf: &str| address::seat(&chat.hash, chat.seat, leaf);
    html! {
        details.menu #menu {
            summary aria-label=(text.menu.menu) title=(text.menu.menu) { (dots()) }
            div.panel {
                p.panel-note {
                    (text::sentence(text.chat.logged_in_as, &[("user", &text::name(&chat.you))])) " "
                    (text::sentence(text.menu.expires, &[("when", &clock::moment(chat.expires_at_ms, text))]))
                }
                h2 { (text.menu.yours) }
                ul {
                    li { form method="post" action=(here("device")) { button.item { (text.menu.device) } } }
                    li { a.item href=(here("sessions")) { (text.menu.sessions) } }
                    li { form method="post" action=(here("return_code")) { button.item { (text.menu.return_code) } } }
                    @if chat.seat == 1 { li { a.item href=(here("invite")) { (text.menu.invite) } } }
                }
                h2 { (text.menu.settings) }
                ul {
                    li.needs-js { button.item.toggle type="button" #notifications aria-pressed="false" { (text.menu.notifications) } }
                    li.needs-js { button.item.toggle type="button" #sound aria-pressed="false" { (text.menu.sound) } }
                    li { (page::theme_switch(frame)) }
                    @if text::ALL.len() > 1 { li { (page::language_switch(frame)) } }
                }
                h2 { (text.menu.this_chat) }
                ul {
                    li { a.item href={ (here("download")) "?format=text" } download { (text.menu.download_text) } }
                    li { a.item href={ (here("download")) "?format=json" } download { (text.menu.download_json) } }
                    li { a.item href=(here("logout")) data-dialog="logout-dialog" { (text.menu.log_out) } }
                    li { a.item.danger href=(here("endchat")) data-dialog="end-dialog" { (text.menu.end) } }
                }
            }
        }
    }
}

fn dots() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" focusable="false" {
            circle cx="12" cy="5" r="2" {}
            circle cx="12" cy="12" r="2" {}
            circle cx="12" cy="19" r="2" {}
        }
    }
}
