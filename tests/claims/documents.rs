//! The documents are complete where the code can tell.

mod commands;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

/// Every Rust file below a folder, as text.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(kind) if kind == "rs" => vec![fs::read_to_string(path).unwrap()],
            _ => Vec::new(),
        })
        .collect()
}

/// The `error` words of a file: what stands behind a status, as in `StatusCode::CONFLICT, "seat_taken"`.
fn error_words(source: &str) -> BTreeSet<&str> {
    let quoted = |text: &'static str| {
        source.split(text).skip(1).filter_map(|rest| {
            let (before, rest) = rest.split_once('"')?;
            let (word, _) = rest.split_once('"')?;
            let is_status = |c: char| c.is_ascii_uppercase() || "_, \n".contains(c);
            let is_word =
                !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            (before.chars().all(is_status) && is_word).then_some(word)
        })
    };
    quoted("StatusCode::")
        .chain(quoted("S::"))
        .chain(quoted("(status, "))
        .collect()
}

#[test]
fn every_error_word_is_documented() {
    let document = fs::read_to_string(root().join("docs/api.md")).unwrap();
    let sources = sources(&root().join("src/http"));
    let words: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| error_words(source))
        .collect();
    assert!(
        words.len() > 25,
        "the words are not found any more: {words:?}"
    );
    let missing: Vec<_> = words
        .iter()
        .filter(|word| !document.contains(&format!("`{word}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/api.md does not explain {missing:?}"
    );
}

#[test]
fn every_path_of_the_description_is_in_the_api_document() {
    let document = fs::read_to_string(root().join("docs/api.md")).unwrap();
    let description: serde_json::Value =
        serde_json::from_str(&duet::http::api::docs::OPENAPI).unwrap();
    for path in description["paths"].as_object().unwrap().keys() {
        let last = path
            .rsplit('/')
            .find(|part| !part.starts_with('{'))
            .unwrap();
        assert!(
            document.contains(last),
            "docs/api.md does not mention {path}"
        );
    }
}
