//! Every sentence a person reads, a file per language.
//!
//! A string may contain placeholders like `{peer}`. [`sentence`] fills them on a page, with each value in a `<bdi>` so that a
//! name does not change the direction of the sentence, and [`plain`] fills them in plain text: titles, labels, notifications.
//! English declares which strings there are. A language is one `static` of [`Text`]: a missing string does not compile, and a
//! test compares the placeholders of every string with those of the English one.

use maud::{Markup, Render, html};
use serde::Serialize;

mod arabic;
mod english;
mod negotiate;
mod strings;

pub use arabic::ARABIC;
pub use english::ENGLISH;
use english::*;
pub use negotiate::choose;
pub(crate) use strings::strings;

/// The strings of one language.
#[derive(Debug)]
pub struct Text {
    /// BCP 47 tag, for `lang`, the cookie and the form: `en`.
    pub tag: &'static str,
    /// The language's own name for itself.
    pub name: &'static str,
    /// `ltr` or `rtl`.
    pub dir: &'static str,
    pub(crate) category: fn(u64) -> Category,
    pub(crate) common: Common,
    pub(crate) date: Dates,
    pub(crate) name_fault: NameFaults,
    pub(crate) sealed: Sealed,
    pub(crate) register: Register,
    pub(crate) invite: Invite,
    pub(crate) login: Login,
    pub(crate) ask: Ask,
    pub(crate) replaced: Replaced,
    pub(crate) chat: Chat,
    pub(crate) menu: Menu,
    pub(crate) live: Live,
    pub(crate) device: Device,
    pub(crate) return_code: ReturnCode,
    pub(crate) sessions: Sessions,
    pub(crate) end: End,
    pub(crate) logout: Logout,
    pub(crate) error: Errors,
    pub(crate) wait_seconds: Plural,
    pub(crate) wait_minutes: Plural,
    /// Messages of an encrypted chat that the server left out.
    pub(crate) missing: Plural,
}

/// All languages, the default first.
pub static ALL: &[&Text] = &[&ENGLISH, &ARABIC];

/// The plural categories of Unicode CLDR, as `Intl.PluralRules` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    One,
    Two,
    Few,
    Many,
    Other,
}

/// A sentence that depends on a number, with `{n}` in it. A category that a language lacks is `None` and falls to `other`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Plural {
    pub(crate) one: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) two: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) few: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) many: Option<&'static str>,
    pub(crate) other: &'static str,
}

/// How dates are written on the server: names, and their order by places.
#[derive(Debug)]
pub(crate) struct Dates {
    pub(crate) months: [&'static str; 12],
    pub(crate) weekdays: [&'static str; 7],
    /// `{weekday} {day} {month}`
    pub(crate) day: &'static str,
    /// `{day} {month}, {time}`
    pub(crate) moment: &'static str,
}

impl Plural {
    /// For languages like English: one, and everything else.
    pub(crate) const fn two_forms(one: &'static str, other: &'static str) -> Self {
        Self {
            one,
            two: None,
            few: None,
            many: None,
            other,
        }
    }

    fn form(&self, category: Category) -> &'static str {
        match category {
            Category::One => Some(self.one),
            Category::Two => self.two,
            Category::Few => self.few,
            Category::Many => self.many,
            Category::Other => None,
        }
        .unwrap_or(self.other)
    }
}

impl Text {
    /// "20 seconds", "3 minutes": for "wait …, then try again".
    pub(crate) fn wait(&self, seconds: u64) -> String {
        let (count, plural) = if seconds < 120 {
            (seconds.max(1), &self.wait_seconds)
        } else {
            (seconds.div_ceil(60), &self.wait_minutes)
        };
        self.count(plural, count)
    }

    /// A sentence about a number, as `plural` of `say.js` fills it.
    pub(crate) fn count(&self, plural: &Plural, count: u64) -> String {
        let digits = count.to_string();
        let mut written = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                written.push(',');
            }
            written.push(digit);
        }
        plural.form((self.category)(count)).replace("{n}", &written)
    }
}

