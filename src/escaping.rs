//! Escapes people's texts for files.
//!
//! Conversations are read with editors, `cat` and `grep`: a text must not be able to begin a line that looks like
//! another message, nor send control sequences to a terminal. One pass over the text, at most nine bytes of
//! output per byte of input.

/// Stands in front of every line of a text but its first.
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
            // What editors, Python or JavaScript take for the end of a line.
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

/// JSON in a file. It lets DEL, C1 controls and Unicode's line breaks stand as they are; a terminal or an old
/// JavaScript does not.
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

/// The picture of a control: `␛` for ESC. C1 controls have none, so they become a replacement
/// character.
fn picture(control: char) -> char {
    match u32::from(control) {
        0x7F => '\u{2421}',
        code @ ..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::REPLACEMENT_CHARACTER,
    }
}
