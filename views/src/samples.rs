//! One sample of every state of every page, for snapshot tests and screenshots.

use crate::{
    Markup,
    page::{Frame, Theme},
    text::Text,
};

mod conversation;
mod entry;
mod seat;

/// A chat hash, as the server makes them.
const HASH: &str = "7Hq2kZpXwT4mVbN8sYc3Rd";
const LINK: &str = "https://duet.example/demo/chat/user/7Hq2kZpXwT4mVbN8sYc3Rd";
const ID: &str = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11";
const RETURN_CODE: &str = "K7QM-2XRD-9FHT-W4PB";
/// 23 November 2026, 10:00 UTC.
const NOW_MS: i64 = 1_795_428_000_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// The frame of a sample page.
pub fn frame(text: &'static Text, theme: Theme) -> Frame {
    Frame {
        text,
        theme,
        here: "/demo/chat/register".to_owned(),
        now_ms: NOW_MS,
    }
}

/// A page's struct, with a change.
fn changed<T>(mut page: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut page);
    page
}

/// Every page in every state, by name.
pub fn all(frame: &Frame) -> Vec<(&'static str, Markup)> {
    let mut pages = Vec::new();
    pages.extend(entry::register_pages(frame));
    pages.extend(entry::invite_pages(frame));
    pages.extend(entry::login_pages(frame));
    pages.extend(entry::ask_pages(frame));
    pages.extend(conversation::chat_pages(frame));
    pages.extend(seat::seat_pages(frame));
    pages.extend(seat::error_pages(frame));
    pages
}
