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

/// Whether code names a module: in a path, or anywhere in a `use` declaration.
fn names(code: &str, module: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let in_use = |statement: &str| {
        let tree = statement.trim_start().strip_prefix("use ");
        tree.is_some_and(|tree| tree.split(|c| !is_word(c)).any(|word| word == module))
    };
    let in_path = |path: &str| path.rsplit(|c| !is_word(c)).next() == Some(module);
    let mut paths = code.split("::").collect::<Vec<_>>();
    paths.pop();
    code.split(';').any(in_use) || paths.into_iter().any(in_path)
}

#[test]
fn a_module_is_found_wherever_it_is_named() {
    for code in [
        "use crate::http::{State, api};",
        "use crate::http::{\n    api::login::{Entry},\n};",
        "fn f() { crate::http::api::login::f() }",
        "x;\nuse super::super::api as other;",
    ] {
        assert!(names(code, "api"), "{code}");
    }
    assert!(!names(
        "use crate::http::apis; let api = f(\"api\");",
        "api"
    ));
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
