//! The embedded styles and scripts.
//!
//! All of them live in one directory whose name is a digest over all of them: `/demo/chat/assets/{digest}/chat.js`. So a page and
//! its assets always come from one build, and every file may be cached for ever.
//!
//! What is delivered is what is written, less its comments, which weigh a quarter of it, and its indentation,
//! with the modules of a page joined into one file: see `bundle`.

use std::{fmt::Write as _, sync::LazyLock};

use sha2::{Digest as _, Sha256};

use crate::address;

mod bundle;

use bundle::Script;

/// A file, as it goes over the wire.
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
        &[$(($name, $mime, include_str!(concat!("../assets/", $name)))),+]
    };
}

/// Every file as written: name, type, text.
static SOURCES: &[(&str, &str, &str)] = embedded![
    CSS "base.css",
    CSS "chat.css",
    SVG "icon.svg",
    MANIFEST "app.webmanifest",
    JS "api.js",
    JS "arrival.js",
    JS "ask.js",
    JS "asks.js",
    JS "attention.js",
    JS "banner.js",
    JS "breath.js",
    JS "cannot.js",
    JS "chat.js",
    JS "composer.js",
    JS "connection.js",
    JS "conversation.js",
    JS "copy.js",
    JS "door.js",
    JS "events.js",
    JS "every.js",
    JS "expiry.js",
    JS "findings.js",
    JS "keyring.js",
    JS "leave.js",
    JS "links.js",
    JS "locks.js",
    JS "log.js",
    JS "login.js",
    JS "making.js",
    JS "menu.js",
    JS "notice.js",
    JS "older.js",
    JS "opening.js",
    JS "outbox.js",
    JS "page.js",
    JS "phone.js",
    JS "presence.js",
    JS "presses.js",
    JS "qr.js",
    JS "reasons.js",
    JS "receipts.js",
    JS "rich.js",
    JS "save.js",
    JS "say.js",
    JS "seal.js",
    JS "sealed.js",
    JS "slots.js",
    JS "state.js",
    JS "storage.js",
    JS "stream.js",
    JS "tabs.js",
    JS "theme.js",
    JS "times.js",
    JS "vault.js",
    JS "whole.js",
];

/// The work of others, served as it came: its licence stands in it.
static VENDORED: &[(&str, &str, &[u8])] =
    &[("lean-qr.js", JS, include_bytes!("../assets/lean-qr.js"))];

/// Files that are no text: phones take no other icon for the home screen.
static PICTURES: &[(&str, &str, &[u8])] = &[(
    "icon-192.png",
    PNG,
    include_bytes!("../assets/icon-192.png"),
)];

/// How many digits of the digest stand in the path: 64 bits tell builds apart.
const DIGEST_LEN: usize = 16;

/// The scripts that browsers fetch, and those whose modules each of them uses, which are fetched ahead of it; every module is a part
/// of one of them. `every.js` comes with every page, ahead of its first paint; `vault.js` and what builds upon it where a chat is, or
/// is to be, encrypted, `making.js`, `qr.js` and `save.js` of these when they are wanted.
static SCRIPTS: [(&str, &[&str]); 7] = [
    (EVERY, &[]),
    ("chat.js", &[EVERY]),
    ("page.js", &[EVERY]),
    (VAULT, &[EVERY]),
    ("making.js", &[EVERY, VAULT]),
    ("qr.js", &[]),
    ("save.js", &[EVERY, VAULT]),
];
const EVERY: &str = "every.js";
const VAULT: &str = "vault.js";

static BUNDLES: LazyLock<Vec<Script>> = LazyLock::new(|| bundle::bundle(&SCRIPTS, &module));

static LEAN: LazyLock<Vec<(&str, &str, String)>> = LazyLock::new(|| {
    let sources = SOURCES.iter().filter(|(_, mime, _)| *mime != JS);
    let styles = sources.map(|(name, mime, source)| (*name, *mime, lean(source)));
    let scripts = BUNDLES
        .iter()
        .map(|script| (script.name.as_str(), JS, script.code.clone()));
    styles.chain(scripts).collect()
});

/// A module as it is put into a bundle.
fn module(name: &str) -> String {
    let source = SOURCES.iter().find(|(known, ..)| *known == name);
    lean(source.unwrap_or_else(|| panic!("no module {name}")).2)
}

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
#[must_use]
pub fn digest() -> &'static str {
    &DIGEST
}

/// The path of an asset: `/demo/chat/assets/{digest}/{name}`.
#[must_use]
pub fn url(name: &str) -> String {
    format!("{}/assets/{}/{name}", address::BASE, digest())
}

/// The asset behind that path; `None` for another build's digest as well, so that nothing stale is cached for ever.
#[must_use]
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
    let texts = LEAN
        .iter()
        .map(|(name, mime, text)| (*name, *mime, text.as_bytes()));
    texts
        .chain(PICTURES.iter().copied())
        .chain(VENDORED.iter().copied())
        .map(|(name, mime, bytes)| (name, Asset { bytes, mime }))
}

/// Leaves out `/* … */`, JSDoc casts included, lines that are `//` comments, and what lines are indented by. A test sees to it
/// that none of it stands inside a string.
fn lean(source: &str) -> String {
    let mut kept = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    let lines = kept
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"));
    lines.fold(String::new(), |out, line| out + line + "\n")
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

    #[test]
    fn every_module_is_a_part_of_one_script_among_those_that_are_loaded_together() {
        for (name, ..) in SOURCES.iter().filter(|(_, mime, _)| *mime == JS) {
            let holds = |script: &&Script| script.modules.iter().any(|module| module == name);
            let holders: Vec<_> = BUNDLES
                .iter()
                .filter(holds)
                .map(|script| &script.name)
                .collect();
            assert!(holders.len() == 1, "{name} is in {holders:?}");
        }
    }

    #[test]
    fn comments_and_indentation_are_left_out_and_code_is_not() {
        assert_eq!(
            lean("// a\nlet x = /** @type {y} */ (z); // b\n\n/*\n c\n*/\n  {\n"),
            "let x =  (z); // b\n{\n"
        );
        for (name, _, source) in SOURCES {
            for line in source
                .lines()
                .filter(|line| line.contains("/*") || line.contains("*/"))
            {
                let before = line.split("/*").next().unwrap_or_default();
                let quotes = before.matches(['"', '`']).count();
                assert!(
                    quotes % 2 == 0,
                    "{name}: a comment's mark may stand in a string: {line}"
                );
            }
            for line in source
                .lines()
                .filter(|line| !line.trim_start().starts_with(['/', '*']))
            {
                let outside_strings: String = line.split('"').step_by(2).collect();
                assert!(
                    outside_strings.matches('`').count().is_multiple_of(2),
                    "{name}: a string of several lines would lose their beginnings: {line}"
                );
            }
        }
    }

    /// What CSS and scripts may weigh uncompressed: brotli makes a quarter of it, and 20 KiB of script is the budget.
    #[test]
    fn assets_stay_small() {
        let weight = |mime| {
            all()
                .filter(|(_, asset)| asset.mime == mime)
                .map(|(_, asset)| asset.bytes.len())
                .sum::<usize>()
        };
        assert!(
            weight(JS) < 104 * 1024 && weight(CSS) < 30 * 1024,
            "{} and {} bytes",
            weight(JS),
            weight(CSS)
        );
    }

    #[test]
    fn scripts_write_text_and_never_markup() {
        for (name, _, source) in SOURCES.iter().filter(|(_, mime, _)| *mime == JS) {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "setAttribute(\"style\"",
            ] {
                assert!(!source.contains(word), "{name} uses {word}");
            }
        }
    }
}
