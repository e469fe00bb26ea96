//! Taking the seat along to another device.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::{
    address, clock,
    page::{self, Frame},
    parts, qr, text,
};

/// The page that a posted `device` answers with.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// The reader's name, which the other device needs as well.
    pub you: String,
    /// The whole link of the log-in page, `https://…/demo/chat/user/{hash}`; the fragment is added here.
    pub link: String,
    /// The device code: good once.
    pub code: String,
    /// When the code dies, Unix milliseconds.
    pub expires_at_ms: i64,
}

/// Writes the page.
#[must_use]
pub fn page(frame: &Frame, page: &Device) -> Markup {
    let words = &frame.text.device;
    let link = page.with_code();
    let content = html! {
        article.narrow {
            h1 { (words.title) }
            p.lead { (words.lead) }
            section.card aria-label=(words.title) {
                figure.scan { (qr::svg(&link, words.qr_label)) }
                (parts::copyable(frame, "device-link", words.link, &link, &html! {}))
                (parts::copyable(frame, "device-code", words.code, &page.code, &html! {}))
                p.small {
                    (words.once) " " (text::sentence(words.expires, &[("when", &clock::moment(page.expires_at_ms, frame.text))]))
                }
            }
            p { a.button href=(address::chat(&page.hash, page.seat)) { (frame.text.common.back_to_chat) } }
        }
    };
    page::sheet(frame, words.title, &content)
}

impl Device {
    /// Code and name stand behind the `#`, which no browser sends to any server.
    fn with_code(&self) -> String {
        format!(
            "{}#device={}&user={}",
            self.link,
            encode(&self.code),
            encode(&self.you)
        )
    }
}

/// Percent-encoding of everything but what RFC 3986 calls unreserved.
fn encode(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_and_the_name_travel_in_the_fragment() {
        let device = Device {
            link: "https://c.example/x".to_owned(),
            code: "a+b".to_owned(),
            you: "Zoë &".to_owned(),
            ..Device::default()
        };
        assert_eq!(
            device.with_code(),
            "https://c.example/x#device=a%2Bb&user=Zo%C3%AB%20%26"
        );
    }
}