/// A string split at its placeholders: text and key alternate.
fn pieces(template: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    template.split_inclusive('}').map(|part| {
        match part.strip_suffix('}').and_then(|part| part.split_once('{')) {
            Some((before, key)) => (before, Some(key)),
            None => (part, None),
        }
    })
}

fn value<V: Copy>(template: &str, key: &str, values: &[(&str, V)]) -> V {
    let found = values
        .iter()
        .find(|(known, _)| *known == key)
        .map(|(_, value)| *value);
    found.unwrap_or_else(|| {
        panic!("the string {template:?} has a place {{{key}}} that nobody fills")
    })
}

/// A string with its placeholders filled with markup.
pub(crate) fn sentence(template: &'static str, values: &[(&str, &dyn Render)]) -> Markup {
    html! {
        @for (before, key) in pieces(template) {
            (before)
            @if let Some(key) = key { (value(template, key, values).render()) }
        }
    }
}

/// A string with its placeholders filled with text, each between isolates so that no name changes the direction of the
/// text around it.
pub(crate) fn plain(template: &'static str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (before, key) in pieces(template) {
        out.push_str(before);
        if let Some(key) = key {
            out.push('\u{2068}');
            out.push_str(value(template, key, values));
            out.push('\u{2069}');
        }
    }
    out
}

/// A person's name inside a sentence.
pub(crate) fn name(name: &str) -> Markup {
    html! { bdi { (name) } }
}

/// The name, or words for somebody who has none yet, at a sentence's beginning.
pub(crate) fn peer_or_other_start(text: &'static Text, peer: Option<&str>) -> Markup {
    peer.map_or_else(|| html! { (text.live.other_start) }, name)
}

