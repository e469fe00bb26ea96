//! Which language a request gets.

use super::{ALL, ENGLISH, Text};

/// The language for a request: the cookie's word if it is one of ours, else the best of `Accept-Language`, else English.
pub fn choose(cookie: Option<&str>, accept_language: Option<&str>) -> &'static Text {
    let chosen = cookie.and_then(by_tag);
    chosen
        .or_else(|| accept_language.and_then(best))
        .unwrap_or(&ENGLISH)
}

/// A language by its tag or by its primary part: `en-GB` finds `en`.
fn by_tag(tag: &str) -> Option<&'static Text> {
    let primary = tag.split('-').next().unwrap_or(tag).trim();
    ALL.iter()
        .copied()
        .find(|text| text.tag.eq_ignore_ascii_case(primary))
}

/// The known language with the highest `q`; the first one of equals, as the header's order is a preference too.
fn best(header: &str) -> Option<&'static Text> {
    let mut best: Option<(f32, &'static Text)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';');
        let Some(text) = parts.next().and_then(by_tag) else {
            continue;
        };
        let weight = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if weight > best.map_or(0.0, |(known, _)| known) {
            best = Some((weight, text));
        }
    }
    best.map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_beats_the_header_and_nonsense_falls_to_english() {
        assert_eq!(choose(Some("en"), Some("fr")).tag, "en");
        assert_eq!(choose(Some("klingon"), Some("q=;;,")).tag, "en");
        assert_eq!(choose(None, None).tag, "en");
    }

    #[test]
    fn a_regional_tag_finds_its_language() {
        assert_eq!(best("xx;q=1, en-GB;q=0.5").map(|text| text.tag), Some("en"));
        assert!(best("en;q=0").is_none());
    }
}
