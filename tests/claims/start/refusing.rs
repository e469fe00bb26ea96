//! What keeps it from starting is told in one sentence.

use std::{fs, net::TcpListener, process::Output, process::Stdio};

use harness::servers::{Postgres, Redis};

use crate::support::{Chat, Server, Setup, eventually, server::listening};

/// The one sentence with which it did not start. Before it there may be lines of the log about what
/// it was doing.
#[track_caller]
pub fn refused(output: &Output, words: &[&str]) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    assert!(
        output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| !line.contains(" INFO duet") && !line.contains(" WARN duet"))
        .collect();
    assert!(!told.contains("panicked") && lines.len() == 1, "{told}");
    assert!(lines[0].ends_with('.'), "{told}");
    for word in words {
        assert!(told.contains(word), "nothing of {word}: {told}");
    }
    told
}

#[test]
fn a_port_that_is_taken_is_named() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    for key in ["server.bind", "server.api_bind", "server.ops_bind"] {
        let output = Setup::new().set(key, &address).run();
        refused(&output, &[&address, &format!("with {key}.")]);
    }
}

#[test]
fn an_unknown_key_is_named_whatever_its_source() {
    let in_file = Setup::new().file("[server]\nbnid = \"127.0.0.1:8080\"\n");
    refused(&in_file.run(), &["bnid"]);
    let in_file = Setup::new().file("[sevrer]\nbind = \"127.0.0.1:8080\"\n");
    refused(&in_file.run(), &["sevrer"]);
    let in_environment = Setup::new().env("DUET_SERVER__BNID", "x");
    refused(&in_environment.run(), &["bnid"]);
    let in_environment = Setup::new().env("DUET_SEVRER__BIND", "x");
    refused(&in_environment.run(), &["sevrer"]);
}

#[test]
fn a_wrong_setting_is_reported_with_its_value_its_source_and_an_example() {
    let in_environment = |key: &str, value: &str| {
        let told = Setup::new().set(key, value).arg("check-config").run();
        refused(
            &told,
            &[&format!("{key} ="), value, "in the environment", "must be"],
        )
    };
    in_environment("server.bind", "chat.example.org:80");
    in_environment("server.role", "chatt");
    in_environment("server.trusted_proxies", "10.0.0.300");
    in_environment("server.workers", "many");
    in_environment("log.format", "xml");
    let told = in_environment("server.security_contact", "example.org");
    assert!(told.contains("security@example.org"), "{told}");
    let told = Setup::new()
        .set("server.public_url", "chat.example.org")
        .run();
    let words = [
        "DUET_SERVER__PUBLIC_URL",
        "chat.example.org",
        "https://chat.example.org",
    ];
    refused(&told, &words);

    let file = "[server]\n# Where people come in.\nrole = \"chatt\"\n";
    let told = Setup::new().file(file).arg("check-config").run();
    refused(
        &told,
        &[
            "server.role = \"chatt\"",
            "line 3 of",
            "duet.toml",
            "\"all\"",
        ],
    );
    let file = "[limits]\nstreams_per_seats = 3\n";
    let told = Setup::new().file(file).arg("check-config").run();
    refused(
        &told,
        &[
            "line 2 of",
            "limits.streams_per_seats",
            "Perhaps limits.streams_per_seat is meant.",
        ],
    );
    let file = "[server]\n\"bind?\" = \":8080\"\n";
    let told = Setup::new().file(file).arg("check-config").run();
    refused(&told, &["server.bind? (line 2 of"]);
    let url = "postgres://duet@db/duet?sslcert=me.pem";
    refused(
        &Setup::new().set("store.url", url).run(),
        &["sslcert", "not supported"],
    );
}

#[test]
fn errors_are_json_in_a_json_log() {
    for setup in [
        Setup::new().set("server.role", "chatt"),
        Setup::new().set("store.url", "sqlite:///proc/x/duet.db"),
        Setup::new()
            .arg("migrate")
            .set("store.url", "sqlite:///proc/x/duet.db"),
        // The filter hides errors, but not this one.
        Setup::new()
            .set("log.filter", "off")
            .set("store.url", "sqlite:///proc/x/duet.db"),
    ] {
        let output = setup.set("log.format", "json").run();
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = told.lines().last().unwrap();
        for line in told.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        assert!(last.contains("\"level\":\"ERROR\""), "{told}");
    }
}

