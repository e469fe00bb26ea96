//! The conversation to keep, as text or JSON, written while it is read.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use actors::{
    History, PairRegistry, Refusal,
    domain::{Message, Names, Page, Seq},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Deserialize;

use super::{SeatPath, frame, html, transcript};
use crate::http::{
    State,
    problem::Problem,
    session::{Caller, seat_holder},
    wire::MessageView,
};

/// Messages read at once.
const PART_LEN: usize = 200;

/// Which form.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Text,
    Json,
}

/// Which form is asked for.
#[derive(Debug, Deserialize)]
pub struct DownloadQuery {
    format: Option<Format>,
    /// Set, with whatever value: ask which form instead.
    choose: Option<String>,
}

/// The file, or the page that asks which.
pub async fn show(
    state: web::Data<State>,
    request: HttpRequest,
    path: SeatPath,
    query: Result<web::Query<DownloadQuery>, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let wrong = |_| Problem::invalid("format", "\"format\" is \"text\" or \"json\".");
    let query = query.map_err(wrong)?.into_inner();
    let (hash, seat) = path.into_inner();
    let caller = seat_holder(&state, &request, &hash, seat).await?;
    caller.look(&state).await?;
    if query.choose.is_some() {
        let page = views::download::Download { hash, seat };
        return Ok(html(
            StatusCode::OK,
            views::download::page(&frame(&request), &page),
        ));
    }
    let format = query.format.unwrap_or(Format::Text);
    let (kind, name) = match format {
        Format::Text => ("text/plain; charset=utf-8", "duet.txt"),
        Format::Json => ("application/json", "duet.json"),
    };
    Ok(HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(parts(state.pairs.clone(), caller, format)))
}

/// Where the reading stands.
enum Step {
    After(Seq),
    Closing,
    Done,
}

fn parts(
    pairs: PairRegistry,
    caller: Caller,
    format: Format,
) -> impl Stream<Item = Result<Bytes, Refusal>> {
    stream::try_unfold(Step::After(0), move |step| {
        let (pairs, caller) = (pairs.clone(), caller.clone());
        let json = matches!(format, Format::Json);
        async move {
            let after = match step {
                Step::After(after) => after,
                Step::Closing if json => {
                    return Ok(Some((Bytes::from_static(b"\n]\n"), Step::Done)));
                }
                Step::Closing | Step::Done => return Ok(None),
            };
            let history = History {
                by: caller.by,
                page: Page::After(after),
                limit: PART_LEN,
            };
            let (page, names) = pairs.ask(caller.key, history).await?;
            let mut part = String::new();
            if json && after == 0 {
                part.push('[');
            }
            for message in &page.messages {
                write(&mut part, message, &names, json);
            }
            let next = match page.messages.last() {
                Some(last) if page.more => Step::After(last.seq),
                _ => Step::Closing,
            };
            Ok(Some((Bytes::from(part), next)))
        }
    })
}

fn write(part: &mut String, message: &Message, names: &Names, json: bool) {
    let view = MessageView::of(message, names);
    if json {
        part.push_str(if message.seq == 1 { "\n" } else { ",\n" });
        let object = serde_json::to_string(&view).expect("strings and numbers are JSON");
        transcript::push_json(part, &object);
    } else {
        let MessageView {
            timestamp,
            sender_name,
            message,
            ..
        } = view;
        part.push_str(&format!("[{timestamp}] {sender_name}: "));
        transcript::push_text(part, message);
        part.push('\n');
    }
}
