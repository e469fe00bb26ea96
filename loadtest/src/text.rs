//! Texts of a given size that are worth checking: characters of every length in UTF-8, and those that JSON and
//! server-sent events have to escape.

const SAMPLE: &str = "Grüße an „Anny“: \"so\" \\ <b>&amp;</b> – 你好, 🙂👩‍👩‍👧 e\u{301}\r\n\tdata: x\n\nid: 7\u{2028}\u{1}  ";

/// Makes the texts of a run.
#[derive(Debug)]
pub struct Texts {
    filling: String,
    len: usize,
}

impl Texts {
    /// Texts of exactly `len` bytes of UTF-8, one at least.
    pub fn of(len: usize) -> Self {
        Self {
            filling: SAMPLE.repeat(len / SAMPLE.len() + 1),
            len: len.max(1),
        }
    }

    /// The same for what carries texts in XML, which has no place for most control characters and keeps no carriage return.
    pub fn for_xml(len: usize) -> Self {
        let mut texts = Self::of(len);
        texts.filling = texts.filling.replace(['\r', '\u{1}'], "~");
        texts
    }

    /// The text of message `number`: different from every other as far as its size allows.
    pub fn text(&self, number: u64) -> String {
        let digits = number.to_string();
        if digits.len() >= self.len {
            return digits[digits.len() - self.len..].to_owned();
        }
        let mut text = String::with_capacity(self.len);
        text.push_str(&digits);
        text.push(' ');
        let filling = self.filling.floor_char_boundary(self.len - text.len());
        text.push_str(&self.filling[..filling]);
        // The last character of the filling may not have fitted.
        while text.len() < self.len {
            text.push('.');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_size_that_was_asked_for_and_are_never_blank() {
        for len in (1..300).chain([16 << 10]) {
            let texts = Texts::of(len);
            for number in [0, 9, 10, 123_456_789] {
                let text = texts.text(number);
                assert_eq!(text.len(), len);
                assert!(!text.trim().is_empty());
            }
        }
    }

    #[test]
    fn xml_can_carry_what_is_for_it() {
        for len in [1, 100, 1000] {
            let text = Texts::for_xml(len).text(7);
            assert_eq!(text.len(), len);
            let is_carried = |c: char| !c.is_ascii_control() || matches!(c, '\t' | '\n');
            assert!(text.chars().all(is_carried), "{text:?}");
        }
    }

    #[test]
    fn texts_differ() {
        let texts = Texts::of(100);
        let all: std::collections::HashSet<_> =
            (0..1000).map(|number| texts.text(number)).collect();
        assert_eq!(all.len(), 1000);
    }
}