#[test]
fn a_value_that_cannot_be_is_named() {
    for (key, value, words) in [
        ("store.url", "duet.db", "store.url"),
        ("store.url", "mysql://localhost/duet", "store.url"),
        ("store.url", "sqlite://", "store.url"),
        ("store.url", "sqlite://:memory:", "memory"),
        ("store.url", "sqlite::memory:", "memory"),
        ("store.url", "sqlite://file:duet.db?mode=memory", "memory"),
        ("store.url", "sqlite://data/duet.db?mode=ro", "options"),
        ("store.url", "sqlite://data/", "folder"),
        ("store.url", "", "store.url"),
        ("bus.url", "http://localhost", "bus.url"),
        ("bus.tls_ca", "ca.pem", "rediss://"),
        ("server.bind", "here", "server.bind"),
        ("server.bind", "127.0.0.1", "server.bind"),
        ("server.bind", "8080", "localhost:8080"),
        ("server.bind", "127.0.0.1:99999", "server.bind"),
        ("server.public_url", "chat.example.org", "public_url"),
        ("server.public_url", "ftp://chat.example.org", "public_url"),
        (
            "server.public_url",
            "https://chat.example.org/path",
            "public_url",
        ),
        ("server.public_url", "https://", "public_url"),
        ("server.tls_cert", "duet.pem", "tls_key"),
        ("server.tls_key", "duet.key", "tls_cert"),
        ("server.role", "both", "role"),
        ("server.trusted_proxies", "everybody", "trusted_proxies"),
        ("links.custom", "some", "custom"),
        ("links.ttl_hours", "0", "ttl_hours"),
        ("links.ttl_hours", "721", "ttl_hours"),
        ("links.ttl_hours", "a week", "ttl_hours"),
        ("limits.streams_per_seat", "0", "streams_per_seat"),
        ("limits.streams_per_seat", "-1", "streams_per_seat"),
        ("limits.messages_per_chat", "many", "messages_per_chat"),
        ("log.filter", "duet=loud", "log.filter"),
        ("log.format", "xml", "format"),
    ] {
        let output = Setup::new().set(key, value).run();
        refused(&output, &[words]);
    }
}

