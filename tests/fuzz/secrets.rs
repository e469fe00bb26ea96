//! Hashes, tokens, codes and moments: what is read has the documented form, and is written back as
//! what it was.

#![no_main]

use actors::domain::{AccessCode, ChatKey, PairHash, Timestamp, Token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let hash = PairHash::parse(text);
    assert_eq!(
        hash.is_ok(),
        (6..=64).contains(&text.len()) && text.chars().all(plain)
    );
    if let Ok(hash) = hash {
        assert_eq!(hash.as_str(), text);
        let key = ChatKey::of(&hash);
        assert_eq!(ChatKey::from_tag(&key.tag()), Some(key));
    }
    if let Some(key) = ChatKey::from_tag(text) {
        assert_eq!(key.tag(), text);
    }
    if let Some(token) = Token::parse(text) {
        assert_eq!(token.reveal(), text);
        assert!(!format!("{token:?}").contains(text));
    }
    if let Ok(code) = AccessCode::parse(text) {
        let shown = code.reveal();
        assert_eq!(shown.len(), 19);
        assert!(AccessCode::parse(&shown).is_ok_and(|again| again == code));
    }
    if let Ok(moment) = Timestamp::parse_rfc3339(text) {
        let shown = moment.to_string();
        assert_eq!(shown.len(), "2026-11-23T10:00:00.000Z".len());
        assert_eq!(Timestamp::parse_rfc3339(&shown), Ok(moment));
    }
});
