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
fn what_is_no_file_is_refused_wherever_settings_name_a_file() {
    // Whoever reads a pipe waits.
    let mut setup = Setup::new().after("exec timeout 30 \"$0\" \"$@\"");
    let pipe = setup.folder().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let (pipe, url) = (
        pipe.to_str().unwrap(),
        "postgres://db/duet?sslmode=verify-full",
    );
    for odd in [pipe, "/dev/zero", "/"] {
        for (setup, named) in [
            (setup.clone().arg("--config").arg(odd), "settings file"),
            (setup.clone().set("store.url_file", odd), "store.url_file"),
            (
                setup
                    .clone()
                    .set("server.tls_cert", odd)
                    .set("server.tls_key", odd),
                "server.tls_cert",
            ),
            (
                setup
                    .clone()
                    .set("store.url", format!("{url}&sslrootcert={odd}")),
                "sslrootcert",
            ),
            (
                setup
                    .clone()
                    .set("bus.url", "rediss://cache")
                    .set("bus.tls_ca", odd),
                "bus.tls_ca",
            ),
        ] {
            let told = setup.arg("check-config").run();
            refused(&told, &[named, odd, "a file is needed"]);
            assert_eq!(told.status.code(), Some(2));
        }
    }
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
    refused(&setup.run(), &["duet.db", "not a database", "store.url"]);

    let mut setup = Setup::new();
    fs::create_dir(setup.folder().join("data")).unwrap();
    let other = rusqlite::Connection::open(setup.folder().join("data/duet.db")).unwrap();
    other
        .execute_batch("CREATE TABLE chats (topic TEXT)")
        .unwrap();
    let words = ["duet.db", "another program"];
    refused(&setup.run(), &words);
}

#[test]
fn a_folder_that_no_file_can_be_made_in_is_found_by_the_doctor() {
    let mut setup = Setup::new().arg("doctor");
    fs::write(setup.folder().join("data"), "in the way").unwrap();
    // On a disk that takes no writes, for whoever runs this; who is not root is so in a namespace.
    let script = "mkdir -p disk; mount -t tmpfs -o ro tmpfs disk; exec \"$0\" \"$@\"";
    let namespace = "unshare --mount true 2>/dev/null || ROOT=--map-root-user";
    let enter = format!("exec unshare --mount $ROOT /bin/sh -ec '{script}' \"$0\" \"$@\"");
    let read_only = Setup::new()
        .after(&format!("{namespace}; {enter}"))
        .set("store.url", "sqlite://disk/new/duet.db")
        .arg("doctor");
    for (setup, why) in [
        (setup, "data/duet.db"),
        (read_only, "Read-only file system"),
    ] {
        let told = setup.run();
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        let line = text.lines().find(|line| line.contains("store"));
        let line = line.unwrap_or_default();
        assert!(line.starts_with("FAIL") && line.contains(why), "{told:?}");
        assert_eq!(told.status.code(), Some(1), "{text}");
    }
}

#[test]
fn what_is_no_backup_is_named_and_nothing_is_made_for_it() {
    let mut setup = Setup::new();
    let folder = setup.folder();
    fs::write(folder.join("empty"), "").unwrap();
    let pipe = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for (name, why) in [
        ("nowhere.db", "No such file"),
        ("empty", "it is empty"),
        ("pipe", "a file is needed"),
        (".", "a file is needed"),
        ("/dev/zero", "a file is needed"),
    ] {
        let told = setup.clone().arg("restore").arg(name).run();
        let told = refused(&told, &["cannot be restored", why, "duet backup"]);
        assert!(!told.contains("store.url"), "{told}");
        assert!(!folder.join("data").exists());
    }
}
