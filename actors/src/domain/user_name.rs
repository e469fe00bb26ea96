use std::{fmt, sync::Arc};

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use super::{
    Invalid,
    visible::{is_invisible, is_joiner, is_visible, joiner_fits},
};

/// The longest name, in Unicode scalar values after normalisation.
pub const NAME_CHARS_MAX: usize = 40;

/// A person's name in a chat: trimmed, with single spaces, NFC, 1 to 40 characters, at least one of them visible and
/// none a control or invisible one. Names are compared after case folding.
#[derive(Debug, Clone)]
pub struct UserName(Arc<str>);

impl UserName {
    /// Parses what a person typed.
    ///
    /// # Errors
    /// [`Invalid`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shown: Vec<char> = with_single_spaces(text.trim())
            .nfc()
            .take(NAME_CHARS_MAX + 1)
            .collect();
        if shown.len() > NAME_CHARS_MAX {
            return Err(Invalid("A name has at most 40 characters."));
        }
        let hides = |(at, c): (usize, &char)| match c {
            c if is_variation(*c) => false,
            c if is_joiner(*c) => !joiner_fits(&shown, at),
            c => is_hidden(*c),
        };
        if shown.iter().enumerate().any(hides) {
            return Err(Invalid(
                "A name cannot hold control characters or characters that cannot be seen.",
            ));
        }
        if !shown.iter().any(|c| is_visible(*c) && !is_mark(*c)) {
            return Err(Invalid(
                "A name has at least one character that can be seen.",
            ));
        }
        Ok(Self(shown.into_iter().collect::<String>().into()))
    }

    /// From the store, without checks: a name that [`parse`](Self::parse) refuses today may have been accepted earlier.
    pub fn from_store(text: &str) -> Self {
        Self(text.into())
    }

    /// The name as typed, normalised.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        // Mostly they are written the same.
        self.0 == other.0 || fold(&self.0) == fold(&other.0)
    }
}

impl Eq for UserName {}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The form for comparisons: canonical caseless matching (Unicode, section 3.13, D145) without variation selectors and
/// joiners, which only change how a name is drawn and may be left out when it is typed again.
fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let drawn_only = |c: &char| is_variation(*c) || is_joiner(*c);
    let plain: String = name.chars().filter(|c| !drawn_only(c)).nfd().collect();
    caseless::default_case_fold_str(&plain).nfc().collect()
}

/// Collapses each run of spaces into one.
fn with_single_spaces(text: &str) -> impl Iterator<Item = char> {
    let mut in_space = false;
    text.chars().filter_map(move |c| {
        let space = is_space(c);
        let again = std::mem::replace(&mut in_space, space) && space;
        (!again).then_some(if space { ' ' } else { c })
    })
}

/// Spaces of any kind. Line breaks and tabs are control characters, which are refused.
fn is_space(c: char) -> bool {
    c.general_category() == GeneralCategory::SpaceSeparator
}

/// Combining marks such as accents.
fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Variation selectors, which emoji keyboards add.
fn is_variation(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// Control and format characters (bidirectional ones included), line and paragraph separators, private-use and
/// unassigned characters, and those with an empty glyph.
fn is_hidden(c: char) -> bool {
    use GeneralCategory as G;
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let unseen_category = matches!(
        c.general_category(),
        G::Control
            | G::Format
            | G::LineSeparator
            | G::ParagraphSeparator
            | G::PrivateUse
            | G::Surrogate
            | G::Unassigned
    );
    unseen_category || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap()
    }

    #[test]
    fn names_are_trimmed_and_normalised() {
        assert_eq!(name("  Zoe\u{308} ").as_str(), "Zoë");
        assert_eq!(name("A \u{A0} B").as_str(), "A B");
    }

    #[test]
    fn names_that_look_different_are_different() {
        assert_ne!(name("A B"), name("AB"));
        assert_ne!(name("Ann"), name("Anne"));
    }

    #[test]
    fn joiners_stand_where_a_script_needs_them() {
        for good in [
            "علی\u{200C}رضا",
            "خانه\u{200C}ها",
            "क्\u{200D}ष",
            "ක්\u{200D}ෂ",
            "👩\u{200D}💻",
            "👩🏽\u{200D}🚀",
            "❤\u{FE0F}\u{200D}🔥",
        ] {
            assert_eq!(name(good).as_str(), good);
        }
        for bad in [
            "a\u{200C}b",
            "a\u{200D}b",
            "\u{200C}علی",
            "علی\u{200C}",
            "د\u{200C}د",
            "👩\u{200D}",
            "👩\u{200D}a",
            "علی\u{200D}رضا",
        ] {
            assert!(UserName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_every_script_are_taken() {
        for good in [
            "A",
            "O'Brien",
            "李小龙",
            "José María",
            "🙂",
            "❤️",
            &"é".repeat(40),
        ] {
            assert!(UserName::parse(good).is_ok(), "{good:?}");
        }
    }
}
