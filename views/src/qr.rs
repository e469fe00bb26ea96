//! QR codes as inline SVG: made here, so that no other site sees a link.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around the code; the standard asks for four.
const QUIET: usize = 4;

/// The code of a link, black on white in either theme, since readers expect that. Nothing when the link is too long for one.
pub(crate) fn svg(link: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::with_error_correction_level(link, EcLevel::M) else {
        return html! {};
    };
    let side = code.width() + 2 * QUIET;
    html! {
        svg.qr viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path fill="#000" d=(path(&code)) {}
        }
    }
}

/// The code of a link; for an encrypted chat an empty element in which the page draws it, because the server does not
/// have the whole link.
pub(crate) fn of_link(link: &str, field: &str, label: &str, encrypted: bool) -> Markup {
    match encrypted {
        true => {
            html! { svg.qr data-qr=(field) role="img" aria-label=(label) shape-rendering="crispEdges" {} }
        }
        false => svg(link, label),
    }
}

/// One horizontal bar per run of dark modules.
fn path(code: &QrCode) -> String {
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = QUIET;
        for run in row.chunk_by(|one, next| one == next) {
            let len = run.len();
            if run[0] == Color::Dark {
                write!(path, "M{x} {}h{len}v1h-{len}z", y + QUIET)
                    .expect("writing to a String cannot fail");
            }
            x += len;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_square_with_its_three_corner_marks() {
        let svg = svg("https://chat.example/demo/chat/user/Abc", "a code").into_string();
        assert!(svg.contains("aria-label=\"a code\""));
        assert!(
            svg.contains("M4 4h7v1h-7z"),
            "the top left mark begins with a bar of seven"
        );
    }

    #[test]
    fn a_link_too_long_for_a_code_is_left_out() {
        assert!(svg(&"x".repeat(5_000), "").into_string().is_empty());
    }
}
