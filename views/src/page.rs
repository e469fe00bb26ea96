//! The document around every page.

use maud::{DOCTYPE, Markup, html};

use crate::{
    address, assets,
    text::{self, Text},
};

/// What every page needs besides its own content.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The language, as chosen by cookie or `Accept-Language`: see [`text::choose`].
    pub text: &'static Text,
    /// The colours, as chosen by cookie.
    pub theme: Theme,
    /// Path and query of this page, to which the theme and language forms return.
    pub here: String,
    /// The server's clock in Unix milliseconds: decides what is "today".
    pub now_ms: i64,
}

/// The chosen colour theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// What the system says.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All of them, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The word for cookie and form: `auto`, `light` or `dark`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme that a cookie or form names; anything unknown is `Auto`, since a colour is never worth an error.
    pub fn parse(word: &str) -> Self {
        let named = Self::ALL.into_iter().find(|theme| theme.word() == word);
        named.unwrap_or_default()
    }
}

/// What differs between documents.
pub(crate) struct Head<'a> {
    pub(crate) title: &'a str,
    /// Names of style sheets beside `base.css`.
    pub(crate) styles: &'a [&'a str],
    pub(crate) script: &'a str,
    /// Other scripts that this one will ask for at once.
    pub(crate) preload: &'a [&'a str],
    /// Whether link previews are made of it, which need a description.
    pub(crate) preview: bool,
}

/// Paper in light and dark, as in `base.css`, for the browser's own bars.
const PAPER: [(&str, &str); 2] = [
    ("(prefers-color-scheme: light)", "#f6f2ea"),
    ("(prefers-color-scheme: dark)", "#14191a"),
];

/// The whole document.
///
/// The description and the preview never contain a name or a hash, since link robots read them.
pub(crate) fn document(frame: &Frame, head: &Head<'_>, body: &Markup) -> Markup {
    let text = frame.text;
    let theme = (frame.theme != Theme::Auto).then(|| frame.theme.word());
    html! {
        (DOCTYPE)
        html lang=(text.tag) dir=(text.dir) data-theme=[theme] data-now=(frame.now_ms) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content";
                title { (head.title) @if head.title != text.common.app { " · " (text.common.app) } }
                meta name="robots" content="noindex, nofollow";
                meta name="color-scheme" content="light dark";
                @if frame.theme == Theme::Auto {
                    @for (media, paper) in PAPER { meta name="theme-color" media=(media) content=(paper); }
                } @else {
                    meta name="theme-color" content=(PAPER[usize::from(frame.theme == Theme::Dark)].1);
                }
                @if head.preview {
                    meta name="description" content=(text.common.description);
                    meta property="og:title" content={ (text.common.app) ": " (text.common.tagline) };
                    meta property="og:description" content=(text.common.description);
                }
                link rel="icon" href=(assets::url("icon.svg")) type="image/svg+xml";
                link rel="apple-touch-icon" href=(assets::url("icon-192.png"));
                link rel="manifest" href=(assets::url("app.webmanifest"));
                link rel="stylesheet" href=(assets::url("base.css"));
                @for style in head.styles { link rel="stylesheet" href=(assets::url(style)); }
                // Runs before the first paint in browsers that support `blocking`; if it fails to load, the page is
                // painted without it.
                script type="module" blocking="render" src=(assets::url("every.js")) {}
                script type="module" src=(assets::url(head.script)) {}
                @for script in head.preload { link rel="modulepreload" href=(assets::url(script)); }
            }
            (body)
        }
    }
}

/// A page with a single card: all pages but the chat.
pub(crate) fn sheet(frame: &Frame, title: &str, content: &Markup) -> Markup {
    sheet_with(frame, title, &[], content)
}

/// The same, with scripts to preload because the page's script imports them at once.
pub(crate) fn sheet_with(frame: &Frame, title: &str, preload: &[&str], content: &Markup) -> Markup {
    let text = frame.text;
    let head = Head {
        title,
        styles: &[],
        script: "page.js",
        preload,
        preview: true,
    };
    let body = html! {
        body.sheet {
            a.skip href="#main" { (text.common.skip) }
            header.masthead {
                a.brand href=(address::REGISTER) aria-label=(text.common.home) { (logo()) span.wordmark { (text.common.app) } }
            }
            main #main { (content) }
            footer.footing {
                (theme_switch(frame))
                (language_switch(frame))
            }
        }
    };
    document(frame, &head, &body)
}

/// Two voices, overlapping.
pub(crate) fn logo() -> Markup {
    html! {
        svg.logo viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            circle.logo-one cx="12.5" cy="13.5" r="9.5" {}
            circle.logo-two cx="20.5" cy="17.5" r="8.5" {}
        }
    }
}

/// Three buttons that post the choice; a script answers at once and posts in the background.
pub(crate) fn theme_switch(frame: &Frame) -> Markup {
    let text = &frame.text.common;
    html! {
        form.switch method="post" action=(address::PREFERENCES) data-theme-switch {
            input type="hidden" name="back" value=(frame.here);
            fieldset {
                legend { (text.theme) }
                div.segments {
                    @for theme in Theme::ALL {
                        @let label = match theme {
                            Theme::Auto => text.theme_auto,
                            Theme::Light => text.theme_light,
                            Theme::Dark => text.theme_dark,
                        };
                        button name="theme" value=(theme.word()) aria-pressed=(frame.theme == theme) { (label) }
                    }
                }
            }
        }
    }
}

/// Empty if there is only one language.
pub(crate) fn language_switch(frame: &Frame) -> Markup {
    html! {
        @if text::ALL.len() > 1 {
            form.switch method="post" action=(address::PREFERENCES) {
                input type="hidden" name="back" value=(frame.here);
                fieldset {
                    legend { (frame.text.common.language) }
                    div.segments {
                        @for language in text::ALL {
                            button name="language" value=(language.tag) lang=(language.tag) dir=(language.dir)
                                aria-pressed=(language.tag == frame.text.tag) { (language.name) }
                        }
                    }
                }
            }
        }
    }
}
