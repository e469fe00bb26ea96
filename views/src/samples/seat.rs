//! Pages about one's own seat, and error pages.

use super::{DAY_MS, HASH, LINK, MINUTE_MS, NOW_MS, RETURN_CODE, changed};
use crate::{
    Markup, device, download, end, error, logout, page::Frame, replaced::Replaced, return_code,
    sessions,
};

pub(super) fn seat_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    let hash = || HASH.to_owned();
    let device = |change: &dyn Fn(&mut device::Device)| {
        let device = device::Device {
            hash: hash(),
            seat: 1,
            you: "Abhi".into(),
            link: LINK.into(),
            code: Some(device::Code {
                code: "8TRF-M3WQ".into(),
                expires_at_ms: NOW_MS + 10 * MINUTE_MS,
            }),
            ..device::Device::default()
        };
        device::page(frame, &changed(device, change))
    };
    let session = |id: &str, (browser, system), age_ms, current| sessions::Session {
        id: id.into(),
        browser,
        system,
        since_ms: NOW_MS - age_ms,
        last_seen_ms: NOW_MS - age_ms / 9,
        current,
    };
    let list = |ended| {
        let sessions = sessions::Sessions {
            hash: hash(),
            seat: 1,
            sessions: vec![
                session("a", (Some("Firefox"), Some("Linux")), MINUTE_MS, true),
                session("b", (Some("Chrome"), Some("Android")), DAY_MS, false),
                session("c", (None, None), 3 * DAY_MS, false),
            ],
            ended,
        };
        sessions::page(frame, &sessions)
    };
    let return_code = |code: Option<&str>| {
        let page = return_code::ReturnCode {
            hash: hash(),
            seat: 1,
            code: code.map(Into::into),
        };
        return_code::page(frame, &page)
    };
    let download = |encrypted_for: Option<&str>| {
        let page = download::Download {
            hash: hash(),
            seat: 1,
            encrypted_for: encrypted_for.map(Into::into),
        };
        download::page(frame, &page)
    };
    let log_out = |encrypted| {
        let page = logout::Logout {
            hash: hash(),
            seat: 1,
            encrypted,
        };
        logout::page(frame, &page)
    };
    let end = |peer: Option<&str>, encrypted| {
        let page = end::End {
            hash: hash(),
            encrypted,
            seat: 1,
            peer: peer.map(Into::into),
        };
        end::page(frame, &page)
    };
    vec![
        ("device", device(&|_| {})),
        ("device-none", device(&|device| device.code = None)),
        (
            "device-encrypted",
            device(&|device| device.encrypted = true),
        ),
        ("return-code", return_code(Some(RETURN_CODE))),
        ("return-code-none", return_code(None)),
        ("download", download(None)),
        ("download-encrypted", download(Some("Abhi"))),
        ("sessions", list(false)),
        ("sessions-ended", list(true)),
        ("end", end(Some("Anny"), false)),
        ("end-unnamed", end(None, false)),
        ("logout", log_out(false)),
        ("logout-encrypted", log_out(true)),
        ("end-encrypted", end(Some("Anny"), true)),
    ]
}

pub(super) fn error_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use error::Error;
    let page = |status, change: &dyn Fn(&mut Error)| {
        let error = Error {
            status,
            reference: Some("b7c2-41f0".into()),
            ..Error::default()
        };
        error::page(frame, &changed(error, change))
    };
    let plain = |status| page(status, &|_| {});
    let seated = |status| {
        page(status, &|error| {
            error.hash = Some(HASH.into());
            error.seat = Some(1);
        })
    };
    let replaced = |encrypted| {
        page(401, &|error| {
            error.hash = Some(HASH.into());
            error.seat = Some(2);
            error.replaced = Some(Replaced {
                at_ms: NOW_MS - DAY_MS,
                user: "Anny".into(),
                peer: Some("Abhi".into()),
                encrypted,
            });
        })
    };
    vec![
        ("error-400", seated(400)),
        (
            "error-401",
            page(401, &|error| error.hash = Some(HASH.into())),
        ),
        ("error-401-replaced", replaced(false)),
        ("error-401-replaced-encrypted", replaced(true)),
        ("error-403", seated(403)),
        (
            "error-403-cross-site",
            page(403, &|error| error.cross_site = true),
        ),
        ("error-404", plain(404)),
        ("error-405", seated(405)),
        ("error-408", seated(408)),
        ("error-409", seated(409)),
        ("error-410", plain(410)),
        ("error-413", seated(413)),
        ("error-415", seated(415)),
        ("error-422", seated(422)),
        (
            "error-429",
            page(429, &|error| error.retry_after_s = Some(30)),
        ),
        ("error-500", plain(500)),
        (
            "error-503",
            page(503, &|error| {
                error.retry_after_s = Some(3);
                error.hash = Some(HASH.into());
            }),
        ),
    ]
}
