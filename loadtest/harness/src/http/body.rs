//! How a body is delimited, taken apart piece by piece as its bytes arrive.

use super::connection::WireError;

/// What the head said about the end of the body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// Cuts the content out of the bytes of one body, in place and across any boundary of reads.
#[derive(Debug)]
pub(crate) struct Decoder(State);

#[derive(Clone, Copy, Debug)]
enum State {
    /// Content up to this many bytes, then the end.
    Counted(u64),
    /// Content until the connection closes.
    Open,
    /// In a chunk's size line: the size so far, and whether its digits are over (an extension follows, which is ignored).
    Size {
        size: u64,
        digits_over: bool,
    },
    /// In a chunk's content.
    Chunk(u64),
    /// In the line end after a chunk's content.
    AfterChunk,
    /// In the trailers: whether the line has been empty so far.
    Trailer {
        empty: bool,
    },
    Finished,
}

const NEXT_CHUNK: State = State::Size {
    size: 0,
    digits_over: false,
};

impl Decoder {
    pub(crate) fn new(framing: Framing) -> Self {
        Self(match framing {
            Framing::Length(0) => State::Finished,
            Framing::Length(length) => State::Counted(length),
            Framing::Chunked => NEXT_CHUNK,
            Framing::UntilClose => State::Open,
        })
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.0, State::Finished)
    }

    /// Whether a close of the connection at this point is the body's proper end.
    pub(crate) fn may_close(&self) -> bool {
        matches!(self.0, State::Finished | State::Open)
    }

    /// Takes the next run of content from the front of `input` and moves `input` behind it; `None` when `input` is used
    /// up or the body is finished.
    pub(crate) fn content<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<&'a [u8]>, WireError> {
        loop {
            match self.0 {
                State::Finished => return Ok(None),
                _ if input.is_empty() => return Ok(None),
                State::Open => return Ok(Some(std::mem::take(input))),
                State::Counted(left) => {
                    let (content, left) = take(input, left);
                    self.0 = if left == 0 {
                        State::Finished
                    } else {
                        State::Counted(left)
                    };
                    return Ok(Some(content));
                }
                State::Chunk(left) => {
                    let (content, left) = take(input, left);
                    self.0 = if left == 0 {
                        State::AfterChunk
                    } else {
                        State::Chunk(left)
                    };
                    return Ok(Some(content));
                }
                State::Size { .. } | State::AfterChunk | State::Trailer { .. } => {
                    let byte = input[0];
                    *input = &input[1..];
                    self.0 = self.0.after(byte)?;
                }
            }
        }
    }
}

impl State {
    /// The state after one byte of chunk framing.
    fn after(self, byte: u8) -> Result<Self, WireError> {
        Ok(match (self, byte) {
            (Self::Size { size: 0, .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Size { size, .. }, b'\n') => Self::Chunk(size),
            (
                Self::Size {
                    size,
                    digits_over: true,
                },
                _,
            ) => Self::Size {
                size,
                digits_over: true,
            },
            (Self::Size { size, .. }, b'\r' | b';' | b' ') => Self::Size {
                size,
                digits_over: true,
            },
            (Self::Size { size, .. }, digit) => {
                let digit = char::from(digit).to_digit(16).ok_or_else(bad_chunk)?;
                let size = size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit.into()));
                Self::Size {
                    size: size.ok_or_else(bad_chunk)?,
                    digits_over: false,
                }
            }
            (Self::AfterChunk, b'\r') => Self::AfterChunk,
            (Self::AfterChunk, b'\n') => NEXT_CHUNK,
            (Self::Trailer { empty: true }, b'\n') => Self::Finished,
            (Self::Trailer { .. }, b'\n') => Self::Trailer { empty: true },
            (Self::Trailer { empty }, b'\r') => Self::Trailer { empty },
            (Self::Trailer { .. }, _) => Self::Trailer { empty: false },
            _ => return Err(bad_chunk()),
        })
    }
}

fn bad_chunk() -> WireError {
    WireError::Malformed("chunked body".to_owned())
}

/// Splits at most `left` bytes off the front, and says how many are left to come.
fn take<'a>(input: &mut &'a [u8], left: u64) -> (&'a [u8], u64) {
    let length = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
    let (content, rest) = input.split_at(length);
    *input = rest;
    (content, left - length as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `bytes` in reads of `step` bytes: the content, what is left over, and the decoder.
    fn decode(framing: Framing, bytes: &[u8], step: usize) -> (Vec<u8>, usize, Decoder) {
        let mut decoder = Decoder::new(framing);
        let (mut content, mut left_over) = (Vec::new(), 0);
        for mut read in bytes.chunks(step) {
            while let Some(piece) = decoder.content(&mut read).unwrap() {
                content.extend_from_slice(piece);
            }
            left_over += read.len();
        }
        (content, left_over, decoder)
    }

    #[test]
    fn a_chunked_body_is_the_same_wherever_the_reads_are_cut() {
        let bytes =
            b"5\r\nHello\r\n2;name=value\r\n, \r\n00005\r\nworld\r\n0\r\nTrailer: x\r\n\r\nHTTP";
        for step in 1..=bytes.len() {
            let (content, left_over, decoder) = decode(Framing::Chunked, bytes, step);
            assert_eq!(content, b"Hello, world", "reads of {step}");
            assert_eq!(left_over, 4, "the next answer's bytes are not taken");
            assert!(decoder.is_finished());
        }
    }

    #[test]
    fn a_counted_body_ends_at_its_length() {
        let (content, left_over, decoder) = decode(Framing::Length(3), b"abcd", 2);
        assert_eq!((content.as_slice(), left_over), (&b"abc"[..], 1));
        assert!(decoder.is_finished());
        assert!(Decoder::new(Framing::Length(0)).is_finished());
    }

    #[test]
    fn only_a_body_without_a_length_may_end_by_closing() {
        assert!(decode(Framing::UntilClose, b"abc", 3).2.may_close());
        assert!(!decode(Framing::Length(4), b"abc", 3).2.may_close());
        assert!(!decode(Framing::Chunked, b"3\r\nabc\r\n", 3).2.may_close());
    }

    #[test]
    fn a_size_that_is_no_number_is_an_error() {
        for bytes in [&b"xyz\r\n"[..], b"fffffffffffffffff\r\n"] {
            assert!(
                Decoder::new(Framing::Chunked)
                    .content(&mut &bytes[..])
                    .is_err()
            );
        }
    }
}