/// An element for scripts to fill: `{key}` of a `<template>`.
pub(crate) fn slot(key: &str) -> Markup {
    html! { bdi data-fill=(key) {} }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    impl Plural {
        /// All forms, the general one last.
        pub(crate) fn forms(&self) -> Vec<&'static str> {
            let one_to_many = [Some(self.one), self.two, self.few, self.many];
            let forms = one_to_many.into_iter().chain([Some(self.other)]);
            forms.flatten().collect()
        }
    }

    impl Text {
        fn all(&self) -> Vec<(&'static str, Vec<&'static str>)> {
            [
                self.common.all(),
                self.name_fault.all(),
                self.sealed.all(),
                self.register.all(),
                self.invite.all(),
                self.login.all(),
                self.ask.all(),
                self.replaced.all(),
                self.chat.all(),
                self.menu.all(),
                self.live.all(),
                self.device.all(),
                self.return_code.all(),
                self.sessions.all(),
                self.end.all(),
                self.logout.all(),
                self.error.all(),
                vec![
                    ("wait_seconds", self.wait_seconds.forms()),
                    ("wait_minutes", self.wait_minutes.forms()),
                    ("missing", self.missing.forms()),
                ],
            ]
            .concat()
        }
    }

    fn places(words: &'static str) -> BTreeSet<&'static str> {
        pieces(words).filter_map(|(_, key)| key).collect()
    }

    #[test]
    fn no_language_lacks_a_string_or_a_place_in_one() {
        let english = ENGLISH.all();
        for text in ALL {
            for ((key, forms), (_, english)) in text.all().iter().zip(&english) {
                let empty = forms.iter().any(|words| words.trim().is_empty());
                assert!(!empty, "{}: {key} is empty", text.tag);
                // The general forms, as the others may leave the number out.
                let [words, english] = [forms, english].map(|forms| forms[forms.len() - 1]);
                assert_eq!(places(words), places(english), "{}: {key}", text.tag);
            }
        }
    }

    /// The words of the code, which nobody who was invited to a chat has been told.
    #[test]
    fn no_sentence_uses_a_word_that_only_the_code_knows() {
        let english = [
            "seat", "seats", "side", "sides", "session", "sessions", "lives",
        ];
        let arabic = ["مقعد", "مقاعد", "جلسة", "جلسات", "جهتي"];
        for text in ALL {
            for words in forms(text) {
                let lower = words.to_lowercase();
                let mut spoken = lower.split(|c: char| !c.is_alphabetic());
                assert!(!spoken.any(|word| english.contains(&word)), "{words}");
                assert!(!arabic.iter().any(|word| words.contains(word)), "{words}");
            }
        }
    }

    fn forms(text: &Text) -> impl Iterator<Item = &'static str> {
        text.all().into_iter().flat_map(|(_, forms)| forms)
    }

    #[test]
    fn punctuation_and_digits_are_those_of_the_language() {
        for words in forms(&ENGLISH) {
            let foreign = ['\'', '"', '،', '؛', '؟'];
            assert!(!words.contains(foreign), "{words}");
            assert!(!words.contains("..."), "{words}");
        }
        for words in forms(&ARABIC) {
            // A comma in a number groups its digits.
            let (before, after) = words.split_once(',').unwrap_or_default();
            let number = before.ends_with(char::is_numeric) && after.starts_with(char::is_numeric);
            assert!(!words.contains(',') || number, "{words}");
            assert!(!words.contains([';', '?', '\'', '"', '”', '“']), "{words}");
            assert!(!words.contains("..."), "{words}");
            // One kind of digits on a page, and the browser's own times have these.
            assert!(
                !words.contains(['٠', '١', '٢', '٣', '٤', '٥', '٦', '٧', '٨', '٩']),
                "{words}"
            );
            // A letter that stretches joins a name to what stands before it, and nothing else.
            assert!(words.replace("ـ{", "").find('ـ').is_none(), "{words}");
        }
    }

    #[test]
    fn arabic_counts_in_its_own_forms() {
        let new = |count| ARABIC.count(&ARABIC.live.new_messages, count);
        assert_eq!(new(1), "رسالة جديدة");
        assert_eq!(new(2), "رسالتان جديدتان");
        assert_eq!(new(3), "3 رسائل جديدة");
        assert_eq!(new(10), "10 رسائل جديدة");
        assert_eq!(new(11), "11 رسالة جديدة");
        assert_eq!(new(100), "100 رسالة جديدة");
        assert_eq!(new(102), "102 رسالة جديدة");
        assert_eq!(new(103), "103 رسائل جديدة");
        assert_eq!(ARABIC.wait(2), "ثانيتين");
        assert_eq!(ARABIC.wait(240), "4 دقائق");
        let missing = |count| ARABIC.count(&ARABIC.missing, count);
        assert_eq!(missing(2), "رسالتان من {peer} ناقصتان هنا.");
        assert_eq!(missing(5), "5 رسائل من {peer} ناقصة هنا.");
    }

    #[test]
    fn a_name_in_a_sentence_is_isolated_and_escaped() {
        let markup = sentence("Hello {user}, bye.", &[("user", &name("<b>"))]).into_string();
        assert_eq!(markup, "Hello <bdi>&lt;b&gt;</bdi>, bye.");
        assert_eq!(
            plain("Hello {user}.", &[("user", "Anny")]),
            "Hello \u{2068}Anny\u{2069}."
        );
    }

    #[test]
    fn waiting_is_told_in_seconds_then_in_minutes() {
        assert_eq!(ENGLISH.wait(0), "1 second");
        assert_eq!(ENGLISH.wait(40), "40 seconds");
        assert_eq!(ENGLISH.wait(121), "3 minutes");
    }

    #[test]
    fn large_numbers_are_written_in_groups() {
        let over = |count| ENGLISH.count(&ENGLISH.live.too_long, count);
        assert_eq!(over(1), "Too long by 1 character.");
        assert_eq!(over(999), "Too long by 999 characters.");
        assert_eq!(over(3_812), "Too long by 3,812 characters.");
        assert_eq!(over(1_032_192), "Too long by 1,032,192 characters.");
    }
}
