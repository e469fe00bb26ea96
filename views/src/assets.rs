//! The embedded styles and scripts.
//!
//! All of them live in one directory whose name is a digest over all of them: `/demo/chat/assets/{digest}/chat.js`. So a page and
//! its assets always come from one build, and every file may be cached for ever.
//!
//! Styles are served without comments, a quarter of their size, and insignificant spaces. The build joins and minifies the
//! modules in `assets/` into scripts: see `build/main.rs`.

use std::{borrow::Cow, fmt::Write as _, sync::LazyLock};

use sha2::{Digest as _, Sha256};

use crate::address;

// The code that joins the scripts runs when this crate is built; it is included here for its tests.
#[cfg(test)]
#[path = "../build/join.rs"]
mod join;
#[cfg(test)]
#[path = "../build/module.rs"]
mod module;

/// A file as it is served.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// The content.
    pub bytes: &'static [u8],
    /// The `Content-Type`.
    pub mime: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";
const MANIFEST: &str = "application/manifest+json";

macro_rules! embedded {
    ($($mime:ident $name:literal),+ $(,)?) => {
        &[$(($name, $mime, include_bytes!(concat!("../assets/", $name)))),+]
    };
}

/// Every file except the scripts: name, type, content. Phones accept only a PNG as the home screen icon. `lean-qr.js` is
/// third-party and served unchanged, with its licence.
static FILES: &[(&str, &str, &[u8])] = embedded![
    CSS "base.css",
    CSS "chat.css",
    SVG "icon.svg",
    MANIFEST "app.webmanifest",
    PNG "icon-192.png",
    JS "lean-qr.js",
];

/// Every script as it is served, by name.
static SCRIPTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// An asset as it is served: name, type, content.
type Served = (&'static str, &'static str, Cow<'static, [u8]>);

static ALL: LazyLock<Vec<Served>> = LazyLock::new(|| {
    let files = FILES.iter().map(|(name, mime, bytes)| {
        let lean = || lean(str::from_utf8(bytes).expect("files of these types are text"));
        let served = match *mime {
            CSS => tight(&lean()).into_bytes().into(),
            SVG | MANIFEST => lean().into_bytes().into(),
            _ => Cow::from(*bytes),
        };
        (*name, *mime, served)
    });
    let scripts = SCRIPTS.iter();
    let scripts = scripts.map(|(name, code)| (*name, JS, code.as_bytes().into()));
    files.chain(scripts).collect()
});

/// How many digits of the digest are in the path: 64 bits distinguish builds.
const DIGEST_LEN: usize = 16;

static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for (name, asset) in all() {
        hasher.update(name.as_bytes());
        hasher.update((asset.bytes.len() as u64).to_be_bytes());
        hasher.update(asset.bytes);
    }
    let mut hex = String::with_capacity(2 * DIGEST_LEN);
    for byte in hasher.finalize() {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
    }
    hex.truncate(DIGEST_LEN);
    hex
});

/// The name of the directory that all assets live in.
pub fn digest() -> &'static str {
    &DIGEST
}

/// Whether a build could have this digest.
pub fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_LEN
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The path of an asset: `/demo/chat/assets/{digest}/{name}`.
pub fn url(name: &str) -> String {
    format!("{}/assets/{}/{name}", address::BASE, digest())
}

/// The asset behind that path; `None` for another build's digest as well, so that nothing stale is cached for ever.
pub fn find(digest: &str, name: &str) -> Option<Asset> {
    if digest != self::digest() {
        return None;
    }
    all()
        .find(|(known, _)| *known == name)
        .map(|(_, asset)| asset)
}

/// Every asset by name.
pub fn all() -> impl Iterator<Item = (&'static str, Asset)> {
    ALL.iter()
        .map(|(name, mime, bytes)| (*name, Asset { bytes, mime }))
}

/// Removes `/* … */` and indentation. A test ensures that no string contains a comment marker.
fn lean(source: &str) -> String {
    let mut kept = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let lines = kept.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::new(), |out, line| out + line + "\n")
}

