//! The exit codes of the guide, for those who start it: programs, not people.

use std::{collections::BTreeSet, net::TcpListener};

use harness::servers::Postgres;

use crate::support::{Server, Setup};

/// The codes in the table of `docs/operations.md`.
fn of_guide() -> BTreeSet<i32> {
    let guide = include_str!("../../../docs/operations.md");
    let (_, table) = guide.split_once("| exit code | meaning |").unwrap();
    let rows = table.lines().skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).unwrap().trim().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn exit_codes_are_those_of_the_guide() {
    let server = Server::start().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let latin = Postgres::start().unwrap();
    let create =
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    latin.run(create).unwrap();
    let latin = format!("postgres://postgres@{}/latin", latin.address());
    let nobody = "postgres://duet@127.0.0.1:1/duet";
    let command = |name: &str| Setup::new().arg(name);
    let cases = [
        // It did what it was asked for.
        (0, command("check-config")),
        (0, command("migrate")),
        (0, command("default-config")),
        (0, command("--version")),
        (0, server.setup().arg("backup").arg("copy.db")),
        // It could not start or go on.
        (1, Setup::new().set("server.bind", taken)),
        (1, server.setup()),
        (1, Setup::new().set("store.url", "sqlite:///proc/x/duet.db")),
        (1, Setup::new().set("store.url", &latin)),
        (1, command("migrate").set("store.url", &latin)),
        (
            1,
            Setup::new()
                .set("store.url", nobody)
                .set("store.start_seconds", 1),
        ),
        (1, command("doctor").set("store.url", nobody)),
        (1, command("health").set("server.bind", "127.0.0.1:1")),
        (1, server.setup().arg("backup").arg("copy.db")),
        (1, command("restore").arg("nowhere.db")),
        // What it was told is wrong.
        (2, Setup::new().set("server.role", "both")),
        (2, Setup::new().env("DUET_SERVER__BNID", "x")),
        (2, Setup::new().file("[server")),
        (2, Setup::new().arg("--config").arg("nowhere.toml")),
        (2, Setup::new().set("server.bind", "0.0.0.0:0")),
        (2, command("nonsense")),
        (2, command("serve").arg("--nonsense")),
        (
            2,
            command("end").arg("https://chat.example.org/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA"),
        ),
        (2, command("shards")),
    ];
    let codes: BTreeSet<i32> = cases.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, of_guide());
    for (code, setup) in cases {
        let output = setup.run();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}
