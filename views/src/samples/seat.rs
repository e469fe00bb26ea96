//! What a person does about their seat, and what goes wrong.

use super::{DAY_MS, HASH, LINK, MINUTE_MS, NOW_MS};
use crate::{
    Markup, device, download, end, error, logout, page::Frame, replaced::Replaced, return_code,
    sessions,
};

pub(super) fn seat_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    let hash = || HASH.to_owned();
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
    let session = |id: &str, (browser, system), age_ms, current| sessions::Session {
        id: id.into(),
        browser,
        system,
        since_ms: NOW_MS - age_ms,
        last_seen_ms: NOW_MS - age_ms / 9,
        current,
    };
    let list = |ended| sessions::Sessions {
        hash: hash(),
        seat: 1,
        sessions: vec![
            session("a", (Some("Firefox"), Some("Linux")), MINUTE_MS, true),
            session("b", (Some("Chrome"), Some("Android")), DAY_MS, false),
            session("c", (None, None), 3 * DAY_MS, false),
        ],
        ended,
    };
    let code = return_code::ReturnCode {
        hash: hash(),
        seat: 1,
        code: Some("K7QM-2XRD-9FHT-W4PB".into()),
    };
    let no_code = return_code::ReturnCode {
        code: None,
        ..code.clone()
    };
    let no_device = device::Device {
        code: None,
        ..device.clone()
    };
    let device_encrypted = device::Device {
        encrypted: true,
        ..device.clone()
    };
    let download = download::Download {
        hash: hash(),
        seat: 1,
        encrypted_for: None,
    };
    let download_encrypted = download::Download {
        encrypted_for: Some("Abhi".into()),
        ..download.clone()
    };
    let log_out = |encrypted| {
        let page = logout::Logout {
            hash: hash(),
            seat: 1,
            encrypted,
        };
        logout::page(frame, &page)
    };
    let end_encrypted = end::End {
        hash: hash(),
        encrypted: true,
        seat: 1,
        peer: Some("Anny".into()),
    };
    vec![
        ("device", device::page(frame, &device)),
        ("device-none", device::page(frame, &no_device)),
        ("device-encrypted", device::page(frame, &device_encrypted)),
        ("return-code", return_code::page(frame, &code)),
        ("return-code-none", return_code::page(frame, &no_code)),
        ("download", download::page(frame, &download)),
        (
            "download-encrypted",
            download::page(frame, &download_encrypted),
        ),
        ("sessions", sessions::page(frame, &list(false))),
        ("sessions-ended", sessions::page(frame, &list(true))),
        (
            "end",
            end::page(
                frame,
                &end::End {
                    hash: hash(),
                    encrypted: false,
                    seat: 1,
                    peer: Some("Anny".into()),
                },
            ),
        ),
        (
            "end-unnamed",
            end::page(
                frame,
                &end::End {
                    hash: hash(),
                    encrypted: false,
                    seat: 1,
                    peer: None,
                },
            ),
        ),
        ("logout", log_out(false)),
        ("logout-encrypted", log_out(true)),
        ("end-encrypted", end::page(frame, &end_encrypted)),
    ]
}

pub(super) fn error_pages(frame: &Frame) -> Vec<(&'static str, Markup)> {
    use error::{Error, page};
    let plain = |status| Error {
        status,
        reference: Some("b7c2-41f0".into()),
        ..Error::default()
    };
    let seated = |status| {
        page(
            frame,
            &Error {
                hash: Some(HASH.into()),
                seat: Some(1),
                ..plain(status)
            },
        )
    };
    let replaced = |encrypted| {
        page(
            frame,
            &Error {
                hash: Some(HASH.into()),
                seat: Some(2),
                replaced: Some(Replaced {
                    at_ms: NOW_MS - DAY_MS,
                    user: "Anny".into(),
                    peer: Some("Abhi".into()),
                    encrypted,
                }),
                ..plain(401)
            },
        )
    };
    vec![
        ("error-400", seated(400)),
        (
            "error-401",
            page(
                frame,
                &Error {
                    hash: Some(HASH.into()),
                    ..plain(401)
                },
            ),
        ),
        ("error-401-replaced", replaced(false)),
        ("error-401-replaced-encrypted", replaced(true)),
        ("error-403", seated(403)),
        (
            "error-403-cross-site",
            page(
                frame,
                &Error {
                    cross_site: true,
                    ..plain(403)
                },
            ),
        ),
        ("error-404", page(frame, &plain(404))),
        ("error-405", seated(405)),
        ("error-408", seated(408)),
        ("error-409", seated(409)),
        ("error-410", page(frame, &plain(410))),
        ("error-413", seated(413)),
        ("error-415", seated(415)),
        ("error-422", seated(422)),
        (
            "error-429",
            page(
                frame,
                &Error {
                    retry_after_s: Some(30),
                    ..plain(429)
                },
            ),
        ),
        ("error-500", page(frame, &plain(500))),
        (
            "error-503",
            page(
                frame,
                &Error {
                    retry_after_s: Some(3),
                    hash: Some(HASH.into()),
                    ..plain(503)
                },
            ),
        ),
    ]
}
