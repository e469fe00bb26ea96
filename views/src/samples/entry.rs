//! The way in.

use super::{DAY_MS, HASH, ID, LINK, NOW_MS, RETURN_CODE, changed};
use crate::{
    Markup, ask, invite, login,
    page::Frame,
    register::{self, NameFault},
    replaced::Replaced,
};

pub(super) fn register_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use register::{Notice, Problem, Register};
    let page = |change: &dyn Fn(&mut Register)| {
        let fresh = Register {
            id: ID.to_owned(),
            ..Register::default()
        };
        register::page(frame, &changed(fresh, change))
    };
    let typed = |problem| {
        page(&|register| {
            register.user_one = "Abhi".into();
            register.user_two = "abhi".into();
            register.ttl_hours = 24;
            register.problem = Some(problem);
        })
    };
    let noticed = |notice| page(&|register| register.notice = Some(notice));
    vec![
        ("register", page(&|_| {})),
        ("register-plain", page(&|register| register.plain = true)),
        (
            "register-missing",
            page(&|register| register.problem = Some(Problem::UserOne(NameFault::Missing))),
        ),
        ("register-same", typed(Problem::UserTwo(NameFault::Same))),
        ("register-long", typed(Problem::UserOne(NameFault::TooLong))),
        (
            "register-characters",
            typed(Problem::UserOne(NameFault::Characters)),
        ),
        ("register-lifetime", typed(Problem::Lifetime)),
        (
            "register-many",
            typed(Problem::TooMany { retry_after_s: 40 }),
        ),
        ("register-unavailable", typed(Problem::Unavailable)),
        ("register-ended-you", noticed(Notice::EndedByYou)),
        ("register-ended", noticed(Notice::Ended)),
        ("register-loggedout", noticed(Notice::LoggedOut)),
    ]
}

pub(super) fn invite_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use invite::Invite;
    let page = |change: &dyn Fn(&mut Invite)| {
        let again = Invite {
            hash: HASH.into(),
            seat: 1,
            link: LINK.into(),
            peer: Some("Anny".into()),
            expires_at_ms: NOW_MS + 7 * DAY_MS,
            ..Invite::default()
        };
        invite::page(frame, &changed(again, change))
    };
    vec![
        (
            "invite",
            page(&|invite| invite.return_code = Some(RETURN_CODE.into())),
        ),
        ("invite-again", page(&|_| {})),
        ("invite-encrypted", page(&|invite| invite.encrypted = true)),
        ("invite-unnamed", page(&|invite| invite.peer = None)),
        ("invite-joined", page(&|invite| invite.peer_joined = true)),
        (
            "invite-seat-2",
            page(&|invite| {
                invite.seat = 2;
                invite.encrypted = true;
            }),
        ),
    ]
}

pub(super) fn login_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use login::{Held, Login, Problem};
    let page = |change: &dyn Fn(&mut Login)| {
        let fresh = Login {
            expires_at_ms: Some(NOW_MS + 7 * DAY_MS),
            hash: HASH.into(),
            id: ID.into(),
            ..Login::default()
        };
        login::page(frame, &changed(fresh, change))
    };
    let tried = |problem| {
        page(&|login| {
            login.user = "Anny".into();
            login.problem = Some(problem);
        })
    };
    let held = |seat, name: &str| Held {
        seat,
        name: name.into(),
    };
    vec![
        ("login", page(&|_| {})),
        ("login-choose", page(&|login| login.choose_name = true)),
        (
            "login-continue",
            page(&|login| login.continue_as = vec![held(1, "Abhi"), held(2, "Anny")]),
        ),
        ("login-encrypted", page(&|login| login.encrypted = true)),
        ("login-missing", tried(Problem::Name(NameFault::Missing))),
        ("login-wrong-name", tried(Problem::WrongName)),
        ("login-taken", tried(Problem::SeatTaken)),
        (
            "login-replaced",
            page(&|login| {
                login.user = "Anny".into();
                login.problem = Some(Problem::Replaced);
                login.replaced = Some(Replaced {
                    encrypted: false,
                    at_ms: NOW_MS - DAY_MS,
                    user: "Anny".into(),
                    peer: None,
                });
            }),
        ),
        ("login-wrong-code", tried(Problem::WrongReturnCode)),
        ("login-wrong-device", tried(Problem::WrongDeviceCode)),
        ("login-ask-over", tried(Problem::AskOver)),
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
