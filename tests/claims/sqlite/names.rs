//! The names of a database and of its copies, as an operator may choose them.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStringExt, fs::symlink},
};

use super::{done, mode};
use crate::{
    start::refusing::refused,
    support::{Chat, Server, Setup, store},
};

#[tokio::test]
async fn a_backup_has_the_name_that_it_was_given_and_can_be_restored_by_it() {
    let server = Server::start().await;
    Chat::begin(&server).await;
    // Some of these are addresses to SQLite.
    let names = [
        "file:copy.db",
        "file:other.db?mode=ro",
        ":memory:",
        "a b.db",
    ];
    let no_text = OsString::from_vec(b"caf\xe9.db".into());
    let names = names.into_iter().map(OsString::from).chain([no_text]);
    for (number, name) in names.enumerate() {
        let command = |name: &str| server.setup().arg(name);
        done(&command("backup").command().arg(&name).output().unwrap());
        let copy = server.folder().join(&name);
        assert_eq!(store::rows(&copy)["chats"], 1, "{name:?}");
        assert_eq!(mode(&copy), 0o600, "{name:?}");

        let to = format!("restored/{number}.db");
        let mut restore = command("restore").set("store.url", format!("sqlite://{to}"));
        done(&restore.command().arg(&name).output().unwrap());
        assert_eq!(store::rows(&server.folder().join(to))["chats"], 1);
    }
    let mut names = fs::read_dir(server.folder()).unwrap().flatten();
    let partial = names.find(|file| file.file_name().to_string_lossy().contains("partial"));
    assert!(partial.is_none(), "{partial:?}");
}

#[tokio::test]
async fn a_database_is_served_once_by_whatever_name() {
    let server = Server::start().await;
    Chat::begin(&server).await;
    let file = |name: &str| server.folder().join(name);
    symlink(server.database(), file("link.db")).unwrap();
    let named = |name: &str| {
        let setup = server.setup().set("server.bind", "127.0.0.1:0");
        setup.set("store.url", format!("sqlite://{name}"))
    };
    refused(&named("link.db").run(), &["serves", "data/duet.db already"]);
    done(&named("link.db").arg("backup").arg("copy.db").run());
    assert_eq!(store::rows(&file("copy.db"))["chats"], 1);

    // SQLite keeps its log beside the name that it is given, and a file has no other.
    fs::hard_link(server.database(), file("twin.db")).unwrap();
    for command in ["serve", "migrate", "doctor"] {
        let told = named("twin.db").arg(command).run();
        assert_eq!(told.status.code(), Some(1), "{told:?}");
        let told = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
        assert!(
            told.contains("twin.db") && told.contains("hard link"),
            "{told}"
        );
    }
    assert!(!file("twin.db-wal").exists() && !file("twin.db.lock").exists());
}

#[tokio::test]
async fn a_database_may_be_made_and_restored_through_a_link() {
    let mut setup = Setup::new().set("store.url", "sqlite://link.db");
    let folder = setup.folder();
    let at = folder.join("disk/chats.db");
    symlink("disk/chats.db", folder.join("link.db")).unwrap();
    done(&setup.clone().arg("migrate").run());
    assert_eq!(store::rows(&at)["chats"], 0);
    done(&setup.clone().arg("backup").arg("copy.db").run());
    fs::remove_file(&at).unwrap();
    done(&setup.clone().arg("restore").arg("copy.db").run());
    assert_eq!(store::rows(&at)["chats"], 0);
    assert!(folder.join("link.db").is_symlink());
}