/// Removes insignificant spaces and line breaks from a style sheet, which are those beside `{ } ; ,` and after a colon (before
/// one, a space may be a descendant combinator), and the last semicolon of a block. Double-quoted strings stay unchanged; a test
/// ensures that no sheet has other strings.
fn tight(style: &str) -> String {
    const MARKS: [char; 4] = ['{', '}', ';', ','];
    let mut out = String::with_capacity(style.len());
    let (mut in_string, mut spaced) = (false, false);
    for c in style.chars() {
        if c.is_whitespace() && !in_string {
            spaced = true;
            continue;
        }
        let is_beside_mark = MARKS.contains(&c) || out.is_empty() || out.ends_with(MARKS);
        if spaced && !is_beside_mark && !out.ends_with(':') {
            out.push(' ');
        }
        spaced = false;
        if c == '}' && !in_string && out.ends_with(';') {
            out.pop();
        }
        in_string ^= c == '"';
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_under_its_own_url_only() {
        let found = find(digest(), "chat.js").expect("the chat has a script");
        assert_eq!(found.mime, JS);
        assert!(url("chat.js").ends_with(&format!("/{}/chat.js", digest())));
        assert!(find("0000000000000000", "chat.js").is_none());
        assert!(find(digest(), "../src/lib.rs").is_none());
    }

    /// The files of these types, as written.
    fn texts(types: &[&str]) -> impl Iterator<Item = (&'static str, &'static str)> {
        let files = FILES.iter().filter(|(_, mime, _)| types.contains(mime));
        files.map(|(name, _, bytes)| (*name, str::from_utf8(bytes).expect("a text")))
    }

    #[test]
    fn comments_and_indentation_are_left_out_and_styles_are_not() {
        assert_eq!(
            lean("/* a\n b */\na {\n  b: c; /* d */\n}\n"),
            "a {\nb: c;\n}\n"
        );
        for (name, source) in texts(&[CSS, SVG, MANIFEST]) {
            for line in source.lines().filter(|line| line.contains("/*")) {
                let before = line.split("/*").next().unwrap_or_default();
                assert!(
                    before.matches('"').count().is_multiple_of(2),
                    "{name}: a comment's mark may stand in a string: {line}"
                );
            }
        }
    }

    #[test]
    fn spaces_that_say_nothing_are_left_out_of_styles_and_no_others() {
        let style = "a :hover, b > c {\n--d: 1 + 2;\ncontent: \"; } : ,\" / \"\";\n}\n@media (e: 1rem) and (f) { g { h: i, j } }\n";
        let short =
            "a :hover,b > c{--d:1 + 2;content:\"; } : ,\" / \"\"}@media (e:1rem) and (f){g{h:i,j}}";
        assert_eq!(tight(style), short);
        assert_eq!(tight(short), short);
        for (name, source) in texts(&[CSS]) {
            let lean = lean(source);
            let has_other_strings = lean.split('"').step_by(2).any(|code| code.contains('\''));
            assert!(!has_other_strings && !lean.contains('\\'), "{name}");
        }
    }

    /// The limit on uncompressed CSS and scripts: brotli compresses them to a third, and the budget is 20 KiB of
    /// script.
    #[test]
    fn assets_stay_small() {
        let weight = |mime| {
            all()
                .filter(|(_, asset)| asset.mime == mime)
                .map(|(_, asset)| asset.bytes.len())
                .sum::<usize>()
        };
        assert!(
            weight(JS) < 68 * 1024 && weight(CSS) < 30 * 1024,
            "{} and {} bytes",
            weight(JS),
            weight(CSS)
        );
    }

    #[test]
    fn scripts_are_minified() {
        for (name, code) in SCRIPTS {
            // A line here and there stands in a string.
            assert!(!code.contains("/*") && code.lines().count() < 10, "{name}");
        }
    }

    #[test]
    fn scripts_write_text_and_never_markup() {
        for (name, code) in SCRIPTS {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "setAttribute(`style`",
                "setAttribute(\"style\"",
            ] {
                assert!(!code.contains(word), "{name} uses {word}");
            }
        }
    }
}
