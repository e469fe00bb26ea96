use std::{fmt, sync::Arc};

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::Invalid;

/// The longest name, in Unicode scalar values after normalisation.
pub const NAME_CHARS_MAX: usize = 40;

/// A person's name in a chat: trimmed, NFC, 1 to 40 characters, none of them a control or an
/// invisible one. Two names are the same when they are equal after case folding.
#[derive(Debug, Clone)]
pub struct UserName {
    shown: Arc<str>,
    folded: Arc<str>,
}

impl UserName {
    /// Parses what a person typed.
    ///
    /// # Errors
    /// [`Invalid`] says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shown: String = text.trim().nfc().take(NAME_CHARS_MAX + 1).collect();
        if shown.is_empty() {
            return Err(Invalid("A name has at least one character."));
        }
        if shown.chars().count() > NAME_CHARS_MAX {
            return Err(Invalid("A name has at most 40 characters."));
        }
        if shown.chars().any(|c| is_unseen(c) && !is_variation(c)) {
            return Err(Invalid(
                "A name cannot hold control characters or characters that cannot be seen.",
            ));
        }
        let folded = fold(&shown);
        if folded.is_empty() {
            return Err(Invalid("A name has at least one character."));
        }
        Ok(Self {
            shown: shown.into(),
            folded: folded.into(),
        })
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.shown
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for UserName {}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The form in which names are compared: canonical caseless matching (Unicode, section 3.13,
/// D145), blind to variation selectors because they change a glyph's look and not its identity.
fn fold(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let plain: String = name.chars().filter(|c| !is_variation(*c)).nfd().collect();
    caseless::default_case_fold_str(&plain).nfc().collect()
}

/// Emoji keyboards put these behind a symbol, so they are let through.
fn is_variation(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// Controls (bidirectional ones included), format characters, line and paragraph separators,
/// private and unassigned ones, and those with an empty glyph of their own.
fn is_unseen(c: char) -> bool {
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
    // Default_Ignorable_Code_Point outside category Cf, and the blank braille pattern.
    let empty_glyph = matches!(c,
        '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}');
    unseen_category || empty_glyph
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_normalised() {
        assert_eq!(UserName::parse("  Zoe\u{308} ").unwrap().as_str(), "Zoë");
    }

    #[test]
    fn names_that_differ_in_case_alone_are_the_same() {
        for (a, b) in [
            ("Abhi", "aBHI"),
            ("STRASSE", "straße"),
            ("ΣΊΣΥΦΟΣ", "Σίσυφος"),
            ("A❤️", "a❤"),
        ] {
            assert_eq!(UserName::parse(a).unwrap(), UserName::parse(b).unwrap());
        }
        assert_ne!(
            UserName::parse("Ann").unwrap(),
            UserName::parse("Anne").unwrap()
        );
    }

    #[test]
    fn names_nobody_could_see_or_tell_apart_are_refused() {
        for bad in [
            "",
            "   ",
            "a\u{0}b",
            "a\nb",
            "a\u{202E}b",
            "a\u{200B}b",
            "a\u{2066}b",
            "\u{FEFF}a b\u{FEFF}",
            "\u{3164}",
            "\u{FE0F}",
            "a\u{E0041}",
            "a\u{E000}",
            &"x".repeat(41),
        ] {
            assert!(UserName::parse(bad).is_err(), "{bad:?}");
        }
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