#[test]
fn fractions_are_not_rounded_to_integers() {
    for value in [
        "2.9",
        "1e3",
        "inf",
        "true",
        "yes",
        "99999999999999999999",
        "",
    ] {
        let output = Setup::new().set("limits.streams_per_seat", value).run();
        refused(&output, &["limits.streams_per_seat", "a whole number"]);
    }
    // Shown so that it does not look whole.
    let output = Setup::new().set("limits.streams_per_seat", "1e3").run();
    refused(&output, &["limits.streams_per_seat = 1000.0 "]);
    for value in ["2.9", "true", "\"yes\""] {
        let file = format!("[limits]\nstreams_per_seat = {value}\n");
        let output = Setup::new().file(&file).run();
        refused(&output, &["line 2 of", "a whole number"]);
    }
    // Spaces around a value mean nothing.
    let spaced = Setup::new()
        .set("limits.streams_per_seat", " 7 ")
        .set("server.role", " chat ");
    let output = spaced.arg("check-config").run();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_settings_file_that_is_missing_or_no_toml_is_named() {
    refused(
        &Setup::new().arg("--config").arg("nowhere.toml").run(),
        &["nowhere.toml"],
    );
    for (text, line) in [
        ("[server\nbind = 1", "line 1"),
        ("[store]\n\nlanes = 99999999999999999999", "line 3"),
    ] {
        let told = Setup::new().file(text).run();
        refused(&told, &["duet.toml", "TOML", line]);
        assert_eq!(told.status.code(), Some(2));
    }
}

#[test]
fn a_secret_file_that_cannot_be_read_is_named() {
    for section in ["store", "bus"] {
        let setup = Setup::new().set(&format!("{section}.url_file"), "nowhere");
        refused(&setup.run(), &[&format!("{section}.url_file"), "nowhere"]);
    }
}

#[test]
fn a_url_may_come_as_a_credential_of_systemd() {
    let mut setup = Setup::new();
    let folder = setup.folder();
    let setup = setup
        .env("CREDENTIALS_DIRECTORY", folder.display())
        .arg("check-config")
        .arg("--print");
    let printed = |setup: &Setup| {
        let output = setup.clone().run();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // Without any, the settings count.
    assert!(printed(&setup).contains("sqlite://data/duet.db"));
    let store = folder.join("duet.store.url");
    fs::write(&store, "postgres://duet:s3cret@db/duet\n").unwrap();
    let told = printed(&setup);
    let place = format!("the file {}", store.display());
    for words in ["postgres://duet:***@db/duet", &place] {
        assert!(told.contains(words), "nothing of {words}: {told}");
    }
    // The file that it was made from is named for commands by hand, and is none that a service could read.
    let told = printed(&setup.set("store.url_file", "nowhere"));
    assert!(told.contains(&place), "{told}");
}

#[test]
fn no_error_contains_a_password() {
    let password = "p4ss-w0rd-of-ours";
    let postgres = format!("postgres://duet:{password}@127.0.0.1:1/duet");
    let redis = format!("redis://duet:{password}@127.0.0.1:1");
    let with_file = |section: &str, url: &str| {
        let mut setup = Setup::new();
        fs::write(setup.folder().join("secret"), format!("{url}\n")).unwrap();
        setup.set(&format!("{section}.url_file"), "secret")
    };
    let setups = [
        // Out of reach.
        Setup::new().set("store.url", &postgres),
        with_file("store", &postgres),
        // Not an address.
        Setup::new().set("store.url", format!("{postgres}?{password}=1")),
        Setup::new().set("store.url", format!("postgres://duet:{password}")),
        Setup::new().set("store.url", format!("postgres://duet:@{password}@db/duet")),
        Setup::new().set("store.url", format!("{postgres},{postgres}")),
        Setup::new().set("store.urls", format!("{postgres},{postgres}2")),
        Setup::new().set("store.url", format!("mysql://duet:{password}@db/duet")),
        with_file("store", password),
        Setup::new().set("bus.url", format!("redis:{password}")),
        Setup::new().set("bus.url", format!("http://duet:{password}@cache")),
        with_file("bus", password),
        Setup::new().file(&format!("[bus]\nurl = \"{redis}\nurl_file = 1")),
        Setup::new().file(&format!("[bus]\nurl = [\"{redis}\"]")),
        Setup::new().env("DATABASE_URL", format!("{postgres}?{password}")),
    ];
    for setup in setups {
        let output = setup.set("store.start_seconds", 1).run();
        let told = refused(&output, &[]);
        assert!(!told.contains(password), "{told}");
    }
    let setup = with_file("bus", &redis).set("store.url", &postgres);
    for command in ["check-config", "default-config"] {
        let output = setup.clone().arg(command).run();
        assert!(output.status.success(), "{output:?}");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(!told.contains(password), "{told}");
    }
}

#[tokio::test]
async fn a_second_process_does_not_serve_the_same_file() {
    let server = Server::start().await;
    let second = server.setup().set("server.bind", "127.0.0.1:0").run();
    refused(&second, &["duet.db"]);
    let chat = Chat::begin(&server).await;
    chat.one.say("The first goes on.").await;
}

#[tokio::test]
async fn a_failed_start_opens_no_socket() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut setup = Setup::new()
        .set("server.bind", free)
        .set("store.url", "sqlite:///proc/x/y.db");
    let mut child = setup.command().stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    eventually("it has given up", async || {
        assert_eq!(listening(pid), []);
        child.try_wait().unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_second_instance_on_one_postgresql_is_told_that_it_needs_a_bus() {
    let postgres = Postgres::start().unwrap();
    let setup = || Setup::new().set("store.url", postgres.url());
    let first = setup().start().await;
    refused(&setup().run(), &["bus.url"]);
    let chat = Chat::begin(&first).await;
    chat.one.say("The first goes on.").await;
    // With a bus there may be any number.
    let redis = Redis::start().unwrap();
    drop(first);
    let with_bus = || setup().set("bus.url", redis.url());
    let (_one, _two) = (with_bus().start().await, with_bus().start().await);
}
