//! Messages that are a few emoji and nothing else.

use icu_properties::{CodePointSetData, props::Emoji};
use unicode_segmentation::UnicodeSegmentation as _;

/// More than a handful reads as text again.
const BIG_EMOJI_MAX: usize = 6;

/// Whether a message is a few emoji and nothing else. Counted as people count: a family is one.
pub(crate) fn only_emoji(text: &str) -> bool {
    let mut count = 0;
    for cluster in text.graphemes(true) {
        super::steps::took(cluster.len());
        if cluster.chars().all(char::is_whitespace) {
            continue;
        }
        count += 1;
        if count > BIG_EMOJI_MAX || !is_emoji(cluster) {
            return false;
        }
    }
    count > 0
}

/// Symbols from here on are pictures by themselves; those before (`©`, `↔`) only where a selector says so.
const PICTURES_FROM: char = '\u{231A}';

fn is_emoji(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    if matches!(first, '#' | '*' | '0'..='9') {
        return matches!(chars.as_str(), "\u{20E3}" | "\u{FE0F}\u{20E3}");
    }
    let emoji = CodePointSetData::new::<Emoji>();
    let dress = |c: char| {
        matches!(c, '\u{200D}' | '\u{FE0F}' | '\u{E0020}'..='\u{E007F}') || emoji.contains(c)
    };
    emoji.contains(first)
        && (first >= PICTURES_FROM || cluster.contains('\u{FE0F}'))
        && chars.all(dress)
}
