//! Every link from one file of this repository to another leads somewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::root;

/// Folders with nothing of ours in them.
const FOREIGN: [&str; 4] = [".git", "node_modules", "screenshots", "target"];

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !FOREIGN.contains(&name.as_str()) {
            documents(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// Where the links of a document lead: `](…)`, `src="…"` and `srcset="…"`, outside of its code.
fn links(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2).collect::<String>();
    let prose = prose.split('`').step_by(2).collect::<String>();
    let ends = [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')];
    let links = ends.iter().flat_map(|(begin, end)| {
        let rests = prose.split(begin).skip(1);
        rests.filter_map(|rest| rest.split(*end).next())
    });
    links.map(str::to_owned).collect()
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_heading(text: &str, wanted: &str) -> bool {
    let prose = text.split("```").step_by(2).collect::<String>();
    let mut headings = prose.lines().filter(|line| line.starts_with('#'));
    headings.any(|line| anchor(line.trim_start_matches('#')) == wanted)
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut all = Vec::new();
    documents(&root(), &mut all);
    let mut checked = 0;
    for document in all {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {link}", document.display());
            if !heading.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                assert!(
                    has_heading(&text, heading),
                    "{}: {link}",
                    document.display()
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} links were found");
}
