//! The way in.

use super::{DAY_MS, HASH, ID, LINK, NOW_MS};
use crate::{
    Markup, ask, invite, login,
    page::Frame,
    register::{self, NameFault},
    replaced::Replaced,
};

pub(super) fn register_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use register::{EndedBy, Notice, Problem, Register, page};
    let fresh = || Register {
        id: ID.to_owned(),
        ..Register::default()
    };
    let typed = |problem| Register {
        user_one: "Abhi".into(),
        user_two: "abhi".into(),
        ttl_hours: 24,
        problem: Some(problem),
        ..fresh()
    };
    let noticed = |notice| Register {
        notice: Some(notice),
        ..fresh()
    };
    vec![
        ("register", page(frame, &fresh())),
        (
            "register-plain",
            page(
                frame,
                &Register {
                    plain: true,
                    ..fresh()
                },
            ),
        ),
        (
            "register-missing",
            page(
                frame,
                &Register {
                    problem: Some(Problem::UserOne(NameFault::Missing)),
                    ..fresh()
                },
            ),
        ),
        (
            "register-same",
            page(frame, &typed(Problem::UserTwo(NameFault::Same))),
        ),
        (
            "register-long",
            page(frame, &typed(Problem::UserOne(NameFault::TooLong))),
        ),
        (
            "register-characters",
            page(frame, &typed(Problem::UserOne(NameFault::Characters))),
        ),
        ("register-lifetime", page(frame, &typed(Problem::Lifetime))),
        (
            "register-many",
            page(frame, &typed(Problem::TooMany { retry_after_s: 40 })),
        ),
        (
            "register-unavailable",
            page(frame, &typed(Problem::Unavailable)),
        ),
        (
            "register-ended-you",
            page(frame, &noticed(Notice::Ended(EndedBy::You))),
        ),
        (
            "register-ended-peer",
            page(frame, &noticed(Notice::Ended(EndedBy::Peer("Anny".into())))),
        ),
        (
            "register-ended-time",
            page(frame, &noticed(Notice::Ended(EndedBy::Time))),
        ),
        (
            "register-ended",
            page(frame, &noticed(Notice::Ended(EndedBy::Unknown))),
        ),
        (
            "register-loggedout",
            page(frame, &noticed(Notice::LoggedOut)),
        ),
    ]
}

pub(super) fn invite_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use invite::{Invite, page};
    let plain = || Invite {
        hash: HASH.into(),
        link: LINK.into(),
        peer: Some("Anny".into()),
        expires_at_ms: NOW_MS + 7 * DAY_MS,
        ..Invite::default()
    };
    vec![
        (
            "invite",
            page(
                frame,
                &Invite {
                    return_code: Some("K7QM-2XRD-9FHT-W4PB".into()),
                    ..plain()
                },
            ),
        ),
        ("invite-again", page(frame, &plain())),
        (
            "invite-encrypted",
            page(
                frame,
                &Invite {
                    encrypted: true,
                    ..plain()
                },
            ),
        ),
        (
            "invite-unnamed",
            page(
                frame,
                &Invite {
                    peer: None,
                    ..plain()
                },
            ),
        ),
        (
            "invite-joined",
            page(
                frame,
                &Invite {
                    peer_joined: true,
                    ..plain()
                },
            ),
        ),
    ]
}

pub(super) fn login_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use login::{Held, Login, Problem, page};
    let fresh = || Login {
        expires_at_ms: Some(NOW_MS + 7 * DAY_MS),
        hash: HASH.into(),
        id: ID.into(),
        ..Login::default()
    };
    let tried = |problem| {
        page(
            frame,
            &Login {
                user: "Anny".into(),
                problem: Some(problem),
                ..fresh()
            },
        )
    };
    let held = |seat, name: &str| Held {
        seat,
        name: name.into(),
    };
    vec![
        ("login", page(frame, &fresh())),
        (
            "login-choose",
            page(
                frame,
                &Login {
                    choose_name: true,
                    ..fresh()
                },
            ),
        ),
        (
            "login-continue",
            page(
                frame,
                &Login {
                    continue_as: vec![held(1, "Abhi"), held(2, "Anny")],
                    ..fresh()
                },
            ),
        ),
        (
            "login-encrypted",
            page(
                frame,
                &Login {
                    encrypted: true,
                    ..fresh()
                },
            ),
        ),
        ("login-missing", tried(Problem::Name(NameFault::Missing))),
        ("login-wrong-name", tried(Problem::WrongName)),
        ("login-taken", tried(Problem::SeatTaken)),
        (
            "login-replaced",
            page(
                frame,
                &Login {
                    user: "Anny".into(),
                    problem: Some(Problem::Replaced),
                    replaced: Some(Replaced {
                        encrypted: false,
                        at_ms: NOW_MS - DAY_MS,
                        user: "Anny".into(),
                        peer: None,
                    }),
                    ..fresh()
                },
            ),
        ),
        ("login-wrong-code", tried(Problem::WrongReturnCode)),
        ("login-wrong-device", tried(Problem::WrongDeviceCode)),
        ("login-ask-over", tried(Problem::AskOver)),
        ("login-ask-busy", tried(Problem::AskBusy)),
        ("login-session-over", tried(Problem::SessionOver)),
        ("login-many", tried(Problem::TooMany { retry_after_s: 300 })),
        ("login-unavailable", tried(Problem::Unavailable)),
    ]
}

pub(super) fn ask_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use ask::{Ask, State, page};
    let sample = |state, encrypted| {
        page(
            frame,
            &Ask {
                hash: HASH.into(),
                encrypted,
                ask_id: "Xk3".into(),
                id: ID.into(),
                user: "Anny".into(),
                number: "47".into(),
                state,
            },
        )
    };
    vec![
        ("ask-waiting", sample(State::Waiting, false)),
        ("ask-allowed", sample(State::Allowed, false)),
        ("ask-allowed-encrypted", sample(State::Allowed, true)),
        ("ask-refused", sample(State::Refused, false)),
        ("ask-expired", sample(State::Expired, false)),
    ]
}
