//! The conversation.

mod composer;

use maud::{Markup, html};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::{
    address, ask, clock, download,
    end::{self, End},
    logout::{self, Logout},
    menu,
    message::{self, Line, Marks, Message, Reader},
    page::{self, Frame, Head},
    parts, script, text,
};

/// The chat page of one seat.
#[derive(Clone, Debug, Default)]
pub struct Chat {
    /// The chat's hash, for the addresses.
    pub hash: String,
    /// The reader's seat: 1 or 2.
    pub seat: u8,
    /// Whether the chat is encrypted: then texts are sealed, and the page opens them.
    pub encrypted: bool,
    /// The reader's name.
    pub you: String,
    /// The other person's name; `None` while unnamed.
    pub peer: Option<String>,
    /// Whether the other person has ever taken their seat.
    pub peer_joined: bool,
    /// Whether the other person has a stream open; `None` while nobody can say.
    pub peer_online: Option<bool>,
    /// When the other person was last here, Unix milliseconds.
    pub peer_last_seen_ms: Option<i64>,
    /// When the other person first logged in, Unix milliseconds.
    pub peer_joined_ms: Option<i64>,
    /// The whole link to share, for the "nobody there yet" state.
    pub link: String,
    /// When the chat expires, Unix milliseconds.
    pub expires_at_ms: i64,
    /// The messages of this page, ascending: the newest 50, or those before `?before`.
    pub messages: Vec<Message>,
    /// Whether there are older ones than these.
    pub more: bool,
    /// Whether there are newer ones (the page of an older stretch): such a page is for reading, without a stream.
    pub newer: bool,
    /// The chat's last `seq`; 0 while there is none.
    pub last_seq: u64,
    /// When somebody else was last let in at the other seat, Unix milliseconds.
    pub peer_replaced_ms: Option<i64>,
    /// When somebody else was last let in at the reader's seat, Unix milliseconds.
    pub you_replaced_ms: Option<i64>,
    /// How far both have got.
    pub marks: Marks,
    /// The hidden UUID of the composer form. New for a fresh page; the posted one after an error.
    pub message_id: String,
    /// The text that was not sent, kept after an error.
    pub draft: String,
    /// Why the last message was not sent (without JavaScript).
    pub problem: Option<Problem>,
    /// Who wants to be let in.
    pub asks: Vec<AskBanner>,
    /// What just happened, each said once.
    pub notices: Vec<Notice>,
    /// One's return code, until it is saved.
    pub return_code: Option<String>,
}

/// Somebody wants to enter a seat.
#[derive(Clone, Debug)]
pub struct AskBanner {
    /// The public id of the ask, which the answer names.
    pub ask: String,
    /// The name they want to enter as.
    pub user: String,
    /// Two digits that the asker sees as well.
    pub number: String,
    /// Whether the seat is the reader's own: then the reader may only refuse.
    pub own_seat: bool,
}

/// What just happened in the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The other seat went to a newcomer whom the reader allowed.
    PeerReplaced,
    /// The asking was refused.
    AskRefused,
    /// The ask is over: answered elsewhere or expired.
    AskOver,
    /// Allowing failed: the person is here right now (409).
    AskPresent,
    /// Allowing failed: nobody can say whether the person is here (503).
    AskUnknown,
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Nothing but blanks.
    Empty,
    /// Over 16 KiB.
    TooLong {
        /// By how many characters.
        over: u64,
    },
    /// Characters that cannot be stored (U+0000).
    Characters,
    /// The chat holds as many messages as it may.
    Full,
    /// Too many at once.
    TooMany {
        /// When trying again makes sense.
        retry_after_s: u64,
    },
    /// The store is unreachable: the message may or may not be stored; sending again is safe.
    Unavailable,
}

/// Writes the page.
pub fn page(frame: &Frame, chat: &Chat) -> Markup {
    let text = frame.text;
    let title = chat.peer.as_deref().unwrap_or(text.common.tagline);
    let head = Head {
        title,
        styles: &["chat.css"],
        script: "chat.js",
        preload: parts::key_scripts(chat.encrypted),
        // This page is shown only to somebody who is logged in.
        preview: false,
    };
    let body = html! {
        body.chat {
            @if chat.encrypted && chat.newer { a.skip href="#newest" { (text.chat.newest) } }
            @else { a.skip href="#message" { (text.chat.composer) } }
            header.bar {
                span.avatar.two[chat.seat == 1] #avatar aria-hidden="true" dir="auto" { (initial(chat)) }
                div.who {
                    h1 #peer dir="auto" { (chat.peer.as_deref().unwrap_or(text.live.other_start)) }
                    (presence(frame, chat))
                }
                a.icon.no-js-only href=(address::chat(&chat.hash, chat.seat)) { (text.chat.refresh) }
                (menu::menu(frame, chat))
            }
            main #chat data-chat=(script::config(frame, chat)) data-text=(script::sentences(frame)) data-opening[chat.encrypted] {
                (above(frame, chat))
                section.history #history aria-label=(text.chat.history) tabindex="0" {
                    div.inner {
                        div #cannot { @if chat.encrypted { (parts::cannot(frame)) } (parts::downgraded(frame)) }
                        (conversation(frame, chat))
                    }
                }
                (composer::composer(frame, chat))
            }
            (unseen(frame, chat))
        }
    };
    page::document(frame, &head, &body)
}

