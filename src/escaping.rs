//! Escapes people's texts for files.
//!
//! Conversations are read with editors, `cat` and `grep`: a text must not be able to begin a line that looks like
//! another message, nor send control sequences to a terminal. One pass over the text, at most nine bytes of
//! output per byte of input.

/// Indents every line of a text but its first.
const INDENT: &str = "\n    ";

/// A text in a text file: line breaks of every kind are indented, other controls shown.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {
                rest.next_if_eq(&'\n');
                out.push_str(INDENT);
            }
            // Characters that editors, Python or JavaScript treat as the end of a line.
            '\n' | '\u{B}' | '\u{C}' | '\u{1C}'..='\u{1E}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(INDENT);
            }
            '\t' => out.push(c),
            c if c.is_control() => out.push(picture(c)),
            c => out.push(c),
        }
    }
    out
}

/// Escapes JSON for a file. JSON allows DEL, C1 controls and Unicode's line breaks unescaped, but terminals
/// and old JavaScript engines interpret them.
pub fn json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7F}'..='\u{9F}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// The symbol for a control character: `␛` for ESC. C1 controls have none, so they become a
/// replacement character.
fn picture(control: char) -> char {
    match u32::from(control) {
        0x7F => '\u{2421}',
        code @ ..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_of_a_text_are_indented() {
        for end in [
            "\n", "\r", "\r\n", "\u{B}", "\u{C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{85}",
            "\u{2028}", "\u{2029}",
        ] {
            assert_eq!(
                text(&format!("a{end}[10:00] Anny: yes")),
                "a\n    [10:00] Anny: yes",
                "{end:?}"
            );
            assert_eq!(text(&format!("a{end}{end}")), "a\n    \n    ", "{end:?}");
        }
    }

    #[test]
    fn controls_are_seen_and_do_nothing() {
        let controls = (0..0x20).chain(0x7F..0xA0).filter_map(char::from_u32);
        for c in controls.filter(|c| *c != '\t') {
            let shown = text(&format!("a{c}[31m"));
            let acts = |c: char| c.is_control() && c != '\n';
            assert!(!shown.contains(acts), "{shown:?}");
        }
        assert_eq!(
            text("\u{1B}[31mred\u{7F}\u{9B}2J\ttab"),
            "␛[31mred␡\u{FFFD}2J\ttab"
        );
    }

    #[test]
    fn json_holds_no_control_and_is_read_back_as_it_was() {
        let whole: String = (0..0x2100).filter_map(char::from_u32).collect();
        let written = json(&serde_json::to_string(&whole).unwrap());
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        assert!(!written.contains(breaks));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), whole);
    }

    #[test]
    fn a_text_grows_by_a_bounded_factor() {
        for c in ["\n", "\u{1B}", "\u{9B}", "\u{2028}", "x"] {
            let long = c.repeat(16 * 1024 / c.len());
            let written = json(&serde_json::to_string(&long).unwrap());
            assert!(text(&long).len() <= 9 * long.len());
            assert!(written.len() <= 9 * long.len());
        }
    }
}
