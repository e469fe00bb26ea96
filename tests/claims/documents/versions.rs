//! Versions are told in many places and are the same in all of them, and a release knows its commit however its source came.

use std::{fs, path::Path, process::Command};

use super::root;
use crate::support::Setup;

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn the_rust_that_is_needed_is_the_same_everywhere() {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    for (file, words) in [
        ("README.md", format!("Rust {needed} or newer")),
        ("CONTRIBUTING.md", format!("Rust {needed} or newer")),
        ("Dockerfile", format!("FROM rust:{needed}-slim-bookworm")),
        (
            ".github/workflows/ci.yml",
            format!("image: rust:{needed}-bookworm"),
        ),
        (
            ".github/workflows/release.yml",
            format!("image: rust:{needed}-bookworm"),
        ),
    ] {
        assert!(read(file).contains(&words), "{file} does not say {words:?}");
    }
}

#[test]
fn the_changelog_begins_with_this_version() {
    let changelog = read("CHANGELOG.md");
    let heading = changelog.lines().find(|line| line.starts_with("## "));
    assert_eq!(heading, Some(concat!("## ", env!("CARGO_PKG_VERSION"))));
}

/// A source tree with the files that tell the commit.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["build.rs", ".gitattributes", "COMMIT"] {
            fs::copy(root().join(name), folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }
}

/// The commit that a release built in this folder would tell.
fn told(folder: &Path) -> String {
    let program = folder.join("build-script");
    let compiled = Command::new("rustc")
        .args(["--edition", "2024", "--crate-name", "build_script", "-o"])
        .args([&program, &folder.join("build.rs")])
        .env("CARGO_PKG_VERSION", "1.2.3")
        .status();
    assert!(compiled.unwrap().success());
    let said = Command::new(&program)
        .current_dir(folder)
        .env("PROFILE", "release")
        .env_remove("DUET_COMMIT")
        .output();
    let said = String::from_utf8(said.unwrap().stdout).unwrap();
    let mut lines = said.lines();
    let told = lines.find_map(|line| line.strip_prefix("cargo::rustc-env=DUET_COMMIT="));
    told.unwrap().to_owned()
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let done = Command::new("git")
        .args(["-c", "user.name=x", "-c", "user.email=x@example.org"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_release_knows_its_commit_from_git_or_from_a_source_archive() {
    let tree = Tree::new();
    assert_eq!(told(tree.path()), "", "there is neither");
    tree.git(&["init", "--quiet"]);
    tree.git(&["add", "build.rs", ".gitattributes", "COMMIT"]);
    tree.git(&["commit", "--quiet", "--message", "x"]);
    let commit = tree.git(&["rev-parse", "--short=12", "HEAD"]);
    assert_eq!(told(tree.path()), commit);

    let archive = Tree::new();
    let tar = archive.path().join("source.tar");
    tree.git(&["archive", "--output", tar.to_str().unwrap(), "HEAD"]);
    let unpacked = Command::new("tar")
        .args(["--extract", "--file", "source.tar"])
        .current_dir(archive.path())
        .status();
    assert!(unpacked.unwrap().success());
    assert_eq!(told(archive.path()), commit);

    // The same within the repository of something else, whose commit says nothing of it.
    let elsewhere = tempfile::tempdir().unwrap();
    git(elsewhere.path(), &["init", "--quiet"]);
    git(
        elsewhere.path(),
        &["commit", "--quiet", "--allow-empty", "--message", "y"],
    );
    let inside = elsewhere.path().join("vendor");
    fs::create_dir(&inside).unwrap();
    for name in ["build.rs", "COMMIT"] {
        fs::copy(archive.path().join(name), inside.join(name)).unwrap();
    }
    assert_eq!(told(&inside), commit);
}

/// The variables of an image override a settings file that somebody hands to it.
#[test]
fn the_image_leaves_the_store_to_whoever_runs_it() {
    let dockerfile = read("Dockerfile").replace("\\\n", " ");
    let (_, image) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let lines = |word: &'static str| {
        let lines = image.lines();
        lines.filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
    };
    let checked = |setup: Setup| {
        let variables = lines("ENV").flat_map(str::split_whitespace);
        let setup = variables.fold(setup, |setup, variable| {
            let (name, value) = variable.split_once('=').unwrap();
            setup.env(name, value)
        });
        let setup = setup.set("server.public_url", "http://localhost:8080");
        let setup = setup.set("server.allow_plain_http", true);
        let output = setup.arg("check-config").run();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = checked(Setup::new().file("[store]\nurl = \"postgres://db/of_file\"\n"));
    assert!(text.contains("the PostgreSQL database of_file"), "{text}");
    let text = checked(Setup::new().env("DATABASE_URL", "postgres://db/of_platform"));
    assert!(
        text.contains("the PostgreSQL database of_platform"),
        "{text}"
    );
    // Without either it is on the volume.
    let mut setup = Setup::new();
    let folder = setup.folder();
    let text = checked(setup);
    let store = format!("sqlite://{}/data/duet.db", folder.display());
    assert!(text.contains(&store), "{text}");
    assert_eq!(lines("WORKDIR").next_back(), Some("/"));
    assert_eq!(lines("VOLUME").next_back(), Some("/data"));
}
