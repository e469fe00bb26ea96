//! What the head of a request must be before the codec sees it. The codec takes a lone LF for the
//! end of a line, as it may; whoever stands before this server may not, and then the two do not see
//! the same requests (RFC 9112, 2.2 and 11.2).

use std::ops::Range;

/// What came of looking through the head of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// All that has come is in order, and there is more to come.
    Part,
    /// It ends before this place.
    Whole(usize),
    /// This is no head of a request.
    Fault,
}

/// Looks through what has come, from where it was looked through before. Every byte is looked at
/// once, however slowly they come.
#[derive(Default)]
pub struct Scan {
    seen: usize,
    line_start: usize,
}

impl Scan {
    /// Whether nothing was looked at yet.
    pub fn is_at_start(&self) -> bool {
        self.seen == 0
    }

    /// Goes on with what has come since.
    pub fn go_on(&mut self, bytes: &[u8]) -> Seen {
        while let Some(byte) = bytes.get(self.seen) {
            match byte {
                b'\r' => match bytes.get(self.seen + 1) {
                    None => return Seen::Part,
                    Some(b'\n') if self.line_start == self.seen => {
                        return Seen::Whole(self.seen + 2);
                    }
                    Some(b'\n') => {
                        self.seen += 2;
                        self.line_start = self.seen;
                    }
                    Some(_) => return Seen::Fault,
                },
                b'\t' | b' '..=b'~' | 0x80.. => self.seen += 1,
                _ => return Seen::Fault,
            }
        }
        Seen::Part
    }
}

/// Makes nothing of a wish to speak another protocol: to ignore it is always allowed (RFC 9110,
/// 7.8), and the codec would take what follows for that protocol. The words are replaced by others
/// of the same length.
pub fn ignore_upgrade(head: &mut [u8]) {
    const UPGRADE: &[u8] = b"upgrade";
    const IGNORED: &[u8] = b"ignored";
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let (name, value) = line.split_at(colon);
            if name.eq_ignore_ascii_case(UPGRADE) {
                words.push(start..start + colon);
            } else if name.eq_ignore_ascii_case(b"connection") {
                let found = value.windows(UPGRADE.len()).enumerate();
                let found = found.filter(|(_, word)| word.eq_ignore_ascii_case(UPGRADE));
                words.extend(
                    found.map(|(at, _)| start + colon + at..start + colon + at + UPGRADE.len()),
                );
            }
        }
        start += line.len();
    }
    for word in words {
        head[word].copy_from_slice(IGNORED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_an_empty_line_however_it_comes() {
        let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        let mut scan = Scan::default();
        for end in 0..head.len() {
            assert_eq!(scan.go_on(&head[..end]), Seen::Part, "{end}");
        }
        let more = [&head[..], b"GET"].concat();
        assert_eq!(scan.go_on(&more), Seen::Whole(head.len()));
    }

    #[test]
    fn a_lone_cr_or_lf_and_what_is_no_text_are_faults() {
        for wrong in [
            "GET / HTTP/1.1\nHost: x\n\n",
            "GET / HTTP/1.1\r\nHost: x\n\r\n",
            "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
            "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(
                Scan::default().go_on(wrong.as_bytes()),
                Seen::Fault,
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn no_word_of_another_protocol_is_left() {
        let mut head = b"GET /upgrade HTTP/1.1\r\nUPGRADE: websocket\r\nConnection: keep-alive, \
                         Upgrade\r\nX-Upgrade: upgrade\r\n\r\n"
            .to_vec();
        ignore_upgrade(&mut head);
        let left = b"GET /upgrade HTTP/1.1\r\nignored: websocket\r\nConnection: keep-alive, \
                     ignored\r\nX-Upgrade: upgrade\r\n\r\n";
        assert_eq!(head, left);
    }
}
