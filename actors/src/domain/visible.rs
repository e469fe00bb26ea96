//! Which characters leave a mark on the screen: what is blank and what may stand in a name depend on it.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{
        CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic,
        JoiningType,
    },
};

/// Whether nothing of a text can be seen.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_visible)
}

/// Whether a character has a glyph with ink in it.
pub(super) fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    !c.is_whitespace() && !c.is_control() && !is_invisible(c)
}

/// Characters that show nothing although they are neither white space nor controls. Unicode has a
/// property for most of them; the rest are fillers and blanks with an empty glyph of their own.
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

/// Whether the joiner at `at` changes how its neighbours are written, so that it can be seen:
/// the rules of RFC 5892, A.1 and A.2, and sequences of emoji.
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
    let dress = |c: char| c == '\u{FE0F}' || CodePointSetData::new::<EmojiModifier>().contains(c);
    let left = before.iter().rev().find(|c| !dress(**c));
    left.zip(after.first())
        .is_some_and(|(left, right)| pictures.contains(*left) && pictures.contains(*right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_ink_are_blank_in_whatever_way_they_are_empty() {
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
