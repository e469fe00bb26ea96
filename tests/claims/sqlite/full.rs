//! A disk that is full: nothing acknowledged is lost, it says so everywhere, chats can be ended, and it
//! recovers by itself.

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::{
    start::refusing::refused,
    support::{Chat, Server, Setup, eventually, server::metric, store},
};

/// A small disk that only servers see which are started on it.
struct Disk {
    /// Keeps the namespace in which it is mounted.
    holder: Child,
    data: PathBuf,
}

impl Disk {
    /// Mounts it where the data of this setup goes.
    fn of(size: &str, setup: &mut Setup) -> Self {
        let folder = setup.folder();
        let mount = format!(
            "mkdir -p data
            mount -t tmpfs -o size={size},mode=0700 tmpfs data
            echo mounted
            exec sleep infinity"
        );
        // Whoever is not root is so in a namespace.
        let namespace = format!(
            "unshare --mount true 2>/dev/null || ROOT=--map-root-user
            exec unshare --mount $ROOT /bin/sh -ec '{mount}'"
        );
        let mut holder = Command::new("/bin/sh")
            .args(["-c", &namespace])
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stdout = holder.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(said, "mounted\n");
        let root = PathBuf::from(format!("/proc/{}/root", holder.id()));
        let data = root.join(folder.strip_prefix("/").unwrap()).join("data");
        Self { holder, data }
    }

    /// With a server on it.
    async fn serving(size: &str, mut setup: Setup) -> (Server, Self) {
        let disk = Self::of(size, &mut setup);
        let server = disk.enter(setup).start().await;
        assert!(disk.data.join("duet.db").exists());
        (server, disk)
    }

