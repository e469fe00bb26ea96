//! The documents are complete where the code can tell.

mod commands;
mod links;
mod tables;
mod versions;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
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
