//! Which characters a link may contain, and which end it.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, Emoji, GeneralCategory, GeneralCategoryGroup},
};

/// What may stand in a domain or before the `@` of a mail address. Marks too: `é` may be written as two characters.
pub(super) fn in_word(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c) || matches!(c, '.' | '_' | '%' | '+' | '-')
}

pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii()
        && GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

/// Letters that stand beside Latin ones without a space: Hebrew and Arabic, which put short words in front, Thai and its
/// neighbours, Chinese, Japanese, Korean.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8FF}' | '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{11FF}' | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{FB1D}'..='\u{FEFE}' | '\u{FF66}'..='\u{FFDC}'
        | '\u{20000}'..='\u{3FFFF}')
}

/// Whether a word ends between these two, although both may stand in one.
pub(super) fn are_apart(before: Option<char>, c: char) -> bool {
    before.is_some_and(|before| {
        (is_unspaced(before) && c.is_ascii_alphanumeric())
            || (before.is_ascii_alphanumeric() && is_unspaced(c))
    })
}

/// What no domain goes on behind, though a path does.
pub(super) fn ends_host(c: char) -> bool {
    matches!(
        c,
        '!' | '$' | '&' | '\'' | '(' | ')' | '*' | ',' | ';' | '=' | '{' | '}' | '|' | '^' | '’'
    ) || (!c.is_ascii() && CodePointSetData::new::<Emoji>().contains(c))
}

/// What the sentence, not the link, ends with. An opening bracket too: nothing was written into it.
pub(super) fn ends_sentence(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '|' | '(' | '[' | '{'
    ) || matches!(c, '·' | '’' | '…' | '–')
}

/// What no link goes on behind. An invisible character could dress one address up as another.
pub(super) fn ends_link(c: char) -> bool {
    use GeneralCategory as G;
    if c.is_ascii() {
        return c.is_ascii_control() || matches!(c, ' ' | '<' | '>' | '"' | '`');
    }
    let hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        && !matches!(c, '\u{FE0E}' | '\u{FE0F}');
    let punctuation = matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        G::OtherPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
    ) && !matches!(c, '·' | '’' | '…');
    c.is_whitespace()
        || c.is_control()
        || hidden
        || punctuation
        || matches!(c, '—' | '\u{2800}' | '\u{FFF9}'..='\u{FFFC}')
}