    /// Whatever this starts sees the disk.
    fn enter(&self, mut setup: Setup) -> Setup {
        let (holder, folder) = (self.holder.id(), setup.folder());
        setup.after(&format!(
            "IN='nsenter --target {holder} --mount'
            $IN true 2>/dev/null || IN=\"$IN --user --preserve-credentials\"
            exec $IN /bin/sh -c 'cd {} && exec \"$0\" \"$@\"' \"$0\" \"$@\"",
            folder.display()
        ))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Takes all room that is left, to the last byte.
fn fill(data: &Path) {
    let path = data.join("filler");
    let mut filler = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for len in [1 << 20, 4_096, 1] {
        let part = vec![0; len];
        loop {
            match filler.write(&part) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn make_room(data: &Path) {
    fs::remove_file(data.join("filler")).unwrap();
}

async fn becomes_ready(server: &Server, ready: bool) {
    eventually("readiness and the metric tell of the disk", async || {
        let answer = server.ops().get("/health/ready").await;
        let up = metric(&server.ops(), "duet_store_up").await;
        let (status, value) = if ready { (200, 1.0) } else { (503, 0.0) };
        let told = ready || answer.json()["reason"] == "storage_full";
        (answer.status == status && up == value && told).then_some(())
    })
    .await;
}

/// Fills the disk, and sends until a message is refused; those that were taken.
async fn say_until_full(chat: &Chat, data: &Path, round: u32) -> Vec<String> {
    let mut taken = Vec::new();
    eventually("a message is refused", async || {
        // What SQLite gives back meanwhile is taken away again.
        fill(data);
        let text = format!("{round}: {} {}", taken.len(), "x".repeat(2_000));
        let sent = chat
            .one
            .post("message_send", json!({"message": text}))
            .await;
        if sent.status == 200 {
            taken.push(text);
            return None;
        }
        sent.fails_as(503, "storage_full");
        Some(())
    })
    .await;
    taken
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_lost_and_chats_can_be_ended() {
    let setup = Setup::new()
        .set("limits.free_disk_mib_min", 0)
        .set("limits.sweep_seconds", 1);
    let (server, disk) = Disk::serving("48m", setup).await;
    let data = &disk.data;
    let chat = Chat::begin(&server).await;
    let mut said = vec!["Before".to_owned()];
    chat.one.say(&said[0]).await;
    for round in 0..2 {
        let others = [Chat::begin(&server).await, Chat::begin(&server).await];
        for other in &others {
            for _ in 0..20 {
                other.one.say(&"to be ended ".repeat(100)).await;
            }
        }
        said.extend(say_until_full(&chat, data, round).await);
        becomes_ready(&server, false).await;
        eventually("the log tells of it", async || {
            let log = server.log();
            log.contains("the store takes no writes").then_some(())
        })
        .await;
        assert_eq!(chat.two.texts().await, said);

        // An end needs room, and has it.
        others[0].one.end().await.ok();
        others[0]
            .two
            .get("messages")
            .await
            .fails_as(410, "chat_ended");
        // So has logging out.
        others[1].two.log_out().await.ok();
        others[1].one.end().await.ok();
        eventually("the messages of both are deleted", async || {
            let files = store::files(data);
            let found = files
                .iter()
                .any(|(_, bytes)| store::holds(bytes, b"to be ended"));
            (!found).then_some(())
        })
        .await;
        make_room(data);
        becomes_ready(&server, true).await;
        said.push(format!("After {round}"));
        chat.one.say(said.last().unwrap()).await;
        assert_eq!(chat.two.texts().await, said);
        eventually("the reserve is there again", async || {
            data.join("duet.db.reserve").exists().then_some(())
        })
        .await;
    }
    for words in ["the reserve is used", "takes writes again"] {
        eventually("the log tells how it went", async || {
            server.log().contains(words).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_database_behind_a_link_has_the_room_of_its_own_disk() {
    let mut setup = Setup::new()
        .set("limits.free_disk_mib_min", 0)
        .set("store.url", "sqlite://link.db");
    symlink("data/duet.db", setup.folder().join("link.db")).unwrap();
    let (server, disk) = Disk::serving("48m", setup).await;
    let data = &disk.data;
    let chat = Chat::begin(&server).await;
    say_until_full(&chat, data, 0).await;
    becomes_ready(&server, false).await;
    chat.two.end().await.ok();
    make_room(data);
    becomes_ready(&server, true).await;
    Chat::begin(&server).await.one.say("After").await;
}

/// Whatever is wrong, what to do about it is said.
#[tokio::test]
async fn a_start_without_any_room_asks_for_room() {
    let (mut server, disk) = Disk::serving("48m", Setup::new()).await;
    assert_eq!(server.terminate().await.code(), Some(0));
    fs::remove_file(disk.data.join("duet.db.reserve")).unwrap();
    fill(&disk.data);
    let told = refused(
        &server.setup().run(),
        &["data/duet.db", "No space", "Make room"],
    );
    assert!(!told.contains("permissions"), "{told}");
}

#[tokio::test]
async fn without_a_reserve_an_end_says_that_it_was_not_carried_out() {
    let setup = Setup::new().set("limits.free_disk_mib_min", 0);
    let (server, disk) = Disk::serving("48m", setup).await;
    let data = &disk.data;
    let chat = Chat::begin(&server).await;
    fs::remove_file(data.join("duet.db.reserve")).unwrap();
    say_until_full(&chat, data, 0).await;
    let end = chat.two.end().await;
    end.fails(503);
    assert!(end.text().contains("cannot end the chat"), "{end:?}");
    assert!(server.log().contains("an end was not carried out"));
    make_room(data);
    becomes_ready(&server, true).await;
    chat.two.end().await.ok();
}

#[tokio::test]
async fn a_server_starts_on_a_full_disk_too() {
    let setup = Setup::new().set("limits.free_disk_mib_min", 0);
    let (mut server, disk) = Disk::serving("48m", setup).await;
    let data = &disk.data;
    let chat = Chat::begin(&server).await;
    chat.one.say("Before").await;
    assert_eq!(server.terminate().await.code(), Some(0));
    fill(data);
    let server = server.restart().await;
    let chat = chat.moved_to(&server);
    assert_eq!(chat.two.texts().await, ["Before"]);
    let more = json!({"message": "More"});
    let send = chat.one.post("message_send", more).await;
    send.fails_as(503, "storage_full");
    chat.one.log_out().await.ok();
    chat.two.end().await.ok();
    make_room(data);
    becomes_ready(&server, true).await;
    Chat::begin(&server).await.one.say("After").await;
}

/// What is taken can be ended: without room for the reserve nothing is taken.
#[tokio::test]
async fn a_disk_without_room_for_the_reserve_takes_nothing() {
    let setup = Setup::new().set("limits.free_disk_mib_min", 0);
    let (server, _disk) = Disk::serving("5m", setup).await;
    let names = json!({"userOne": "Abhi", "userTwo": "Anny"});
    let api = server.api();
    let register = api.post("/chat-server/register", names).await;
    register.fails_as(503, "storage_full");
    becomes_ready(&server, false).await;
    assert!(server.log().contains("no room for the reserve"));
}

#[tokio::test]
async fn a_database_file_that_is_deleted_or_replaced_takes_no_message_any_more() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    chat.one.say("Before").await;
    let (file, kept) = (server.database(), server.folder().join("kept"));
    fs::rename(&file, &kept).unwrap();
    let send = chat
        .one
        .post("message_send", json!({"message": "Where to?"}));
    send.await.fails(503);
    eventually("readiness tells of it", async || {
        let ready = server.ops().get("/health/ready").await;
        (ready.status == 503).then_some(())
    })
    .await;
    fs::write(&file, "").unwrap();
    let send = chat
        .one
        .post("message_send", json!({"message": "Where to?"}));
    send.await.fails(503);
    eventually("the log says why", async || {
        server
            .log()
            .contains("was deleted or replaced")
            .then_some(())
    })
    .await;
    fs::rename(&kept, &file).unwrap();
    chat.one.say("After").await;
    assert_eq!(server.terminate().await.code(), Some(0));
    let server = server.restart().await;
    assert_eq!(
        chat.moved_to(&server).two.texts().await,
        ["Before", "After"]
    );
}
