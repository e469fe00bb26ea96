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
                ul {
                    li.needs-js { button.item.toggle type="button" #notifications aria-pressed="false" { (icon(BELL)) (text.menu.notifications) } }
                    li.needs-js { button.item.toggle type="button" #sound aria-pressed="false" { (icon(NOTE)) (text.menu.sound) } }
                    li.choose { (page::theme_switch(frame)) @if text::ALL.len() > 1 { (page::language_switch(frame)) } }
                }
                ul {
                    li { form method="post" action=(here("device")) { button.item { (icon(PHONE)) (text.menu.device) } } }
                    li { a.item href=(here("sessions")) { (icon(SCREEN)) (text.menu.sessions) } }
                    li { form method="post" action=(here("return_code")) { button.item { (icon(KEY)) (text.menu.return_code) } } }
                    li { a.item href=(here("invite")) { (icon(LINK)) (text.menu.link) } }
                }
                ul {
                    li { a.item href={ (here("download")) "?choose" } data-dialog="download-dialog" { (icon(DOWN)) (text.menu.download) } }
                    li { a.item href=(here("logout")) data-dialog="logout-dialog" { (icon(OUT)) (text.menu.log_out) } }
                    li { a.item.danger href=(here("endchat")) data-dialog="end-dialog" { (icon(BIN)) (text.menu.end) } }
                }
                p.panel-note {
                    (text::sentence(text.chat.logged_in_as, &[("user", &text::name(&chat.you))])) " "
                    (text::sentence(text.menu.expires, &[("when", &clock::until(chat.expires_at_ms, text))]))
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

// Shapes of the icons, drawn on 24 × 24 with a line of two.
const BELL: &str = "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4";
const NOTE: &str = "M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M19 6a8 8 0 0 1 0 12";
const PHONE: &str = "M8 3h8v18H8zM11 18h2";
const SCREEN: &str = "M3 5h18v11H3zM9 20h6";
const KEY: &str = "M4 16a4 4 0 1 0 8 0 4 4 0 1 0-8 0M11 13l9-9M15.5 8.5l3 3";
const LINK: &str = "M10 14l4-4M9 8l3-3a4 4 0 0 1 6 6l-3 3M15 16l-3 3a4 4 0 0 1-6-6l3-3";
const DOWN: &str = "M12 4v11M7 11l5 5 5-5M5 20h14";
const OUT: &str = "M10 4H5v16h5M10 12h10M16 8l4 4-4 4";
const BIN: &str = "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13";

fn icon(path: &str) -> Markup {
    html! { svg.icon-line viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d=(path) {} } }
}
