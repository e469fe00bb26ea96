//! The conversation as a file, text or JSON, streamed while it is read from the store.

use actix_web::{HttpResponse, http::header, web};
use actors::{
    Refusal,
    domain::{Message, Names, Page},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;

use super::holder::SeatRequest;
use crate::{
    escaping,
    http::{Problem, Result, actions::TokenHolder, wire::messages::MessageView},
};

/// Messages read at once.
const READ_LEN: usize = 200;
/// A part of the file ends with the message that makes it this long. The next one is read from there, so that a part of
/// hostile texts, which are longer in a file, is hardly longer than others.
const PART_BYTES: usize = 64 * 1_024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Deserialize)]
pub struct DownloadQuery {
    format: Option<Format>,
    /// With any value: show the page that asks for the format.
    choose: Option<String>,
}

/// The file, or the page that asks for the format.
pub async fn show(
    at: SeatRequest,
    query: Result<web::Query<DownloadQuery>, actix_web::Error>,
) -> Result<HttpResponse> {
    let wrong = |_| Problem::invalid("format", "\"format\" is \"text\" or \"json\".");
    let query = query.map_err(wrong)?.into_inner();
    let holder = at.holder().await?;
    let hello = holder.snapshot().await?.hello;
    if query.choose.is_some() {
        let page = views::download::Download {
            encrypted_for: hello.encrypted.then(|| {
                let you = hello.names[hello.seat].as_ref();
                you.map_or_else(String::new, ToString::to_string)
            }),
            hash: holder.hash(),
            seat: holder.seat.number(),
        };
        return Ok(holder.show(|frame| views::download::page(frame, &page)));
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
        .streaming(parts(holder.caller, format)))
}

/// The parts of the file.
fn parts(caller: TokenHolder, format: Format) -> impl Stream<Item = Result<Bytes, Refusal>> {
    let json = matches!(format, Format::Json);
    let pages = stream::try_unfold(Some(0), move |after| {
        let caller = caller.clone();
        async move {
            let Some(after) = after else {
                return Ok(None);
            };
            let (page, names) = caller.history(Page::After(after), READ_LEN).await?;
            let (mut part, mut last) = (String::new(), after);
            let mut messages = page.messages.iter();
            for message in messages.by_ref() {
                write(&mut part, message, &names, json);
                last = message.seq;
                if part.len() >= PART_BYTES {
                    break;
                }
            }
            let more = page.more || messages.next().is_some();
            Ok(Some((part.into(), more.then_some(last))))
        }
    });
    let edge = |text: &'static str| stream::iter(json.then(|| Ok(text.into())));
    edge("[").chain(pages).chain(edge("\n]\n"))
}

fn write(part: &mut String, message: &Message, names: &Names, json: bool) {
    let view = MessageView::of(message, names);
    if json {
        let object = serde_json::to_string(&view).expect("strings and numbers are JSON");
        part.push_str(if message.seq == 1 { "\n" } else { ",\n" });
        part.push_str(&escaping::json(&object));
    } else {
        let (at, who) = (view.timestamp, view.sender_name);
        let text = escaping::text(view.message);
        part.push_str(&format!("[{at}] {who}: {text}\n"));
    }
}
