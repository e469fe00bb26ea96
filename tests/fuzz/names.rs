//! Names and texts: what is taken keeps the documented limits, and is taken again for what it is.

#![no_main]

use actors::domain::{MessageText, NAME_CHARS_MAX, TEXT_BYTES_MAX, UserName};
use libfuzzer_sys::fuzz_target;
use unicode_normalization::{UnicodeNormalization, is_nfc};

fuzz_target!(|text: &str| {
    if let Ok(name) = UserName::parse(text) {
        let shown = name.as_str();
        assert!((1..=NAME_CHARS_MAX).contains(&shown.chars().count()));
        assert!(is_nfc(shown) && shown.trim() == shown);
        assert!(!shown.contains(|c: char| c.is_control() || is_bidi_control(c)));
        for same in [
            shown.to_owned(),
            shown.nfd().collect(),
            format!(" {shown}\u{3000}"),
        ] {
            let again = UserName::parse(&same).expect("it was a name before");
            assert_eq!((again.as_str(), &again), (shown, &name));
        }
    }
    if let Ok(taken) = MessageText::parse(text.to_owned()) {
        assert_eq!(taken.as_str(), text);
        assert!((1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.contains('\0'));
        assert!(text.contains(|c: char| !c.is_whitespace()));
    }
});

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
