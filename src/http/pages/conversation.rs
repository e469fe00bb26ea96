//! The actions of the conversation page, for scripts and for forms.

use actix_web::{HttpResponse, http::StatusCode, web};
use actors::{
    Refusal,
    domain::{Activity, Page, TEXT_BYTES_MAX, is_blank},
};
use views::chat::Problem as Fault;

use super::{
    chat::{self, ChatExtras},
    forget_chat,
    holder::SeatRequest,
    html, see_other, show_problem, wants_json, wants_page,
};
use crate::http::{
    body::FormOrJson,
    envelope::{EmptyReply, ok},
    problem::{Problem, Result, whole_seconds},
    stream,
    wire::{
        EmptyBody,
        asks::AnswerBody,
        history::{HistoryQuery, HistoryReply, StreamQuery, parse_last_seen, parse_page},
        messages::{ReceiptBody, SendBody, SendReply, Typed},
    },
};

pub async fn stream(at: SeatRequest, query: web::Query<StreamQuery>) -> Result<HttpResponse> {
    let after = parse_last_seen(&at.request, &query)?;
    let opened = match at.holder().await {
        Ok(holder) => stream::open(&at.request, holder.caller, after).await,
        Err(problem) => Err(problem),
    };
    let mut response = match opened {
        Err(Problem::Refused(Refusal::Gone)) => stream::no_content(),
        opened => opened?,
    };
    if response.status() == StatusCode::NO_CONTENT {
        forget_chat(&at.request, &mut response);
    }
    Ok(response)
}

/// Older messages, for a script; a browser without one has the page itself.
pub async fn messages(at: SeatRequest, query: web::Query<HistoryQuery>) -> Result<HttpResponse> {
    let (page, limit) = parse_page(&query)?;
    let holder = at.holder().await?;
    if wants_page(&at.request) {
        let page = chat::render(&holder, page, ChatExtras::default()).await?;
        return Ok(html(HttpResponse::Ok(), page));
    }
    let (page, names) = holder.caller.history(page, limit).await?;
    Ok(ok(HistoryReply::of(&page, &names)))
}

pub async fn send(at: SeatRequest, form: FormOrJson<SendBody>) -> Result<HttpResponse> {
    let draft = form.body.message.clone().unwrap_or_default();
    let message_id = match form.body.id {
        Some(Typed::Right(id)) => Some(id),
        _ => None,
    };
    let sent = async {
        let message = form.body.parse()?;
        let holder = at.holder().await?;
        let sent = holder.caller.send(message).await?;
        Ok(holder.done(SendReply::from(sent), &holder.chat_url()))
    };
    let problem: Problem = match sent.await {
        Ok(response) => return Ok(response),
        Err(problem) => problem,
    };
    let Some(fault) = fault_of(&draft, &problem).filter(|_| wants_page(&at.request)) else {
        return Err(problem);
    };
    let holder = at.holder().await?;
    let extra = ChatExtras {
        draft,
        message_id,
        problem: Some(fault),
        ..ChatExtras::default()
    };
    match chat::render(&holder, Page::Newest, extra).await {
        Ok(page) => Ok(show_problem(&problem, page)),
        // If the page cannot be rendered either, report the first problem.
        Err(_) => Err(problem),
    }
}

/// Why a message was not sent, if the page has words for it.
fn fault_of(draft: &str, problem: &Problem) -> Option<Fault> {
    Some(match problem {
        Problem::Missing(_) | Problem::Refused(Refusal::Invalid { .. }) => match is_blank(draft) {
            true => Fault::Empty,
            false => Fault::Characters,
        },
        Problem::Refused(Refusal::TextTooLong) => Fault::TooLong {
            over: characters_over(draft),
        },
        Problem::Refused(Refusal::ChatFull) => Fault::Full,
        Problem::Refused(Refusal::TooMany { retry_after }) => Fault::TooMany {
            retry_after_s: whole_seconds(*retry_after),
        },
        _ if problem.status() == StatusCode::SERVICE_UNAVAILABLE => Fault::Unavailable,
        _ => return None,
    })
}

/// How many characters are over the limit.
fn characters_over(draft: &str) -> u64 {
    let over = draft
        .char_indices()
        .filter(|(at, c)| at + c.len_utf8() > TEXT_BYTES_MAX)
        .count();
    u64::try_from(over).unwrap_or(u64::MAX)
}

/// Moves the marks of the seat.
pub async fn receipt(at: SeatRequest, form: FormOrJson<ReceiptBody>) -> Result<HttpResponse> {
    let marks = form.body.parse()?;
    let holder = at.holder().await?;
    holder.caller.move_marks(marks).await?;
    Ok(holder.done(EmptyReply {}, &holder.chat_url()))
}

/// Tells the other person what the caller is doing.
pub async fn notify(
    activity: Activity,
    at: SeatRequest,
    _: FormOrJson<EmptyBody>,
) -> Result<HttpResponse> {
    let holder = at.holder().await?;
    holder.caller.notify(activity).await?;
    Ok(holder.done(EmptyReply {}, &holder.chat_url()))
}

/// Answers an ask. On a page, failures that are not the reader's mistake become a notice.
pub async fn answer(at: SeatRequest, form: FormOrJson<AnswerBody>) -> Result<HttpResponse> {
    let answer = form.body.parse()?;
    let holder = at.holder().await?;
    let answered = holder.caller.answer(answer).await;
    if wants_json(&at.request) {
        answered?;
        return Ok(ok(EmptyReply {}));
    }
    // One of `chat::NOTICES`.
    let word = match answered {
        Ok(()) if answer.allow => "peer-replaced",
        Ok(()) => "ask-refused",
        Err(Refusal::SeatOpen) => "ask-present",
        Err(Refusal::AskOver) => "ask-over",
        Err(Refusal::PresenceUnknown) => "ask-unknown",
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(see_other(&format!("{}?notice={word}", holder.chat_url())))
}
