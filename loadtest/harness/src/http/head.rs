//! The head of an answer: its status and the few headers that decide how to go on.

use std::time::Duration;

use super::{body::Framing, connection::WireError};

/// No server of this API has a reason to send more.
const HEADERS_MAX: usize = 64;

#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// Whether the connection may carry another request after this answer.
    pub(crate) keep_alive: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl Head {
    /// Reads a head from the front of `bytes`: `None` while it is incomplete, else the head and its length in bytes.
    /// Interim answers (1xx) are counted into the length and otherwise passed over.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        let mut skipped = 0;
        loop {
            let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response
                .parse(&bytes[skipped..])
                .map_err(|reason| WireError::Malformed(reason.to_string()))?;
            let httparse::Status::Complete(length) = parsed else {
                return Ok(None);
            };
            let status = response.code.unwrap_or(0);
            skipped += length;
            if !(100..200).contains(&status) {
                return Ok(Some((Self::of(&response, status)?, skipped)));
            }
        }
    }

    fn of(response: &httparse::Response<'_, '_>, status: u16) -> Result<Self, WireError> {
        let mut keep_alive = response.version == Some(1);
        let mut framing = Framing::UntilClose;
        let mut retry_after = None;
        for header in response.headers.iter() {
            let value = str::from_utf8(header.value).unwrap_or("").trim();
            if header.name.eq_ignore_ascii_case("content-length") {
                let length = value
                    .parse()
                    .map_err(|_| WireError::Malformed(format!("content-length: {value}")))?;
                // Chunking wins over a length, whichever comes first (RFC 9112, section 6.3).
                if framing == Framing::UntilClose {
                    framing = Framing::Length(length);
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                framing = Framing::Chunked;
            } else if header.name.eq_ignore_ascii_case("connection") {
                keep_alive = keep_alive && !value.eq_ignore_ascii_case("close");
            } else if header.name.eq_ignore_ascii_case("retry-after") {
                retry_after = self::retry_after(value);
            }
        }
        if matches!(status, 204 | 304) {
            framing = Framing::Length(0);
        }
        keep_alive &= framing != Framing::UntilClose;
        Ok(Self {
            status,
            framing,
            keep_alive,
            retry_after,
        })
    }
}

/// `Retry-After` in seconds; its other form, a date, is one that no server of this API uses.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        Head::parse(text.as_bytes())
            .unwrap()
            .expect("the head is complete")
            .0
    }

    #[test]
    fn an_incomplete_head_asks_for_more() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None);
    }

    #[test]
    fn status_length_and_retry_after_are_read() {
        let text =
            "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 7\r\nRetry-After: 3\r\n\r\nrefused";
        let (head, length) = Head::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(&text[length..], "refused");
        assert_eq!(head.status, 429);
        assert_eq!(head.framing, Framing::Length(7));
        assert_eq!(head.retry_after, Some(Duration::from_secs(3)));
        assert!(head.keep_alive);
    }

    #[test]
    fn an_interim_answer_is_passed_over() {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
        let (head, length) = Head::parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (head.status, head.framing, length),
            (204, Framing::Length(0), text.len())
        );
    }

    #[test]
    fn a_connection_is_kept_only_when_the_server_keeps_it_and_the_body_has_an_end() {
        assert!(head("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").keep_alive);
        assert!(
            !head("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n").keep_alive
        );
        assert!(!head("HTTP/1.1 200 OK\r\n\r\n").keep_alive);
        assert!(!head("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").keep_alive);
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        assert!(Head::parse(b"SSH-2.0-OpenSSH_9.2\r\n").is_err());
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
    }
}
