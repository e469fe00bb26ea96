//! HTTP/2 as bytes, for what no client sends (RFC 9113).

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Kinds of frames, and what is said of them (section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Fields in the plainest HPACK there is: each as a new name and a value (RFC 7541, 6.2.2).
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            let length = u8::try_from(text.len()).ok().filter(|length| *length < 127);
            bytes.push(length.unwrap());
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

/// What opens a connection whose client says that it takes whatever comes.
pub fn opening() -> Vec<u8> {
    let more = (0x7fff_ffff_u32 - 65_535).to_be_bytes();
    [
        opening_with_window(0x7fff_ffff),
        frame(WINDOW_UPDATE, 0, 0, &more),
    ]
    .concat()
}

/// What opens a connection whose client takes so many bytes of each answer.
pub fn opening_with_window(bytes: u32) -> Vec<u8> {
    let window = [&[0, 4], &bytes.to_be_bytes()[..]].concat();
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &window)].concat()
}
