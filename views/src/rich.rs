//! The little markup a message may have: links, `code`, and emoji set large when there is nothing else.
//!
//! `assets/rich.js` does the same for messages that arrive live; `tests/rich.json` holds the cases both must agree on.
//! Nothing here ever yields markup from a person's text: pieces are escaped like everything else, and a link is one only with
//! `http` or `https` in front.

use maud::{Markup, html};

/// A stretch of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Link(&'a str),
    Code(&'a str),
    Block(&'a str),
}

/// Cuts a message into its pieces, in order and without loss, save for the backticks and, of a block, one newline inside each
/// fence and one behind it.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(ahead) = text[at..].find(['`', 'h', 'H']) {
        at += ahead;
        if let Some((piece, len)) = piece_at(&text[at..]) {
            if plain_from < at {
                out.push(Piece::Text(&text[plain_from..at]));
            }
            out.push(piece);
            at += len;
            plain_from = at;
        } else {
            // All three characters that begin a piece are one byte long.
            at += 1;
        }
    }
    if plain_from < text.len() {
        out.push(Piece::Text(&text[plain_from..]));
    }
    out
}

/// The piece that begins right here, and how many bytes it takes.
fn piece_at(text: &str) -> Option<(Piece<'_>, usize)> {
    fence(text).or_else(|| span(text)).or_else(|| link(text))
}

fn fence(text: &str) -> Option<(Piece<'_>, usize)> {
    let body = text.strip_prefix("```")?;
    let first_len = body.chars().next()?.len_utf8();
    let end = first_len + body[first_len..].find("```")?;
    let code = &body[..end];
    let code = code.strip_prefix('\n').unwrap_or(code);
    // A block ends its line by itself: the newline behind it would show as an empty one.
    let newline_len = usize::from(body[end + 3..].starts_with('\n'));
    Some((
        Piece::Block(code.strip_suffix('\n').unwrap_or(code)),
        end + 6 + newline_len,
    ))
}

fn span(text: &str) -> Option<(Piece<'_>, usize)> {
    let body = text.strip_prefix('`')?;
    let end = body.find(['`', '\n'])?;
    (end > 0 && body[end..].starts_with('`')).then(|| (Piece::Code(&body[..end]), end + 2))
}

fn link(text: &str) -> Option<(Piece<'_>, usize)> {
    let scheme_len = ["https://", "http://"].iter().find_map(|scheme| {
        text.get(..scheme.len())
            .filter(|start| start.eq_ignore_ascii_case(scheme))
            .map(str::len)
    })?;
    let end = text.find(ends_link).unwrap_or(text.len());
    let link = trim_sentence_end(&text[..end]);
    (link.len() > scheme_len).then_some((Piece::Link(link), link.len()))
}

/// Blanks and quotes end a link, and so does every invisible or direction-changing character: they could dress one
/// address up as another.
fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A full stop after a link belongs to the sentence; so does a closing bracket that was not opened inside.
fn trim_sentence_end(link: &str) -> &str {
    let mut link = link;
    while let Some(last) = link.chars().next_back() {
        let closes = |open: char| link.matches(last).count() > link.matches(open).count();
        let drop = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '”' | '’' | '»' | '…'
            | '،' | '؟' | '؛' => true,
            ')' => closes('('),
            ']' => closes('['),
            _ => false,
        };
        if !drop {
            break;
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    link
}

/// More than a handful reads as text again.
const BIG_EMOJI_MAX: usize = 6;

/// Whether a message is a few emoji and nothing else.
pub(crate) fn only_emoji(text: &str) -> bool {
    let mut count = 0;
    for c in text.chars() {
        match c {
            '\u{200d}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' => {}
            '\u{231a}'..='\u{23ff}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{2b05}'..='\u{2b55}'
            | '\u{1f1e6}'..='\u{1f1ff}'
            | '\u{1f300}'..='\u{1faff}' => count += 1,
            c if c.is_whitespace() => {}
            _ => return false,
        }
    }
    (1..=BIG_EMOJI_MAX).contains(&count)
}

/// The text of a message as markup.
pub(crate) fn markup(text: &str) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Link(link) => a href=(link) dir="ltr" target="_blank" rel="noreferrer noopener" { (link) },
                Piece::Code(code) => code dir="ltr" { (code) },
                Piece::Block(code) => pre dir="ltr" { code { (code) } },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        pieces: Vec<(String, String)>,
        #[serde(default)]
        big: bool,
    }

    #[test]
    fn the_shared_cases_hold_here() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../tests/rich.json")).expect("the cases are JSON");
        for case in cases {
            let found: Vec<_> = pieces(&case.text)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => ("text".to_owned(), text.to_owned()),
                    Piece::Link(text) => ("link".to_owned(), text.to_owned()),
                    Piece::Code(text) => ("code".to_owned(), text.to_owned()),
                    Piece::Block(text) => ("block".to_owned(), text.to_owned()),
                })
                .collect();
            assert_eq!(found, case.pieces, "{:?}", case.text);
            assert_eq!(only_emoji(&case.text), case.big, "{:?}", case.text);
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        for text in [
            "<script>alert(1)</script>",
            "javascript:alert(1)",
            "\"><img src=x onerror=alert(1)>",
            "`<b>`",
            "http://\"onload=x",
        ] {
            let markup = markup(text).into_string();
            for tag in ["<script", "<img", "<b>", "href=\"javascript", "\"onload"] {
                assert!(!markup.contains(tag), "{text} became {markup}");
            }
        }
    }
}
