//! The chat, with everything a message can hold.

use super::{DAY_MS, HASH, ID, LINK, MINUTE_MS, NOW_MS, RETURN_CODE, changed};
use crate::{
    Markup, chat,
    message::{Marks, Message},
    page::Frame,
};

fn message(seq: u64, seat: u8, at_ms: i64, text: &str) -> Message {
    let sender = if seat == 1 { "Abhi" } else { "Anny" };
    Message {
        seq,
        id: format!("{ID}-{seq}"),
        seat,
        sender: sender.into(),
        text: text.into(),
        at_ms,
    }
}

/// A conversation with everything a message can hold.
fn conversation() -> Vec<Message> {
    let yesterday = NOW_MS - DAY_MS;
    let today = NOW_MS - 50 * MINUTE_MS;
    vec![
        message(
            38,
            2,
            yesterday,
            "Made it home. The last train was empty, I had a whole carriage to myself.",
        ),
        message(
            39,
            1,
            yesterday + MINUTE_MS,
            "Lucky! Mine smelled of fried onions all the way.",
        ),
        message(40, 1, yesterday + 2 * MINUTE_MS, "🙃"),
        message(41, 2, today, "Morning! Did you find the recipe?"),
        message(
            42,
            1,
            today + 3 * MINUTE_MS,
            "Here: https://example.org/recipes/plum-cake?servings=8. It wants 500 g of plums.",
        ),
        message(
            43,
            1,
            today + 3 * MINUTE_MS,
            "And set the oven with `180 °C`, then\n```\nbake   45 min\ncool   20 min\n```",
        ),
        message(
            44,
            2,
            today + 9 * MINUTE_MS,
            "שבת שלום! אני מביאה את השזיפים.",
        ),
        message(
            45,
            2,
            today + 9 * MINUTE_MS,
            "Aabsolutelynobodywritesawordthislongbutsomebodywillpasteatokenlikethisoneintothechatsoonerorlater0123456789",
        ),
        message(46, 2, today + 30 * MINUTE_MS, "❤️👩‍🍳"),
        message(47, 1, today + 31 * MINUTE_MS, "See you at eight, then."),
        message(
            48,
            1,
            today + 32 * MINUTE_MS,
            "Bring the big tin? <b>Please</b>",
        ),
    ]
}

fn conversing() -> chat::Chat {
    chat::Chat {
        hash: HASH.into(),
        seat: 1,
        you: "Abhi".into(),
        peer: Some("Anny".into()),
        peer_joined: true,
        peer_online: Some(true),
        peer_joined_ms: Some(NOW_MS - 2 * DAY_MS),
        link: LINK.into(),
        expires_at_ms: NOW_MS + 7 * DAY_MS,
        messages: conversation(),
        more: true,
        last_seq: 48,
        marks: Marks {
            delivered: 47,
            read: 43,
            you_read: 46,
        },
        message_id: ID.into(),
        ..chat::Chat::default()
    }
}

pub(super) fn chat_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use chat::{AskBanner, Chat, Notice, Problem};
    let page = |change: &dyn Fn(&mut Chat)| chat::page(frame, &changed(conversing(), change));
    let new = |change: &dyn Fn(&mut Chat)| {
        page(&|chat| {
            chat.messages.clear();
            chat.more = false;
            chat.last_seq = 0;
            chat.peer_online = Some(false);
            change(chat);
        })
    };
    let ask = |own_seat| AskBanner {
        ask: "w7".into(),
        user: "Anny".into(),
        number: "47".into(),
        own_seat,
    };
    let failed = |problem| {
        page(&|chat| {
            chat.draft = "What I wanted to say".into();
            chat.problem = Some(problem);
        })
    };
    let seal = |chat: &mut Chat| {
        chat.encrypted = true;
        chat.messages = vec![message(48, 2, NOW_MS, "v1.c2FsdCBhbmQgY2lwaGVydGV4dA")];
    };
    let nobody = |chat: &mut Chat| {
        chat.peer_joined = false;
        chat.peer_joined_ms = None;
    };
    vec![
        ("chat", page(&|_| {})),
        ("chat-encrypted", page(&seal)),
        (
            "chat-encrypted-older",
            page(&|chat| {
                seal(chat);
                chat.newer = true;
            }),
        ),
        (
            "chat-seat-2",
            page(&|chat| {
                chat.seat = 2;
                chat.you = "Anny".into();
                chat.peer = Some("Abhi".into());
            }),
        ),
        (
            "chat-offline",
            page(&|chat| {
                chat.peer_online = Some(false);
                chat.peer_last_seen_ms = Some(NOW_MS - 9 * MINUTE_MS);
            }),
        ),
        ("chat-unknown", page(&|chat| chat.peer_online = None)),
        ("chat-older", page(&|chat| chat.newer = true)),
        ("chat-nobody", new(&nobody)),
        (
            "chat-unnamed",
            new(&|chat| {
                nobody(chat);
                chat.peer = None;
            }),
        ),
        ("chat-empty", new(&|chat| chat.peer_online = Some(true))),
        (
            "chat-code",
            new(&|chat| {
                chat.seat = 2;
                chat.return_code = Some(RETURN_CODE.into());
            }),
        ),
        ("chat-asked", page(&|chat| chat.asks = vec![ask(false)])),
        ("chat-asked-own", page(&|chat| chat.asks = vec![ask(true)])),
        (
            "chat-asked-twice",
            page(&|chat| chat.asks = vec![ask(false), ask(true)]),
        ),
        (
            "chat-replaced",
            page(&|chat| chat.notices = vec![Notice::PeerReplaced, Notice::AskPresent]),
        ),
        (
            "chat-refused",
            page(&|chat| chat.notices = vec![Notice::AskRefused, Notice::AskOver]),
        ),
        ("chat-empty-message", failed(Problem::Empty)),
        ("chat-too-long", failed(Problem::TooLong { over: 3_812 })),
        ("chat-characters", failed(Problem::Characters)),
        ("chat-full", failed(Problem::Full)),
        ("chat-many", failed(Problem::TooMany { retry_after_s: 5 })),
        ("chat-unavailable", failed(Problem::Unavailable)),
    ]
}