fn presence(frame: &Frame, chat: &Chat) -> Markup {
    let words = &frame.text.live;
    let online = chat.peer_online == Some(true);
    html! {
        p.presence {
            span #presence data-online[online] {
                @if !chat.peer_joined { (words.not_joined) }
                @else if online { (words.online) }
                @else if let Some(ms) = chat.peer_last_seen_ms { (text::sentence(words.last_seen, &[("when", &clock::moment(ms, frame.text))])) }
                @else { (if chat.peer_online.is_none() { words.unknown } else { words.away }) }
            }
            span.until { (text::sentence(frame.text.chat.until, &[("when", &clock::until(chat.expires_at_ms, frame.text))])) }
        }
    }
}

/// What must not scroll away: the connection, asks, notices.
fn above(frame: &Frame, chat: &Chat) -> Markup {
    let words = &frame.text.live;
    html! {
        div.strips {
        @if chat.encrypted { div.strip.late { p { (frame.text.sealed.late) } } }
        div.strip #connection hidden {
            p role="status" {}
            button type="button" hidden { (frame.text.chat.try_now) }
            a.button hidden href=(address::login(&chat.hash)) { (frame.text.error.to_login) }
        }
        (asks(frame, chat))
        div #notices role="status" {
            @for notice in &chat.notices {
                (strip(frame, match notice {
                    Notice::PeerReplaced => frame.text.chat.peer_replaced,
                    Notice::AskRefused => words.ask_refused,
                    Notice::AskOver => words.ask_over,
                    Notice::AskPresent => words.ask_present,
                    Notice::AskUnknown => words.ask_unknown,
                }))
            }
        }
        @if let Some(code) = &chat.return_code { (parts::code_strip(frame, &chat.hash, chat.seat, code)) }
        }
    }
}

fn strip(frame: &Frame, message: &str) -> Markup {
    html! {
        div.strip {
            p { (message) }
            button.needs-js type="button" data-dismiss { (frame.text.chat.dismiss) }
        }
    }
}

/// A single ask is shown in full. Several would leave no room for messages on a small phone, so they are one strip with
/// their number, which expands.
fn asks(frame: &Frame, chat: &Chat) -> Markup {
    let several = chat.asks.len() > 1;
    html! {
        details #asks open[!several] {
            summary.strip hidden[!several] { @if several { (frame.text.count(&frame.text.live.asks_waiting, chat.asks.len() as u64)) } }
            @for ask in &chat.asks {
                (ask_form(frame, chat, &ask.ask, &text::name(&ask.user), &ask::number(&ask.number), ask.own_seat))
            }
        }
    }
}

fn ask_form(
    frame: &Frame,
    chat: &Chat,
    ask: &str,
    user: &Markup,
    number: &Markup,
    own_seat: bool,
) -> Markup {
    let words = &frame.text.chat;
    html! {
        form.strip.ask method="post" action=(address::seat(&chat.hash, chat.seat, "answer")) {
            input type="hidden" name="ask" value=(ask);
            p {
                (text::sentence(if own_seat { words.ask_own } else { frame.text.live.asking }, &[("user", user)]))
                " " span.ask-number { (text::sentence(words.ask_number, &[("number", number)])) }
                @if !own_seat { " " span.small { (text::sentence(words.ask_later, &[("user", user)])) } }
            }
            div.actions {
                @if !own_seat { button name="allow" value="true" { (words.allow) } }
                button name="allow" value="false" { (words.refuse) }
            }
        }
    }
}

