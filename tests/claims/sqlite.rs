//! The database file: who can read it, what is in it, and how it is copied.

mod damage;
mod full;
mod names;
mod others;
mod refused;

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

use crate::{
    start::refusing::refused,
    support::{Chat, Server, Setup, eventually, store},
};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn done(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn nobody_else_can_read_its_files_whatever_the_umask_is() {
    // The second one takes rights from the owner too.
    for umask in ["000", "277"] {
        let server = Setup::new()
            .after(&format!("umask {umask}"))
            .set("store.url", "sqlite://data/deep/duet.db")
            .start()
            .await;
        Chat::begin(&server).await;
        let data = server.folder().join("data/deep");
        for folder in [data.parent().unwrap(), &data] {
            assert_eq!(mode(folder), 0o700, "{umask}");
        }
        for ending in ["", "-wal", "-shm", ".lock", ".reserve"] {
            let file = data.join(format!("duet.db{ending}"));
            assert_eq!(mode(&file), 0o600, "{umask}: {ending}");
        }
        let backup = server.folder().join("backup.db");
        let command = server.setup().arg("backup").arg(backup.to_str().unwrap());
        done(&command.run());
        assert_eq!(mode(&backup), 0o600, "{umask}");
        assert!(!server.log().contains("WARN"), "{}", server.log());
    }
}

/// As under systemd, where the service has a user of its own and its administrator is root.
#[tokio::test]
async fn what_root_restores_belongs_to_the_user_who_serves() {
    const SERVICE: u32 = 12_345;
    let mut setup = Setup::new();
    let folder = setup.folder();
    done(&setup.clone().arg("migrate").run());
    done(&setup.clone().arg("backup").arg("copy.db").run());
    let data = folder.join("data");
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    // Whoever is not root cannot give anything away, and need not.
    let owner = match chown(&data, Some(SERVICE), Some(SERVICE)) {
        Ok(()) => SERVICE,
        Err(_) => fs::metadata(&data).unwrap().uid(),
    };
    done(&setup.clone().arg("restore").arg("copy.db").run());
    done(&setup.clone().arg("migrate").run());
    let made: Vec<_> = fs::read_dir(&data).unwrap().flatten().collect();
    assert!(made.len() >= 3, "{made:?}");
    for file in made {
        assert_eq!(file.metadata().unwrap().uid(), owner, "{file:?}");
    }
    // A copy elsewhere stays with whoever made it.
    done(&setup.clone().arg("backup").arg("data/copy.db").run());
    let copies = [folder.join("copy.db"), data.join("copy.db")];
    let [one, other] = copies.map(|copy| fs::metadata(copy).unwrap().uid());
    assert_eq!(one, other);
}

#[tokio::test]
async fn files_that_others_can_read_are_warned_of() {
    let mut setup = Setup::new();
    let data = setup.folder().join("data");
    done(&setup.clone().arg("migrate").run());
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("duet.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = setup.start().await;
    let log = server.log();
    for word in ["/data/duet.db ", "0644", "/data ", "0755", "chmod"] {
        assert!(log.contains(word), "nothing of {word}: {log}");
    }
}

#[test]
fn a_migration_that_is_killed_at_any_moment_can_be_begun_again() {
    for milliseconds in 0..25 {
        let mut setup = Setup::new().set("log.filter", "debug").arg("migrate");
        let mut command = setup.command();
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        if milliseconds % 5 == 0 {
            // Nobody reads what it says, as behind `head -1`.
            drop(child.stderr.take());
        }
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        done(&setup.run());
    }
}

#[tokio::test]
async fn an_older_duet_serves_a_file_that_a_newer_one_has_migrated() {
    let mut server = Server::start().await;
    assert_eq!(server.terminate().await.code(), Some(0));
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
                 VALUES (9999, 'of_a_newer_duet', '2026-01-01T00:00:00Z', '1')";
    let database = rusqlite::Connection::open(server.database()).unwrap();
    database.execute_batch(newer).unwrap();
    drop(database);
    let server = server.restart().await;
    assert_eq!(Chat::begin(&server).await.one.say("Hello").await, 1);
}

#[tokio::test]
async fn a_clean_stop_leaves_one_complete_file() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Hello").await;
    assert_eq!(server.terminate().await.code(), Some(0));
    let data = server.folder().join("data");
    assert!(!data.join("duet.db-wal").exists());

    let mut elsewhere = Setup::new();
    let folder = elsewhere.folder().join("data");
    fs::create_dir(&folder).unwrap();
    fs::copy(data.join("duet.db"), folder.join("duet.db")).unwrap();
    let server = elsewhere.start().await;
    assert_eq!(chat.moved_to(&server).two.texts().await, ["Hello"]);
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_complete_and_can_be_restored() {
    let server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Before").await;
    let backup = server.folder().join("backup.db");
    let named = backup.to_str().unwrap().to_owned();
    done(&server.setup().arg("backup").arg(&named).run());
    // It is no copy of the log's present state but a file of its own.
    assert_eq!(store::rows(&backup)["messages"], 1);
    assert!(!backup.with_extension("db.partial").exists());
    refused(
        &server.setup().arg("backup").arg(&named).run(),
        &["there already"],
    );
    chat.one.say("After").await;

    // While it is served, or has chats in it, nothing is put in its place.
    refused(
        &server.setup().arg("restore").arg(&named).run(),
        &["duet.db"],
    );
    let mut server = server;
    server.kill_9();
    refused(
        &server.setup().arg("restore").arg(&named).run(),
        &["data/duet.db is there already"],
    );
    // A log that a crash has left would be applied to it.
    let log = server.folder().join("data/duet.db-wal");
    fs::rename(server.database(), &log).unwrap();
    refused(
        &server.setup().arg("restore").arg(&named).run(),
        &["duet.db-wal", "Move it away too"],
    );
    fs::remove_file(log).unwrap();
    fs::remove_file(server.folder().join("data/duet.db-shm")).unwrap();
    done(&server.setup().arg("restore").arg(&named).run());
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    assert_eq!(chat.two.texts().await, ["Before"]);
    assert_eq!(chat.one.say("Again").await, 2);
}

#[tokio::test]
async fn files_that_are_no_database_are_neither_backed_up_nor_restored() {
    let mut setup = Setup::new();
    let folder = setup.folder();
    let command = |name: &str, file: &str| setup.clone().arg(name).arg(file).run();
    refused(&command("backup", "backup.db"), &["duet.db"]);
    assert!(!folder.join("backup.db").exists());
    fs::write(folder.join("junk"), "This is no database.".repeat(100)).unwrap();
    refused(&command("restore", "junk"), &["junk"]);
    refused(&command("restore", "nowhere.db"), &["nowhere.db"]);
    assert!(!folder.join("data/duet.db").exists());
    let postgres = setup.set("store.url", "postgres://localhost/duet");
    refused(&postgres.arg("backup").arg("x").run(), &["pg_dump"]);
}

#[tokio::test]
async fn an_ended_chat_leaves_the_log_as_soon_as_nobody_reads_from_it_any_more() {
    const SECRET: &str = "nobody-shall-find-this-afterwards";
    let server = Setup::new().set("limits.sweep_seconds", 1).start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say(SECRET).await;
    // As a backup does.
    let reader = store::look_into(&server.database());
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM messages")
        .unwrap();
    chat.one.end().await.ok();
    let ended = "ended chats stay in SQLite's log";
    eventually("it says that the log cannot be emptied", async || {
        server.log().contains(ended).then_some(())
    })
    .await;
    // Meanwhile it is of use to others.
    Chat::begin(&server).await;
    drop(reader);
    eventually("nothing of the chat is on the disk", async || {
        let files = store::files(&server.folder().join("data"));
        let secret = SECRET.as_bytes();
        let found = |bytes: &[u8]| memchr::memmem::find(bytes, secret).is_some();
        (!files.iter().any(|(_, bytes)| found(bytes))).then_some(())
    })
    .await;
    eventually("it says so", async || {
        server
            .log()
            .contains("emptied of ended chats")
            .then_some(())
    })
    .await;
    assert_eq!(server.log().matches(ended).count(), 1, "{}", server.log());
}
