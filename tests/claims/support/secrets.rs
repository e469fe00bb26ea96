//! What a run must not give away, and the search for it.

use super::store::holds;

/// A log that tells everything it can.
pub const FILTER: &str = "trace";

/// What must not be found, with a word for what each is.
#[derive(Default)]
pub struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    /// A text.
    pub fn add(&mut self, what: &str, secret: &str) {
        assert!(
            secret.len() >= 6,
            "{what} could be found by accident: {secret}"
        );
        self.0.push((what.into(), secret.into()));
    }

    /// A code, as it is shown and as it may be typed.
    pub fn add_code(&mut self, what: &str, code: &str) {
        self.add(what, code);
        self.add(what, &code.replace('-', ""));
    }

    /// A token, as it travels and in its shorter, binary form.
    pub fn add_token(&mut self, what: &str, token: &str) {
        // The part before the dot is a digest, which names a chat without giving its link away.
        let secret = token.split_once('.').unwrap().1;
        self.add(what, secret);
        let what = format!("{what} in binary");
        self.0.push((what, from_base64url(secret)));
    }

    /// Nothing of it is in a text.
    #[track_caller]
    pub fn assert_not_in(&self, place: &str, text: &str) {
        for (number, line) in text.lines().enumerate() {
            if let Some(what) = self.found_in(line.as_bytes()).first() {
                panic!("{what} in line {number} of {place}: {line}");
            }
        }
    }

    /// Nothing of it is in a file.
    #[track_caller]
    pub fn assert_not_in_bytes(&self, place: &str, bytes: &[u8]) {
        let found = self.found_in(bytes);
        assert!(found.is_empty(), "{found:?} in {place}");
    }

    /// What of it is there.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let found = self.0.iter().filter(|(_, secret)| holds(bytes, secret));
        found.map(|(what, _)| what.as_str()).collect()
    }
}

fn from_base64url(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte).unwrap();
        bits = bits << 6 | value as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
