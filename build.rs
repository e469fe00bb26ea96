//! Tells the program which commit a release was built from: `DUET_COMMIT` of the environment, or what git says, or what
//! `git archive` wrote into the file COMMIT of a source archive; nothing where there is none of them. Development builds do not
//! ask, or every commit would have them compiled again.

use std::{env, fs, process::Command};

/// So much of it is told.
const SHOWN_LEN: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=COMMIT");
    println!("cargo::rerun-if-env-changed=DUET_COMMIT");
    let given = env::var("DUET_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = || commit_of_git().or_else(commit_of_archive);
    let commit = given.or_else(|| is_release.then(found)?);
    let version = env!("CARGO_PKG_VERSION");
    let long = match &commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!(
        "cargo::rustc-env=DUET_COMMIT={}",
        commit.unwrap_or_default()
    );
    println!("cargo::rustc-env=DUET_LONG_VERSION={long}");
}

fn commit_of_git() -> Option<String> {
    // Somewhere below the top it is the repository of something else, into which this source was unpacked.
    let is_ours = git(&["rev-parse", "--show-prefix"])?.is_empty();
    if !is_ours {
        return None;
    }
    // Written at every commit and every checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    git(&["rev-parse", &format!("--short={SHOWN_LEN}"), "HEAD"])
}

fn commit_of_archive() -> Option<String> {
    let written = fs::read_to_string("COMMIT").ok()?;
    let commit = written.trim().get(..SHOWN_LEN)?;
    let is_commit = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| commit.to_owned())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
