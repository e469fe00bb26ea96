//! What happens in a conversation, for scripts and for forms.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::{
    Refusal,
    domain::{Page, TEXT_BYTES_MAX, is_blank},
};
use views::{
    address,
    chat::{Notice, Problem as Fault},
};

use super::{
    SeatPath,
    chat::{self, Extra},
    done, forget_seat, see_other, wants_json, wants_page,
};
use crate::http::{
    State,
    api::{
        history::{HistoryQuery, StreamQuery, last_seen, part, read},
        letting_in::{AnswerBody, give, verdict},
        messages::{ReceiptBody, SendBody, SendReply, SendRequest, acknowledge, marks, say_typing},
        registration::NoBody,
    },
    body::FormOrJson,
    envelope::Nothing,
    problem::{Problem, whole_seconds},
    session::{Caller, seat_holder},
    stream,
};

fn home(caller: &Caller, seat: u8) -> String {
    address::chat(caller.hash.as_str(), seat)
}

/// The stream of a page.
pub async fn stream(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    query: web::Query<StreamQuery>,
) -> Result<HttpResponse, Problem> {
    let after = last_seen(&request, &query)?;
    let (hash, seat) = path.into_inner();
    let opened = async {
        let caller = seat_holder(&state, &request, &hash, seat).await?;
        stream::open(&state, &request, caller, after).await
    };
    let mut response = match opened.await {
        Err(Problem::Refused(Refusal::Gone)) => stream::over(),
        opened => opened?,
    };
    if response.status() == StatusCode::NO_CONTENT {
        forget_seat(&request, &mut response);
    }
    Ok(response)
}

/// Older messages, for a script; a browser without one has the page itself.
pub async fn messages(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    query: web::Query<HistoryQuery>,
) -> Result<HttpResponse, Problem> {
    let (page, limit) = part(&query)?;
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    match wants_page(&request) {
        true => {
            chat::render(
                &state,
                &request,
                &caller,
                page,
                StatusCode::OK,
                Extra::default(),
            )
            .await
        }
        false => read(&state, &caller, page, limit).await,
    }
}

/// Sends a message.
pub async fn send(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    form: FormOrJson<SendBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let (draft, message_id) = (form.body.message.clone().unwrap_or_default(), form.body.id);
    let sent = async {
        let letter = SendRequest::parse(form.body)?;
        let caller = seat_holder(&state, &request, &hash, seat).await?;
        let sent = letter.post(&state, &caller).await?;
        Ok((caller, sent))
    };
    let problem: Problem = match sent.await {
        Ok((caller, sent)) => {
            return Ok(done(&request, SendReply::from(sent), &home(&caller, seat)));
        }
        Err(problem) => problem,
    };
    let Some(fault) = fault(&draft, &problem).filter(|_| wants_page(&request)) else {
        return Err(problem);
    };
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let extra = Extra {
        draft,
        message_id,
        problem: Some(fault),
        ..Extra::default()
    };
    // Where the page cannot be written either, the first problem is the one to tell.
    let page = chat::render(
        &state,
        &request,
        &caller,
        Page::Newest,
        problem.status(),
        extra,
    )
    .await;
    page.map_err(|_| problem)
}

fn fault(draft: &str, problem: &Problem) -> Option<Fault> {
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

/// How many characters stand beyond what a message holds.
fn characters_over(draft: &str) -> u64 {
    let over = draft
        .char_indices()
        .filter(|(at, c)| at + c.len_utf8() > TEXT_BYTES_MAX)
        .count();
    u64::try_from(over).unwrap_or(u64::MAX)
}

/// Moves the marks of the seat.
pub async fn receipt(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    form: FormOrJson<ReceiptBody>,
) -> Result<HttpResponse, Problem> {
    let marks = marks(&form.body)?;
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    acknowledge(&state, &caller, marks).await?;
    Ok(done(&request, Nothing {}, &home(&caller, seat)))
}

/// Says that one is writing.
pub async fn typing(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    _: FormOrJson<NoBody>,
) -> Result<HttpResponse, Problem> {
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    say_typing(&state, &caller).await?;
    Ok(done(&request, Nothing {}, &home(&caller, seat)))
}

/// Answers somebody who wants to be let in.
pub async fn answer(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    form: FormOrJson<AnswerBody>,
) -> Result<HttpResponse, Problem> {
    let verdict = verdict(&form.body)?;
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    let notice = match give(&state, &caller, verdict).await {
        Ok(()) if verdict.1 => Notice::PeerReplaced,
        Ok(()) => Notice::AskRefused,
        Err(problem) if wants_json(&request) => return Err(problem),
        Err(Problem::Refused(Refusal::SeatOpen)) => Notice::AskPresent,
        Err(Problem::Refused(Refusal::AskOver)) => Notice::AskOver,
        Err(Problem::Refused(Refusal::PresenceUnknown)) => Notice::AskUnknown,
        Err(problem) => return Err(problem),
    };
    let next = format!(
        "{}?notice={}",
        home(&caller, seat),
        chat::notice_word(notice)
    );
    match wants_json(&request) {
        true => Ok(done(&request, Nothing {}, &next)),
        false => Ok(see_other(&next)),
    }
}
