//! Logging in on another device.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::{
    address, clock,
    page::{self, Frame},
    parts, qr, text,
};

/// The page behind `device`. Looking at it changes nothing: a code is made by its form.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// The code, while it is good.
    pub code: Option<Code>,
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat.
    pub seat: u8,
    /// Whether the chat is encrypted: then the page itself adds the key to the link.
    pub encrypted: bool,
    /// The reader's name, which the other device needs as well.
    pub you: String,
    /// The whole link of the log-in page, `https://…/demo/chat/user/{hash}`; the fragment is added here.
    pub link: String,
}

/// A device code.
#[derive(Clone, Debug)]
pub struct Code {
    /// Good once.
    pub code: String,
    /// When it dies, Unix milliseconds.
    pub expires_at_ms: i64,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Device) -> Markup {
    let words = &frame.text.device;
    let content = html! {
        article.narrow {
            h1 { (words.title) }
            p.lead { (words.lead) }
            @match &page.code {
                Some(code) => (parts::with_key(frame, page.encrypted, &page.hash, &ready(frame, page, code))),
                None => form.card method="post" action=(address::seat(&page.hash, page.seat, "device")) {
                    button.primary.wide { (words.make) }
                },
            }
            p { a.button href=(address::chat(&page.hash, page.seat)) { (frame.text.common.back_to_chat) } }
        }
    };
    page::sheet_with(
        frame,
        words.title,
        parts::key_scripts(page.encrypted && page.code.is_some()),
        &content,
    )
}

fn ready(frame: &Frame, page: &Device, code: &Code) -> Markup {
    let words = &frame.text.device;
    let link = page.with_code(&code.code);
    html! {
        section.card aria-label=(words.title) {
            figure.scan { (qr::of_link(&link, "device-link", words.qr_label, page.encrypted)) }
            (parts::copyable_link(frame, "device-link", words.link, &link, &html! {}, page.encrypted))
            (parts::copyable(frame, "device-code", words.code, &code.code))
            p.small {
                (text::sentence(words.once, &[("when", &clock::moment(code.expires_at_ms, frame.text))]))
            }
        }
    }
}

impl Device {
    /// Code and name are in the fragment, which no browser sends to a server.
    fn with_code(&self, code: &str) -> String {
        format!(
            "{}#device={}&user={}",
            self.link,
            encode(code),
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
            you: "Zoë &".to_owned(),
            ..Device::default()
        };
        assert_eq!(
            device.with_code("a+b"),
            "https://c.example/x#device=a%2Bb&user=Zo%C3%AB%20%26"
        );
    }
}
