//! A start that has to wait, and one that need not.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use harness::servers::{Postgres, Redis};

use super::{at, on};
use crate::{
    start::refusing::refused,
    support::{Chat, Setup, eventually},
};

/// What a start has logged so far.
fn log(setup: &Setup) -> String {
    let log = setup.clone().folder().join("log");
    std::fs::read_to_string(log).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_later_is_waited_for() {
    let mut server = Postgres::new().unwrap();
    let mut setup = on(&server).set("store.start_seconds", 0);
    setup.folder();
    let late = async {
        eventually("it says what it waits for", async || {
            let said = log(&setup);
            (said.contains("waiting for the store") && said.contains("refused")).then_some(())
        })
        .await;
        server.resume().unwrap();
    };
    let (duet, ()) = tokio::join!(setup.clone().start(), late);
    let chat = Chat::begin(&duet).await;
    chat.one.say("Hello").await;
    assert!(duet.log().contains("the store is there"), "{}", duet.log());
    // Not a line for every attempt.
    assert!(duet.log().matches("waiting for the store").count() < 8);
}

#[tokio::test]
async fn a_name_that_nobody_knows_yet_is_waited_for_until_the_time_is_up() {
    let began = Instant::now();
    let setup = at("postgres://duet@nowhere.invalid/duet").set("store.start_seconds", 2);
    let output = setup.run();
    refused(&output, &["PostgreSQL", "store.url"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(began.elapsed() >= Duration::from_secs(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("waiting for the store"), "{told}");
}

#[tokio::test]
async fn an_instance_that_waits_for_its_store_stops_at_a_signal() {
    let server = Postgres::new().unwrap();
    let mut setup = on(&server).set("store.start_seconds", 0);
    let error = setup.folder().join("log");
    let mut command = setup.command();
    command.stderr(std::fs::File::create(error).unwrap());
    let mut child = command.spawn().unwrap();
    eventually("it waits", async || {
        log(&setup).contains("waiting for the store").then_some(())
    })
    .await;
    let signal = |name: &str| {
        let kill = format!("kill -{name} {}", child.id());
        std::process::Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
    };
    // A reload is no reason to die, here either.
    assert!(signal("HUP").success());
    assert!(signal("TERM").success());
    let status = eventually("it has gone", async || child.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));
}

#[test]
fn what_waiting_does_not_help_ends_the_start_at_once() {
    let mut server = Postgres::start().unwrap();
    server.run("ALTER ROLE postgres PASSWORD 'right'").unwrap();
    server.kill();
    server.ask_for_passwords().unwrap();
    server.resume().unwrap();
    let url = |login: &str, database: &str| {
        let url = format!("postgres://{login}@{}/{database}", server.address());
        at(&url).set("store.start_seconds", 0)
    };
    let wrong = url("postgres:guessed", "postgres").run();
    refused(&wrong, &["password", "28P01", "store.url"]);
    let wrong = url("postgres:right", "elsewhere").run();
    refused(
        &wrong,
        &[
            "\"elsewhere\" does not exist",
            "3D000",
            "Create that database",
        ],
    );

    let redis = Redis::start().unwrap();
    let wrong = at(&format!("postgres://duet@127.0.0.1:{}/duet", redis.port()));
    refused(
        &wrong.set("store.start_seconds", 0).run(),
        &["Redis", "not PostgreSQL"],
    );

    let asked = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let greeting = b"J\0\0\0\n8.0.36\0and so on";
    for (says, words) in [
        (&asked[..], "an HTTP server"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server"),
        (greeting, "a MySQL or MariaDB server"),
        (b"220 mail.example.org ESMTP\r\n", "speaks first"),
    ] {
        let wrong = at(&format!("postgres://duet@{}/duet", saying(says)));
        refused(
            &wrong.set("store.start_seconds", 0).run(),
            &[words, "not PostgreSQL", "store.url"],
        );
    }
}

/// A server that says this to whoever connects, and keeps listening.
fn saying(words: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut open = Vec::new();
        for socket in listener.incoming() {
            let mut socket = socket?;
            socket.write_all(words)?;
            open.push(socket);
        }
        std::io::Result::Ok(())
    });
    address
}

/// A server on which the start waits while it looks whether sessions are shared.
fn hanging() -> Postgres {
    let server = Postgres::start().unwrap();
    let hang = "CREATE FUNCTION public.pg_terminate_backend(int, int) RETURNS boolean
                    LANGUAGE sql AS 'SELECT true FROM pg_sleep(600)'";
    server.run(hang).unwrap();
    server
}

#[tokio::test]
async fn a_server_that_goes_away_while_it_is_examined_is_waited_for() {
    let server = hanging();
    let mut setup = on(&server);
    setup.folder();
    let goes_away = async {
        eventually("the start waits for an answer", async || {
            let asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            (server.run(asked).unwrap() == "1").then_some(())
        })
        .await;
        let drop = "DROP FUNCTION public.pg_terminate_backend(int, int)";
        server.run(drop).unwrap();
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = 'duet'";
        server.run(end).unwrap();
    };
    let (duet, ()) = tokio::join!(setup.clone().start(), goes_away);
    assert!(
        duet.log().contains("waiting for the store"),
        "{}",
        duet.log()
    );
    Chat::begin(&duet).await;
}

#[test]
fn a_server_that_stops_answering_in_the_middle_of_a_start_is_not_waited_for_for_ever() {
    let server = hanging();
    let setup = on(&server).after("exec timeout 90 \"$0\" \"$@\"");
    let setup = setup.set("store.start_seconds", 1);
    for command in ["serve", "migrate"] {
        refused(&setup.clone().arg(command).run(), &["does not answer"]);
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_read_for_a_moment_is_waited_for() {
    let server = Postgres::start().unwrap();
    assert!(on(&server).arg("migrate").run().status.success());
    let mut holder = server.connect().await.unwrap();
    let hold = holder.transaction().await.unwrap();
    let lock = "LOCK TABLE shard_maps IN ACCESS EXCLUSIVE MODE";
    hold.batch_execute(lock).await.unwrap();
    let mut setup = on(&server).set("store.call_seconds", 1);
    setup.folder();
    let release = async {
        eventually("it says what it waits for", async || {
            let said = log(&setup);
            said.contains("waiting for the store").then_some(())
        })
        .await;
        hold.rollback().await.unwrap();
    };
    let (duet, ()) = tokio::join!(setup.clone().start(), release);
    Chat::begin(&duet).await;
}

#[test]
fn a_database_that_cannot_hold_every_character_is_refused() {
    let server = Postgres::start().unwrap();
    let create =
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    server.run(create).unwrap();
    let url = format!("postgres://postgres@{}/latin", server.address());
    for command in ["serve", "migrate"] {
        refused(&at(&url).arg(command).run(), &["LATIN1", "UTF8"]);
    }
}

/// As with the settings of another program, whose database it may be.
#[test]
fn an_end_in_a_database_without_tables_makes_none() {
    let server = Postgres::start().unwrap();
    let link = "https://chat.example.org/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA";
    for _ in 0..2 {
        let told = on(&server).arg("end").arg(link).run();
        refused(&told, &["no tables of duet", "settings"]);
        assert_eq!(told.status.code(), Some(2));
    }
}
