//! Which characters are visible, to tell blank texts and valid names.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic,
        JoiningType,
    },
};

/// Whether a text has no visible character.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// Whether a character has a visible glyph.
pub(super) fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    !c.is_whitespace() && !c.is_control() && !is_invisible(c)
}

/// Invisible characters other than white space and controls. Unicode has a property for most of them; the rest are
/// fillers and blanks with an empty glyph.
pub(super) fn is_invisible(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || matches!(c,
            '\u{2800}' // blank braille pattern
            | '\u{FFF9}'..='\u{FFFC}' // annotation marks, object replacement
            | '\u{13430}'..='\u{13442}' // Egyptian format controls and blanks
            | '\u{16FE4}' // Khitan filler
            | '\u{1D159}') // null notehead
}

/// Zero-width non-joiner and joiner.
pub(super) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Whether the joiner at `at` changes how its neighbours are drawn: RFC 5892, A.1 and A.2, and emoji sequences.
pub(super) fn joiner_fits(text: &[char], at: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + 1..]);
    let follows_virama = before.last().is_some_and(|c| {
        CodePointMapData::<CanonicalCombiningClass>::new().get(*c)
            == CanonicalCombiningClass::Virama
    });
    if follows_virama {
        return true;
    }
    if text[at] == '\u{200C}' {
        let types = CodePointMapData::<JoiningType>::new();
        let seen = |c: &char| Some(types.get(*c)).filter(|kind| *kind != JoiningType::Transparent);
        let left = before.iter().rev().find_map(seen);
        let right = after.iter().find_map(seen);
        return matches!(
            left,
            Some(JoiningType::LeftJoining | JoiningType::DualJoining)
        ) && matches!(
            right,
            Some(JoiningType::RightJoining | JoiningType::DualJoining)
        );
    }
    let pictures = CodePointSetData::new::<ExtendedPictographic>();
    let is_modifier =
        |c: char| c == '\u{FE0F}' || CodePointSetData::new::<EmojiModifier>().contains(c);
    let left = before.iter().rev().find(|c| !is_modifier(**c));
    left.zip(after.first())
        .is_some_and(|(left, right)| pictures.contains(*left) && pictures.contains(*right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_a_visible_character_are_blank() {
        for blank in [
            "",
            " \n\t\u{85}\u{3000}",
            "\u{200B}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{FEFF}\u{2060}\u{AD}",
            "\u{115F}\u{1160}\u{FFA0}",
            "\u{FE0F}\u{E0100}",
            "\u{E0041}",
            "\u{FFFC}",
            "\u{16FE4}",
            "\u{202E}\u{2066}\u{200E}",
            "\u{200D}\u{200C}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in [
            ".",
            "\u{200B}a",
            "ﷺ",
            "🙂",
            "\u{0600}",
            "क",
            "\u{E000}",
            "゛",
            "\u{301}",
        ] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }
}
