//! Files that are not duet's, found where its database should be.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    start::refusing::refused,
    support::{Setup, store},
};

const LINK: &str = "https://chat.example.org/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA";

/// What another program may have left, each as SQL.
const OTHERS: [&str; 3] = [
    "CREATE TABLE notes (text TEXT)",
    "CREATE TABLE chats (topic TEXT)",
    "PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT)",
];

fn make(path: &Path, sql: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    match sql {
        "" => fs::write(path, "These are notes.".repeat(100)).unwrap(),
        sql => {
            let other = rusqlite::Connection::open(path).unwrap();
            other.execute_batch(sql).unwrap();
        }
    }
}

fn everything_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = store::files(folder).into_iter();
    files
        .map(|(path, bytes)| (path.display().to_string(), bytes))
        .collect()
}

#[test]
fn another_programs_file_is_refused_and_left_as_it_is_by_every_command() {
    for sql in OTHERS.into_iter().chain([""]) {
        let mut setup = Setup::new();
        let folder = setup.folder();
        make(&folder.join("data/duet.db"), sql);
        let before = everything_in(&folder);
        for arguments in [
            &["serve"][..],
            &["migrate"],
            &["doctor"],
            &["end", LINK],
            &["backup", "copy.db"],
        ] {
            let command = arguments
                .iter()
                .fold(setup.clone(), |setup, arg| setup.arg(arg));
            let told = command.run();
            assert_eq!(told.status.code(), Some(1), "{told:?}");
            let said = String::from_utf8([told.stdout, told.stderr].concat()).unwrap();
            let why = if sql.is_empty() {
                "not a database"
            } else {
                "another program"
            };
            assert!(said.contains(why) && said.contains("store.url"), "{said}");
            assert!(everything_in(&folder) == before, "{sql}: {arguments:?}");
        }
    }
}

#[test]
fn another_programs_file_is_not_restored() {
    for sql in OTHERS.into_iter().chain([""]) {
        let mut setup = Setup::new();
        let folder = setup.folder();
        make(&folder.join("other.db"), sql);
        let before = everything_in(&folder);
        let told = setup.clone().arg("restore").arg("other.db").run();
        refused(&told, &["other.db cannot be restored", "duet backup"]);
        assert!(everything_in(&folder) == before, "{sql}");
    }
}

#[test]
fn the_doctor_changes_nothing_about_a_database() {
    let mut setup = Setup::new();
    let path = setup.folder().join("data/duet.db");
    assert!(setup.clone().arg("migrate").run().status.success());
    let journal = |sql: &str| -> String {
        let database = rusqlite::Connection::open(&path).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    journal("PRAGMA journal_mode = DELETE");
    let told = setup.clone().arg("doctor").run();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(journal("PRAGMA journal_mode"), "delete");
}
