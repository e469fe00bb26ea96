//! Hostile names and texts stay text, wherever a page shows them.

use views::{
    Markup, ask,
    chat::{self, AskBanner, Chat},
    device, end, error, invite, login,
    message::Message,
    page::{Frame, Theme},
    register,
    replaced::Replaced,
    samples, text,
};

const HOSTILE: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>'&amp;\u{202e}";

fn frame() -> Frame {
    Frame {
        here: HOSTILE.to_owned(),
        ..samples::frame(&text::ENGLISH, Theme::Auto)
    }
}

fn hostile() -> String {
    HOSTILE.to_owned()
}

fn harmless(page: Markup) {
    let page = page.into_string();
    assert!(!page.contains("<img"), "{page}");
    assert!(!page.contains("<script>"), "{page}");
    assert!(!page.contains("x\"><"), "{page}");
}

#[test]
fn on_the_way_in() {
    let frame = frame();
    harmless(register::page(
        &frame,
        &register::Register {
            id: hostile(),
            user_one: hostile(),
            user_two: hostile(),
            ..register::Register::default()
        },
    ));
    harmless(login::page(
        &frame,
        &login::Login {
            hash: hostile(),
            user: hostile(),
            continue_as: vec![login::Held {
                seat: 1,
                name: hostile(),
            }],
            ..login::Login::default()
        },
    ));
    harmless(login::page(
        &frame,
        &login::Login {
            user: hostile(),
            problem: Some(login::Problem::SeatTaken),
            ..login::Login::default()
        },
    ));
    let state = ask::State::Allowed;
    harmless(ask::page(
        &frame,
        &ask::Ask {
            hash: hostile(),
            encrypted: true,
            ask_id: hostile(),
            id: hostile(),
            user: hostile(),
            number: hostile(),
            state,
        },
    ));
    harmless(invite::page(
        &frame,
        &invite::Invite {
            link: hostile(),
            peer: Some(hostile()),
            return_code: Some(hostile()),
            ..invite::Invite::default()
        },
    ));
}

#[test]
fn in_the_conversation() {
    let message = Message {
        seq: 1,
        id: hostile(),
        seat: 2,
        sender: hostile(),
        text: hostile(),
        at_ms: 0,
    };
    harmless(chat::page(
        &frame(),
        &Chat {
            hash: hostile(),
            seat: 1,
            you: hostile(),
            peer: Some(hostile()),
            link: hostile(),
            draft: hostile(),
            message_id: hostile(),
            messages: vec![message],
            asks: vec![AskBanner {
                ask: hostile(),
                user: hostile(),
                number: hostile(),
                own_seat: false,
            }],
            return_code: Some(hostile()),
            ..Chat::default()
        },
    ));
}

#[test]
fn beside_it() {
    let frame = frame();
    harmless(end::page(
        &frame,
        &end::End {
            hash: hostile(),
            seat: 1,
            encrypted: true,
            peer: Some(hostile()),
        },
    ));
    harmless(device::page(
        &frame,
        &device::Device {
            you: hostile(),
            link: hostile(),
            code: Some(device::Code {
                code: hostile(),
                expires_at_ms: 0,
            }),
            ..device::Device::default()
        },
    ));
    harmless(error::page(
        &frame,
        &error::Error {
            status: 500,
            reference: Some(hostile()),
            hash: Some(hostile()),
            ..error::Error::default()
        },
    ));
    let replaced = || {
        Some(Replaced {
            encrypted: false,
            at_ms: 0,
            user: hostile(),
            peer: Some(hostile()),
        })
    };
    harmless(error::page(
        &frame,
        &error::Error {
            status: 401,
            hash: Some(hostile()),
            replaced: replaced(),
            ..error::Error::default()
        },
    ));
    harmless(login::page(
        &frame,
        &login::Login {
            user: hostile(),
            problem: Some(login::Problem::Replaced),
            replaced: replaced(),
            ..login::Login::default()
        },
    ));
}
