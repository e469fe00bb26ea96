//! The invitation: the link, three ways to hand it on, the return code until it is saved, and the way into the chat. The guest finds
//! the link here as well, for coming back.

use maud::{Markup, html};

use crate::{
    address, clock,
    page::{self, Frame},
    parts, qr, text,
};

/// The page with the chat's link.
#[derive(Clone, Debug, Default)]
pub struct Invite {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat: 1 or 2.
    pub seat: u8,
    /// The whole link to share, `https://…/demo/chat/user/{hash}`.
    pub link: String,
    /// Whether the chat is encrypted: then the page itself adds what follows the link's `#`.
    pub encrypted: bool,
    /// The name of the person in seat 2; `None` when they choose theirs.
    pub peer: Option<String>,
    /// Whether the other person has taken their seat already. The guest may be the first of the two.
    pub peer_joined: bool,
    /// When the chat expires, Unix milliseconds.
    pub expires_at_ms: i64,
    /// One's return code, until it is saved.
    pub return_code: Option<String>,
}

/// Writes the page.
pub fn page(frame: &Frame, page: &Invite) -> Markup {
    let words = &frame.text.invite;
    let peer = page.peer.as_deref();
    let is_host = page.seat == 1;
    let invites = is_host && !page.peer_joined;
    let title = match peer {
        _ if !invites => frame.text.menu.link.to_owned(),
        Some(peer) => text::plain(words.title, &[("peer", peer)]),
        None => words.title_unnamed.to_owned(),
    };
    let share = html! {
        @if is_host { button.needs-share type="button" data-share="link" data-share-text=(words.share_text) hidden { (frame.text.common.share) } }
    };
    // The page asks there whether that has changed.
    let waits = invites.then(|| address::seat(&page.hash, 1, "invite"));
    let content = html! {
        article.narrow {
            h1 {
                @if !invites { (title) }
                @else if let Some(peer) = peer { (text::sentence(words.title, &[("peer", &text::name(peer))])) }
                @else { (title) }
            }
            @if is_host && page.peer_joined { (joined(frame, peer)) }
            p.lead {
                @if !invites { (words.lead_joined) }
                @else if let Some(peer) = peer { (text::sentence(words.lead, &[("peer", &text::name(peer))])) } @else { (words.lead_unnamed) }
            }
            (parts::with_key(frame, page.encrypted, &page.hash, &html! { section.card.invite aria-label=(words.link) data-ask=[waits] {
                (parts::copyable_link(frame, "link", words.link, &page.link, &share, page.encrypted))
                @if let Some(peer) = peer.filter(|_| invites) { p.small { (text::sentence(words.name, &[("peer", &text::name(peer))])) } }
                @if let Some(code) = &page.return_code { (parts::code_strip(frame, &page.hash, page.seat, code)) }
                a.button.primary.wide href=(address::chat(&page.hash, page.seat)) { (words.open) }
                @if is_host {
                    figure.scan {
                        (qr::of_link(&page.link, "link", words.qr_label, page.encrypted))
                        figcaption { (words.qr_caption) }
                    }
                }
                @if page.encrypted {
                    p.small { (parts::sealed_line(frame.text.sealed.line)) }
                    p.small { (words.keep) }
                }
                p.small { (text::sentence(words.expires, &[("when", &clock::until(page.expires_at_ms, frame.text))])) }
            } }))
        }
    };
    page::sheet_with(frame, &title, parts::key_scripts(page.encrypted), &content)
}

fn joined(frame: &Frame, peer: Option<&str>) -> Markup {
    let peer = text::peer_or_other_start(frame.text, peer);
    html! { p.badge { (text::sentence(frame.text.invite.joined, &[("peer", &peer)])) } }
}
