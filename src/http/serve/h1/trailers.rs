//! Checks the trailers of a chunked body before the codec sees them. The codec skips whatever is there up to an empty line;
//! a lone LF may be that line to a proxy in front of this server, and then the two disagree on where the request ends.

/// Follows a chunked body as it arrives. Sizes, extensions and chunks are checked by the codec.
pub struct TrailerScan {
    place: Place,
    /// How much was scanned of what the codec has not taken yet.
    scanned: usize,
}

/// What the next byte is part of.
#[derive(Clone, Copy)]
enum Place {
    /// The digits of a chunk's size, which is this so far.
    Size(u64),
    /// The rest of the line with that size.
    Extension(u64),
    /// A chunk and the CRLF behind it, of which so many bytes are left.
    Chunk(u64),
    /// A line of the trailers; the last one is empty.
    Trailer { is_empty: bool },
    /// The LF behind a CR of the trailers.
    TrailerLf { is_empty: bool },
    /// Whatever follows the body.
    End,
}

impl Default for TrailerScan {
    fn default() -> Self {
        Self {
            place: Place::Size(0),
            scanned: 0,
        }
    }
}

impl TrailerScan {
    /// Scans what has arrived since the last call; `false` where trailers hold a control character, or a CR or LF alone.
    pub fn scan(&mut self, unparsed: &[u8]) -> bool {
        let mut new = unparsed.get(self.scanned..).unwrap_or_default();
        self.scanned = unparsed.len();
        while let Some((&byte, rest)) = new.split_first() {
            new = rest;
            self.place = match self.place {
                Place::Size(size) => match char::from(byte).to_digit(16) {
                    Some(digit) => Place::Size(size.saturating_mul(16) | u64::from(digit)),
                    None => Place::Extension(size),
                },
                Place::Extension(0) if byte == b'\n' => Place::Trailer { is_empty: true },
                Place::Extension(size) if byte == b'\n' => Place::Chunk(size.saturating_add(2)),
                Place::Extension(size) => Place::Extension(size),
                Place::Chunk(left) => {
                    let after = left - 1;
                    let skipped = rest.len().min(usize::try_from(after).unwrap_or(usize::MAX));
                    new = &rest[skipped..];
                    match after - skipped as u64 {
                        0 => Place::Size(0),
                        left => Place::Chunk(left),
                    }
                }
                Place::Trailer { is_empty } => match byte {
                    b'\r' => Place::TrailerLf { is_empty },
                    b'\t' | b' '..=b'~' | 0x80.. => Place::Trailer { is_empty: false },
                    _ => return false,
                },
                Place::TrailerLf { is_empty } => match (byte, is_empty) {
                    (b'\n', true) => Place::End,
                    (b'\n', false) => Place::Trailer { is_empty: true },
                    _ => return false,
                },
                Place::End => return true,
            };
        }
        true
    }

    /// Says how much the codec has left.
    pub fn left(&mut self, unparsed: usize) {
        self.scanned = unparsed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a body passes, as one piece and byte by byte.
    fn passes(body: &str) -> bool {
        let at_once = TrailerScan::default().scan(body.as_bytes());
        let mut scan = TrailerScan::default();
        let one_by_one = body.bytes().all(|byte| {
            scan.left(0);
            scan.scan(&[byte])
        });
        assert_eq!(at_once, one_by_one, "{body:?}");
        at_once
    }

    #[test]
    fn trailers_have_whole_line_ends_and_no_control_characters() {
        for good in [
            "2\r\n\n\r\r\n0\r\n\r\n",
            "2;a=b\r\n{}\r\n00\r\nA: b\r\nC:\td\u{e9}\r\n\r\n",
            "0\r\n\r\nGET\n\n",
            "ffffffffffffffffff\r\n\n\n\n",
        ] {
            assert!(passes(good), "{good:?}");
        }
        for bad in ["\n", "A: b\nC: d\r\n\r\n", "A: b\r\n\n", "\rA", "A: \0"] {
            for chunks in ["", "2\r\n{}\r\n", "1\r\n\n\r\n1;a\r\n\r\r\n"] {
                let body = format!("{chunks}0\r\n{bad}");
                assert!(!passes(&body), "{body:?}");
            }
        }
    }
}
