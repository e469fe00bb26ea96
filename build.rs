//! Tells the program which commit a release was built from: `DUET_COMMIT` of the environment, or what
//! git says; nothing where there is neither, as in a source archive. Development builds do not ask,
//! or every commit would have them compiled again.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DUET_COMMIT");
    let given = env::var("DUET_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = given.or_else(|| is_release.then(commit_of_git)?);
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
    // Written at every commit and every checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
