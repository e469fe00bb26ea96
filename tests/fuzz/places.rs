//! Places in a chat: `Last-Event-ID`, and what stands behind `?`. The four lines of an input are the
//! header, `after`, `before` and `limit`; a line of `-` alone is left out.

#![no_main]

use actix_web::{http::header::HeaderValue, test::TestRequest};
use actors::domain::Page;
use duet::http::{
    problem::Problem,
    wire::history::{HistoryQuery, StreamQuery, parse_last_seen, parse_page},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut lines = input
        .split(|byte| *byte == b'\n')
        .map(|line| (line != b"-").then_some(line));
    let id = lines.next().flatten();
    let mut text = || Some(String::from_utf8_lossy(lines.next()??).into_owned());
    let (after, before, limit) = (text(), text(), text());

    let mut request = TestRequest::default();
    if let Some(id) = id {
        let Ok(value) = HeaderValue::from_bytes(id) else {
            return;
        };
        request = request.insert_header(("last-event-id", value));
    }
    let query = StreamQuery {
        after: after.clone(),
    };
    // An empty header is none, as with browsers that have seen nothing yet.
    let id = id.filter(|id| !id.is_empty());
    let wanted = [id, after.as_deref().map(str::as_bytes)];
    match parse_last_seen(&request.to_http_request(), &query) {
        Ok(place) => assert_eq!(
            place,
            wanted
                .iter()
                .flatten()
                .next()
                .map(|text| number(text).unwrap())
        ),
        Err(problem) => refused(&problem, &wanted, &["Last-Event-ID", "after"]),
    }

    let query = HistoryQuery {
        after: after.clone(),
        before: before.clone(),
        limit: limit.clone(),
    };
    let places = [
        after.as_deref().map(str::as_bytes),
        before.as_deref().map(str::as_bytes),
    ];
    let limit = limit.map_or(Some(50), |limit| limit.parse().ok());
    match parse_page(&query) {
        Ok((page, length)) => {
            assert!((1..=200).contains(&length) && limit == Some(length));
            let place = |text: Option<&[u8]>| number(text.unwrap()).unwrap();
            match page {
                Page::After(after) => assert_eq!(after, place(places[0])),
                Page::Before(before) => assert_eq!(before, place(places[1])),
                Page::Newest => assert_eq!(places, [None, None]),
            }
        }
        Err(problem) if problem.field() == Some("limit") => {
            assert!(limit.is_none_or(|limit: usize| !(1..=200).contains(&limit)));
        }
        Err(_) if places.iter().all(Option::is_some) => {}
        Err(problem) => refused(&problem, &places, &["after", "before"]),
    }
});

/// Digits alone; beyond any place there can be is as good as the last.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

/// A refusal is a 400 that names the first field at fault.
fn refused(problem: &Problem, texts: &[Option<&[u8]>], fields: &[&str]) {
    let wrong = texts
        .iter()
        .position(|text| text.is_some_and(|text| number(text).is_none()));
    assert_eq!(problem.status(), 400);
    assert_eq!(problem.field(), wrong.map(|wrong| fields[wrong]));
}
