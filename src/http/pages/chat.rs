//! The conversation as a page.

use actix_web::{HttpResponse, web};
use actors::domain::{Hello, Message, Page, PeerState, UserName};
use maud::Markup;
use serde::Deserialize;
use uuid::Uuid;
use views::{
    chat::{AskBanner, Chat, Notice, Problem as Fault},
    message::Marks,
};

use super::{
    flash, frame,
    holder::{Holder, SeatRequest},
    html,
};
use crate::http::{
    problem::Problem,
    wire::history::{HistoryQuery, parse_page},
};

/// Messages in a freshly loaded page.
const PAGE_LEN: usize = 50;

/// What the page says beside the conversation.
#[derive(Default)]
pub struct ChatExtras {
    /// The text that was not sent.
    pub draft: String,
    /// The id of the message that was not sent.
    pub message_id: Option<Uuid>,
    /// Why it was not sent.
    pub problem: Option<Fault>,
    /// What just happened.
    pub notice: Option<Notice>,
}

#[derive(Debug, Default, Deserialize)]
pub struct ChatQuery {
    /// The last messages before this `seq`.
    before: Option<String>,
    /// The notice of an action, by its word in the address.
    notice: Option<String>,
}

pub async fn show(at: SeatRequest, query: web::Query<ChatQuery>) -> Result<HttpResponse, Problem> {
    let holder = at.holder().await?;
    let query = query.into_inner();
    let asked = HistoryQuery {
        before: query.before,
        ..HistoryQuery::default()
    };
    let (page, _) = parse_page(&asked)?;
    let noticed = |(word, _): &&(&str, Notice)| query.notice.as_deref() == Some(word);
    let extra = ChatExtras {
        notice: NOTICES.iter().find(noticed).map(|(_, notice)| *notice),
        ..ChatExtras::default()
    };
    let page = render(&holder, page, extra).await?;
    Ok(html(HttpResponse::Ok(), page))
}

/// The notices of actions, with their words in an address.
const NOTICES: [(&str, Notice); 5] = [
    ("peer-replaced", Notice::PeerReplaced),
    ("ask-refused", Notice::AskRefused),
    ("ask-over", Notice::AskOver),
    ("ask-present", Notice::AskPresent),
    ("ask-unknown", Notice::AskUnknown),
];

pub async fn render(holder: &Holder, page: Page, extra: ChatExtras) -> Result<Markup, Problem> {
    let hello = holder.snapshot().await?.hello;
    let read = holder.caller.history(page, PAGE_LEN);
    let (shown_page, names) = read.await?;
    let view = |message: &Message| views::message::Message {
        seq: message.seq,
        id: message.id.to_string(),
        seat: message.seat.number(),
        sender: shown(&names[message.seat]).unwrap_or_default(),
        text: message.text.as_str().to_owned(),
        at_ms: message.at.unix_ms(),
    };
    let last_shown = shown_page.messages.last().map_or(0, |message| message.seq);
    let chat = Chat {
        link: holder.link(),
        messages: shown_page.messages.iter().map(view).collect(),
        more: shown_page.more,
        newer: matches!(page, Page::Before(_)) && last_shown < hello.last_seq,
        last_seq: hello.last_seq.max(last_shown),
        message_id: extra.message_id.unwrap_or_else(Uuid::new_v4).to_string(),
        draft: extra.draft,
        problem: extra.problem,
        notices: extra.notice.into_iter().collect(),
        return_code: flash::kept_code(&holder.request),
        ..chat_view(&hello, holder)
    };
    Ok(views::chat::page(&frame(&holder.request), &chat))
}

/// The chat's state as the page shows it.
fn chat_view(hello: &Hello, holder: &Holder) -> Chat {
    let peer = hello.seat.other();
    Chat {
        hash: holder.hash(),
        seat: hello.seat.number(),
        encrypted: hello.encrypted,
        you: shown(&hello.names[hello.seat]).unwrap_or_default(),
        peer: shown(&hello.names[peer]),
        peer_joined: matches!(hello.peer_state, PeerState::Taken | PeerState::Left),
        peer_online: hello.online,
        peer_last_seen_ms: hello.last_seen.map(|at| at.unix_ms()),
        peer_joined_ms: hello.peer_joined_at.map(|at| at.unix_ms()),
        expires_at_ms: hello.expires_at.unix_ms(),
        peer_replaced_ms: hello.replaced_at[peer].map(|at| at.unix_ms()),
        you_replaced_ms: hello.replaced_at[hello.seat].map(|at| at.unix_ms()),
        marks: Marks {
            delivered: hello.marks[peer].delivered,
            read: hello.marks[peer].read,
            you_read: hello.marks[hello.seat].read,
        },
        asks: hello
            .asks
            .iter()
            .map(|ask| AskBanner {
                ask: ask.ask_ref.to_string(),
                user: shown(&hello.names[ask.seat]).unwrap_or_default(),
                number: ask.number.to_string(),
                own_seat: ask.seat == hello.seat,
            })
            .collect(),
        ..Chat::default()
    }
}

fn shown(name: &Option<UserName>) -> Option<String> {
    name.as_ref().map(UserName::to_string)
}
