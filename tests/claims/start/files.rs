//! A database file, or its folder, that cannot be used.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use super::refusing::refused;
use crate::support::Setup;

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let mut setup = Setup::new();
    // A file where the folder should be stops everybody, whoever runs this.
    fs::write(setup.folder().join("data"), "in the way").unwrap();
    refused(&setup.run(), &["data"]);

    let mut setup = Setup::new();
    let folder = setup.folder().join("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.join("probe"), "").is_err() {
        refused(&setup.run(), &["data"]);
    }

    let setup = Setup::new().set("store.url", "sqlite:///proc/duet/duet.db");
    refused(&setup.run(), &["/proc/duet"]);
}

#[test]
fn paths_that_are_no_files_are_not_opened() {
    let mut setup = Setup::new();
    let pipe = setup.folder().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let pipe = setup.set("store.url", "sqlite://pipe").run();
    refused(&pipe, &["pipe", "a file is needed"]);
    let device = Setup::new().set("store.url", "sqlite:///dev/null").run();
    refused(&device, &["/dev/null", "a file is needed"]);
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let mut setup = Setup::new();
    let folder = setup.folder();
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(
        folder.join("data/duet.db"),
        "This is no database.".repeat(100),
    )
    .unwrap();
    refused(&setup.run(), &["duet.db"]);

    let mut setup = Setup::new();
    fs::create_dir(setup.folder().join("data")).unwrap();
    let other = rusqlite::Connection::open(setup.folder().join("data/duet.db")).unwrap();
    other
        .execute_batch("CREATE TABLE chats (topic TEXT)")
        .unwrap();
    let words = ["duet.db", "table chats already exists", "another program"];
    refused(&setup.run(), &words);
}