fn conversation(frame: &Frame, chat: &Chat) -> Markup {
    let words = &frame.text.chat;
    let reader = Reader {
        seat: chat.seat,
        sealed: chat.encrypted,
        marks: chat.marks,
        last_own: chat
            .messages
            .iter()
            .rev()
            .find(|message| message.seat == chat.seat)
            .map(|message| message.seq),
    };
    let (ahead, among) = lines(frame, chat);
    html! {
        @if chat.encrypted { p.small.sealed { (parts::sealed_line(frame.text.sealed.line)) } }
        @else { p.no-js-only.small { (frame.text.common.times_utc) } }
        @if chat.more {
            @if let Some(first) = chat.messages.first() {
                p.older { a.button #older href={ (address::chat(&chat.hash, chat.seat)) "?before=" (first.seq) } { (words.older) } }
            }
        }
        (message::list(frame, reader, &chat.messages, &among))
        // The scripts put them in their place among older messages.
        @if !ahead.is_empty() { ol #ahead hidden { @for line in &ahead { (message::event(line)) } } }
        @if chat.newer && !chat.encrypted { p.older { a.button href=(address::chat(&chat.hash, chat.seat)) { (words.newest) } } }
        @if !chat.peer_joined { (nobody(frame, chat)) }
        @if chat.messages.is_empty() {
            div.empty #empty hidden[!chat.peer_joined] { (page::logo()) h2 { (words.empty_title) } p { (words.empty_both) } }
        }
    }
}

/// When somebody joined or was let in: what was ahead of the messages shown, and what was among them.
fn lines(frame: &Frame, chat: &Chat) -> (Vec<Line>, Vec<Line>) {
    let words = &frame.text.live;
    let first_ms = chat.messages.first().map(|message| message.at_ms);
    let last_ms = chat.messages.last().map(|message| message.at_ms);
    let is_ahead = |at_ms: i64| chat.more && first_ms.is_some_and(|first_ms| at_ms < first_ms);
    let is_behind = |at_ms: i64| chat.newer && last_ms.is_some_and(|last_ms| at_ms > last_ms);
    let peer = text::peer_or_other_start(frame.text, chat.peer.as_deref());
    let you = text::name(&chat.you);
    let line = |at_ms: Option<i64>, words: &'static str, user: &Markup| {
        let at_ms = at_ms.filter(|at_ms| !is_behind(*at_ms))?;
        let words = text::sentence(words, &[("peer", &peer), ("user", user)]);
        Some(Line { at_ms, words })
    };
    let mut lines: Vec<Line> = [
        line(chat.peer_joined_ms, words.joined, &peer),
        line(chat.peer_replaced_ms, words.replaced_peer, &peer),
        line(chat.you_replaced_ms, words.replaced_you, &you),
    ]
    .into_iter()
    .flatten()
    .collect();
    lines.sort_by_key(|line| line.at_ms);
    lines.into_iter().partition(|line| is_ahead(line.at_ms))
}

/// What stands for the other person where their picture would be.
fn initial(chat: &Chat) -> Markup {
    let first = chat
        .peer
        .as_deref()
        .and_then(|name| name.graphemes(true).next());
    html! { @if let Some(first) = first { (first.to_uppercase()) } @else { (page::logo()) } }
}

/// Nobody there yet: the link once more.
fn nobody(frame: &Frame, chat: &Chat) -> Markup {
    let words = &frame.text.chat;
    html! {
        div.empty #nobody {
            (page::logo())
            h2 { (words.nobody_title) }
            p {
                @if let Some(peer) = &chat.peer { (text::sentence(words.nobody, &[("peer", &text::name(peer))])) }
                @else { (words.nobody_unnamed) }
            }
            (parts::copyable_link(frame, "link", frame.text.invite.link, &chat.link, &html! {}, chat.encrypted))
        }
    }
}

/// Elements that at first only assistive technology and scripts use.
fn unseen(frame: &Frame, chat: &Chat) -> Markup {
    let end = End {
        hash: chat.hash.clone(),
        seat: chat.seat,
        encrypted: chat.encrypted,
        peer: chat.peer.clone(),
    };
    let logout = Logout {
        hash: chat.hash.clone(),
        seat: chat.seat,
        encrypted: chat.encrypted,
    };
    html! {
        div.visually-hidden #log role="log" aria-live="polite" aria-label=(frame.text.chat.log) {}
        p.visually-hidden #status role="status" {}
        p.visually-hidden #alert role="alert" {}
        dialog #download-dialog closedby="any" aria-labelledby="download-title" { (download::question(frame, &chat.hash, chat.seat)) }
        dialog #end-dialog closedby="any" aria-labelledby="end-title" { (end::question(frame, &end, false)) }
        dialog #logout-dialog closedby="any" aria-labelledby="logout-title" { (logout::question(frame, &logout, false)) }
        (message::templates(frame))
        template #strip { (strip(frame, "")) }
        template #ask-other { (ask_form(frame, chat, "", &text::slot("user"), &text::slot("number"), false)) }
        template #ask-own { (ask_form(frame, chat, "", &text::slot("user"), &text::slot("number"), true)) }
    }
}
