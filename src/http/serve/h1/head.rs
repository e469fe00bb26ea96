//! Checks the head of a request before the codec sees it. The codec accepts a lone LF as the end of a
//! line, as it may; a proxy in front of this server may not, and then the two disagree on where a request
//! ends: request smuggling (RFC 9112, 2.2 and 11.2).

use std::ops::Range;

/// How much of a request's head has arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Scanned {
    /// Valid so far, and not complete.
    Partial,
    /// Complete: the length of the head.
    Complete(usize),
    /// Not the head of a request.
    Invalid,
}

/// Scans the head incrementally: every byte is looked at once, however slowly they arrive.
#[derive(Default)]
pub struct HeadScan {
    scanned: usize,
    line_start: usize,
}

impl HeadScan {
    /// Whether no byte was scanned yet.
    pub fn is_at_start(&self) -> bool {
        self.scanned == 0
    }

    /// Goes on where the last call ended; `bytes` is everything from the start of the head.
    pub fn scan(&mut self, bytes: &[u8]) -> Scanned {
        while let Some(byte) = bytes.get(self.scanned) {
            match byte {
                b'\r' => match bytes.get(self.scanned + 1) {
                    None => return Scanned::Partial,
                    Some(b'\n') if self.line_start == self.scanned => {
                        return Scanned::Complete(self.scanned + 2);
                    }
                    Some(b'\n') => {
                        self.scanned += 2;
                        self.line_start = self.scanned;
                    }
                    Some(_) => return Scanned::Invalid,
                },
                b'\t' | b' '..=b'~' | 0x80.. => self.scanned += 1,
                _ => return Scanned::Invalid,
            }
        }
        Scanned::Partial
    }
}

/// Ignores `Upgrade`, as a server always may (RFC 9110, 7.8): the codec would take what follows for the other
/// protocol. The words are overwritten in place with others of the same length.
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
        let mut head_scan = HeadScan::default();
        for end in 0..head.len() {
            assert_eq!(head_scan.scan(&head[..end]), Scanned::Partial, "{end}");
        }
        let more = [&head[..], b"GET"].concat();
        assert_eq!(head_scan.scan(&more), Scanned::Complete(head.len()));
    }

    #[test]
    fn an_upgrade_is_overwritten() {
        let mut head = b"GET /upgrade HTTP/1.1\r\nUPGRADE: websocket\r\nConnection: keep-alive, \
                         Upgrade\r\nX-Upgrade: upgrade\r\n\r\n"
            .to_vec();
        ignore_upgrade(&mut head);
        let left = b"GET /upgrade HTTP/1.1\r\nignored: websocket\r\nConnection: keep-alive, \
                     ignored\r\nX-Upgrade: upgrade\r\n\r\n";
        assert_eq!(head, left);
    }
}
