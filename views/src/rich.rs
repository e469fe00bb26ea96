//! Renders the markup of messages: links, `code`, and large emoji if there is nothing else.
//!
//! `assets/rich.js` does the same for messages that arrive live; `tests/rich.json` holds the cases both must agree on.
//! A person's text never becomes markup: pieces are escaped like everything else.
//!
//! The text is untrusted, up to 16 KiB, so the work is linear in it: a test counts the characters read.

use maud::{Markup, html};

mod emoji;
mod links;
mod steps;

pub(crate) use emoji::only_emoji;

/// A stretch of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// A URL with `http` or `https`.
    Link(&'a str),
    /// A URL without a scheme: `www.example.org`, `example.org/path`.
    Site(&'a str),
    Mail(&'a str),
    Code(&'a str),
    Block(&'a str),
}

/// Cuts a message into its pieces, in order and without loss, save for the backticks and, of a block, the name of its language,
/// one newline inside each fence and one behind it.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    // A fence that nothing closes is looked for once: nothing closes a later one either.
    let mut fences = true;
    while let Some(ahead) = find(&text[at..], "`") {
        at += ahead;
        let rest = &text[at..];
        let fenced = if fences && rest.starts_with("```") {
            let found = fence(rest);
            fences = found.is_some();
            found
        } else {
            None
        };
        if let Some((piece, len)) = fenced.or_else(|| span(rest)) {
            links::cut(&text[plain_from..at], &mut out);
            out.push(piece);
            at += len;
            plain_from = at;
        } else {
            at += 1;
        }
    }
    links::cut(&text[plain_from..], &mut out);
    out
}

/// `str::find`, with its steps counted for the tests.
fn find(text: &str, wanted: &str) -> Option<usize> {
    let found = text.find(wanted);
    steps::took(found.unwrap_or(text.len()) + wanted.len());
    found
}

/// The block that begins right here, and how many bytes it takes.
fn fence(text: &str) -> Option<(Piece<'_>, usize)> {
    let body = text.strip_prefix("```")?;
    let first_len = body.chars().next()?.len_utf8();
    let end = first_len + find(&body[first_len..], "```")?;
    let code = &body[..end];
    let code = code.strip_prefix('\n').unwrap_or(untagged(code));
    // A block ends its line by itself: the newline behind it would show as an empty one.
    let newline_len = usize::from(body[end + 3..].starts_with('\n'));
    Some((
        Piece::Block(code.strip_suffix('\n').unwrap_or(code)),
        end + 6 + newline_len,
    ))
}

/// A block's code without the name of its language, a word that is all of its first line. What has nothing behind it is the code.
fn untagged(code: &str) -> &str {
    let is_tag = |c: char| c.is_ascii_alphanumeric() || "_+#.-".contains(c);
    let rest = code.trim_start_matches(is_tag).strip_prefix('\n');
    rest.filter(|rest| rest.bytes().any(|byte| byte != b'\n'))
        .unwrap_or(code)
}

fn span(text: &str) -> Option<(Piece<'_>, usize)> {
    let body = text.strip_prefix('`')?;
    let end = body.find(['`', '\n']);
    steps::took(end.unwrap_or(body.len()) + 1);
    let end = end?;
    (end > 0 && body[end..].starts_with('`')).then(|| (Piece::Code(&body[..end]), end + 2))
}

/// Removes the blank lines around a text, which a phone's Enter leaves, but not the first line's indentation.
fn shown(text: &str) -> &str {
    let text = text.trim_end();
    let blank = &text[..text.len() - text.trim_start().len()];
    blank.rfind('\n').map_or(text, |at| &text[at + 1..])
}

/// The text of a message as markup.
pub(crate) fn markup(text: &str) -> Markup {
    html! {
        @for piece in pieces(shown(text)) {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Link(link) => (anchor("", link)),
                Piece::Site(site) => (anchor("https://", site)),
                Piece::Mail(mail) => (anchor("mailto:", mail)),
                Piece::Code(code) => code dir="ltr" { (code) },
                Piece::Block(code) => pre dir="ltr" { code { (code) } },
            }
        }
    }
}

fn anchor(scheme: &str, link: &str) -> Markup {
    html! { a href={ (scheme) (link) } dir="ltr" target="_blank" rel="noreferrer noopener" { (link) } }
}

#[cfg(test)]
mod tests;
