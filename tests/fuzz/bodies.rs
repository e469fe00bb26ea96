//! Bodies of requests, each of every kind: one is understood, or refused by a 400 or a 413 that
//! says why. What is understood keeps the documented limits, and is the same bare and wrapped.

#![no_main]

use std::fmt::Debug;

use actors::domain::{Device, PairHash, TEXT_BYTES_MAX, UserName};
use duet::http::{
    body::{parse_form, parse_json},
    problem::Problem,
    wire::{
        EmptyBody,
        asks::{AnswerBody, AskBody},
        login::LoginBody,
        messages::{ReceiptBody, SendBody},
        registration::{RegisterBody, User1Body, User2Body},
        seat::EndSessionBody,
    },
};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    for login in read::<LoginBody>(body) {
        log_in(login);
    }
    for message in read::<SendBody>(body) {
        send(message);
    }
    for receipt in read::<ReceiptBody>(body) {
        let read = [receipt.delivered, receipt.read];
        match told(receipt.parse()) {
            Some(marks) => {
                assert!(read.contains(&Some(marks.delivered)) || read.contains(&Some(marks.read)))
            }
            None => assert_eq!(read, [None, None]),
        }
    }
    for answer in read::<AnswerBody>(body) {
        let whole = answer.ask.zip(answer.allow);
        let verdict = told(answer.parse());
        assert_eq!(verdict.map(|verdict| (verdict.ask, verdict.allow)), whole);
    }
    read::<RegisterBody>(body);
    read::<User1Body>(body);
    read::<User2Body>(body);
    read::<AskBody>(body);
    read::<EndSessionBody>(body);
    read::<EmptyBody>(body);
});

/// What it says as JSON and as a form.
fn read<T: DeserializeOwned + Debug>(body: &[u8]) -> impl IntoIterator<Item = T> {
    let bare = told(parse_json::<T>(body));
    if let Some(bare) = &bare
        && serde_json::from_slice::<Value>(body).is_ok_and(|value| value["data"].is_null())
    {
        let wrapped = [b"{\"data\":", body.trim_ascii(), b"}"].concat();
        let wrapped = parse_json::<T>(&wrapped).expect("it was understood bare");
        assert_eq!(format!("{wrapped:?}"), format!("{bare:?}"));
    }
    [bare, told(parse_form::<T>(body))].into_iter().flatten()
}

/// What was understood; why it was not has to be told well.
fn told<T>(result: Result<T, Problem>) -> Option<T> {
    let problem = match result {
        Ok(understood) => return Some(understood),
        Err(problem) => problem,
    };
    assert!([400, 413].contains(&problem.status().as_u16()), "{problem}");
    assert!(problem.message().ends_with('.'), "{}", problem.message());
    if let Some(field) = problem.field() {
        assert!(
            field.bytes().all(|byte| byte.is_ascii_alphabetic()),
            "{field}"
        );
    }
    None
}

fn log_in(body: LoginBody) {
    let proofs = [&body.return_code, &body.device_code, &body.ask_id];
    let several = proofs.iter().filter(|proof| proof.is_some()).count() > 1;
    let name = body
        .user
        .as_deref()
        .and_then(|name| UserName::parse(name).ok());
    let hash = body
        .hash
        .as_deref()
        .and_then(|hash| PairHash::parse(hash).ok());
    let Some(hash) = hash else { return };
    if let Some(login) = told(body.parse(Ok(hash.clone()), Device::default())) {
        assert!(!several);
        assert_eq!(Some(login.name), name);
        assert_eq!(login.hash, hash);
    }
}

fn send(body: SendBody) {
    let text = body.message.clone().unwrap_or_default();
    let long = text.len() > TEXT_BYTES_MAX;
    match body.parse() {
        Ok(_) => {
            assert!(!long && !text.contains('\0'));
            assert!(text.contains(|c: char| !c.is_whitespace()));
        }
        Err(problem) => {
            assert_eq!(problem.status() == 413, long);
            told::<()>(Err(problem));
        }
    }
}
