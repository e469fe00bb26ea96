//! Tests that the API and the pages import neither each other nor anything behind the actions.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn the_api_and_the_pages_do_not_import_each_other() {
    for (module, other) in [("api", "pages"), ("pages", "api")] {
        for (file, code) in sources(module) {
            assert!(!names(&code, other), "{} names {other}", file.display());
        }
    }
}

#[test]
fn the_api_and_the_pages_call_actions_and_nothing_deeper() {
    for module in ["api", "pages"] {
        for (file, code) in sources(module) {
            for deeper in [".pairs", "PairRegistry"] {
                assert!(!code.contains(deeper), "{} uses {deeper}", file.display());
            }
        }
    }
}

/// Whether a word stands in code.
fn names(code: &str, module: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word == module)
}

/// The files of a module, without their comments.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let http = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let mut files = vec![http.join(module).with_extension("rs")];
    let mut folders = vec![http.join(module)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    let code = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default());
        let code = lines.collect::<Vec<_>>().join("\n");
        (file, code)
    };
    files.into_iter().map(code).collect()
}
