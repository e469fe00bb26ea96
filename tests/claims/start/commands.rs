//! The commands beside serving.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpListener,
    process::{Output, Stdio},
    thread,
    time::Duration,
};

use harness::servers::{Authority, free_port};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::refusing::refused;
use crate::support::{Chat, Server, Setup, eventually, server::exists};

pub(super) fn printed(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test]
async fn migrate_makes_the_tables_and_may_be_run_again() {
    let mut setup = Setup::new();
    let folder = setup.folder();
    for _ in 0..2 {
        printed(&setup.clone().arg("migrate").run());
        assert!(exists(&folder.join("data/duet.db")));
    }
    let server = setup.start().await;
    Chat::begin(&server).await;
}

#[test]
fn check_config_says_what_is_in_force_and_opens_nothing() {
    let mut setup = Setup::new()
        .set("server.bind", "127.0.0.1:8099")
        .arg("check-config");
    let folder = setup.folder();
    let text = printed(&setup.clone().run());
    assert!(text.contains("127.0.0.1:8099"), "{text}");
    assert!(!folder.join("data").exists());
    refused(&setup.set("server.role", "both").run(), &["role"]);
}

#[test]
fn check_config_prints_every_value_with_its_place_and_no_password() {
    let text = printed(
        &Setup::new()
            .file("[limits]\nstreams_per_seat = 3\n")
            .set(
                "store.url",
                "postgres://duet:s3cret@db/duet?sslmode=require",
            )
            .env("REDIS_URL", "redis://:s3cret@cache")
            .arg("check-config")
            .arg("--print")
            .run(),
    );
    assert!(!text.contains("s3cret"), "{text}");
    for line in [
        "bind = \"127.0.0.1:0\" # DUET_SERVER__BIND in the environment",
        "role = \"all\" # default",
        "url = \"postgres://duet:***@db/duet?sslmode=require\" # DUET_STORE__URL in the environment",
        "url = \"redis://:***@cache\" # REDIS_URL in the environment",
        "exempt_addresses = [\"127.0.0.0/8\", \"::1/128\"] # default",
    ] {
        assert!(text.contains(line), "nothing of {line}: {text}");
    }
    assert!(text.contains("streams_per_seat = 3 # line 2 of "), "{text}");
    // It is a settings file itself, with every key.
    let again = text.replace("***", "x");
    printed(&Setup::new().file(&again).arg("check-config").run());
    let keys = |text: &str| {
        let keys = text.lines().filter(|line| !line.starts_with('#'));
        keys.filter(|line| line.contains(" = ")).count()
    };
    let defaults = printed(&Setup::new().arg("default-config").run());
    assert_eq!(keys(&text), keys(&defaults));
}

#[test]
fn check_config_prints_several_servers_as_a_file_that_is_taken_back() {
    let urls = "postgres://a:s3cret@one/duet postgres://a:s3cret@two/duet?sslmode=require";
    let in_environment = Setup::new().env("DUET_STORE__URLS", urls);
    let in_file = Setup::new().file(&format!(
        "store = {{\n  urls = {:?} }}\n",
        urls.split(' ').collect::<Vec<_>>()
    ));
    let mut in_secret_file = Setup::new();
    std::fs::write(
        in_secret_file.folder().join("urls"),
        urls.replace(' ', "\n"),
    )
    .unwrap();
    let in_secret_file = in_secret_file.set("store.url_file", "urls");
    for (setup, place) in [
        (in_environment, "DUET_STORE__URLS in the environment"),
        (in_file, "line 2 of "),
        (in_secret_file, "the file urls"),
    ] {
        let text = printed(&setup.arg("check-config").arg("--print").run());
        assert!(!text.contains("s3cret"), "{text}");
        let shown =
            "urls = [\"postgres://a:***@one/duet\", \"postgres://a:***@two/duet?sslmode=require\"]";
        assert!(text.contains(&format!("{shown} # {place}")), "{text}");
        let again = text.replace("***", "x").replace("\"urls\"", "\"\"");
        printed(&Setup::new().file(&again).arg("check-config").run());
    }
}

#[tokio::test]
async fn health_asks_a_running_instance() {
    let mut server = Setup::new()
        .set("server.leave_seconds", 3_600)
        .start()
        .await;
    let ask = |server: &Server, arguments: &[&str]| {
        let mut setup = server.setup().set("server.bind", server.address);
        for argument in arguments {
            setup = setup.arg(argument);
        }
        setup.run()
    };
    assert!(ask(&server, &["health"]).status.success());
    assert!(ask(&server, &["health", "--live"]).status.success());
    server.ask_to_stop();
    eventually("it says that it is not ready", async || {
        (!ask(&server, &["health"]).status.success()).then_some(())
    })
    .await;
    // Docker keeps 2 for itself.
    let ill = ask(&server, &["health"]);
    assert_eq!(ill.status.code(), Some(1));
    refused(&ill, &["503", "draining"]);
    assert!(ask(&server, &["health", "--live"]).status.success());
    server.kill_9();
    refused(&ask(&server, &["health", "--live"]), &["does not answer"]);

    let authority = Authority::new().unwrap();
    let by_tls = Setup::new().tls(&authority).start().await;
    assert!(ask(&by_tls, &["health"]).status.success());
    let own_address = Setup::new()
        .tls(&authority)
        .set("server.ops_bind", "127.0.0.1:0")
        .start()
        .await;
    let setup = own_address
        .setup()
        .set("server.ops_bind", own_address.ops_address.unwrap());
    let health = setup.arg("health").run();
    assert!(health.status.success(), "{health:?}");
}

#[test]
fn health_waits_for_a_slow_answer_no_longer_than_for_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept()?;
        // Each byte in time, and the whole in half a minute.
        for byte in "HTTP/1.1 200 OK\r\n\r\n".bytes().chain([b' '; 300]) {
            socket.write_all(&[byte])?;
            thread::sleep(Duration::from_millis(100));
        }
        io::Result::Ok(())
    });
    let health = Setup::new().set("server.bind", address).arg("health").run();
    refused(&health, &["does not answer", "timed out"]);
    assert_eq!(health.status.code(), Some(1));
}

#[tokio::test]
async fn a_link_that_is_typed_is_taken_at_the_end_of_its_line() {
    let mut setup = Setup::new().arg("end");
    let mut command = setup.command();
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It stays open, as a terminal does.
    let mut input = child.stdin.take().unwrap();
    let link = "https://chat.example.org/demo/chat/user/AAAAAAAAAAAAAAAAAAAAAA";
    writeln!(input, "\n  {link}").unwrap();
    let ended = eventually("it has ended", async || child.try_wait().unwrap()).await;
    assert_eq!(ended.code(), Some(2));
    let mut told = String::new();
    child.stderr.unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("There is no file"), "{told}");
}

#[tokio::test]
async fn a_settings_file_is_named_for_all_commands_by_a_variable() {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(&["localhost"]).unwrap();
    let (bind, certificate) = (free_port().unwrap(), identity.certificate.display());
    let file = format!(
        "[server]\nbind = \"127.0.0.1:{bind}\"\ntls_cert = \"{certificate}\"\ntls_key = \"{}\"\n",
        identity.key.display()
    );
    let mut setup = Setup::default().env("DUET_CONFIG", "settings.toml");
    fs::write(setup.folder().join("settings.toml"), file).unwrap();
    let server = setup.start().await;
    assert_eq!(server.address.port(), bind);
    // As the health check of a container asks, which is given no arguments of the server's.
    printed(&server.setup().arg("health").run());
    let told = server.setup().arg("--config").arg("other.toml").run();
    refused(&told, &["other.toml"]);
    // As compose hands on a variable that is not set.
    let setup = Setup::new().env("DUET_CONFIG", "").arg("check-config");
    printed(&setup.run());
    let setup = Setup::new().arg("--config").arg("").arg("check-config");
    assert_eq!(setup.run().status.code(), Some(2));
}

#[tokio::test]
async fn the_default_settings_are_printed_as_a_file_that_is_taken_back() {
    let defaults = printed(&Setup::new().arg("default-config").run());
    assert!(defaults.contains("[limits]") && defaults.contains("# "));
    printed(&Setup::new().file(&defaults).arg("check-config").run());
    let server = Setup::new().file(&defaults).start().await;
    Chat::begin(&server).await;
}

#[tokio::test]
async fn the_files_that_pages_load_are_listed_with_the_digests_of_what_is_served() {
    let text = printed(&Setup::new().arg("assets").run());
    let mut lines = text.lines();
    let version = lines.next().unwrap();
    assert_eq!(version, format!("# duet {}", env!("CARGO_PKG_VERSION")));
    let server = Setup::new().start().await;
    let mut listed = 0;
    for line in lines {
        let (digest, path) = line.split_once("  ").unwrap();
        let served = server.front().get(path).await;
        assert_eq!(served.status, 200, "{path}");
        let found: String = Sha256::digest(&served.body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(found, digest, "{path}");
        listed += 1;
    }
    assert!(listed > 2 && text.contains("/chat.js\n"), "{text}");
}

#[test]
fn the_api_is_described_in_openapi_with_every_path_of_it() {
    let text = printed(&Setup::new().arg("openapi").run());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert!(
        document["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document["openapi"]
    );
    let templates: Vec<(String, Vec<String>)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, methods)| {
            // What a parameter is called is no matter.
            let plain: Vec<&str> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "{}" } else { part })
                .collect();
            (
                plain.join("/"),
                methods.as_object().unwrap().keys().cloned().collect(),
            )
        })
        .collect();
    for (method, path) in [
        ("post", "/chat-server/hash"),
        ("post", "/chat-server/register"),
        ("post", "/chat-server/user1"),
        ("post", "/chat-server/user2"),
        ("post", "/chat-server/user/{}/login"),
        ("post", "/chat-server/user/{}/login/ask"),
        ("get", "/chat-server/user/{}/login/ask/{}"),
        ("post", "/chat-server/user/{}/answer"),
        ("post", "/chat-server/user/{}/device"),
        ("post", "/chat-server/user/{}/return_code"),
        ("get", "/chat-server/user/{}/sessions"),
        ("post", "/chat-server/user/{}/sessions/end"),
        ("post", "/chat-server/user/{}/message_send"),
        ("get", "/chat-server/user/{}/messages"),
        ("get", "/chat-server/user/{}/stream"),
        ("post", "/chat-server/user/{}/receipt"),
        ("post", "/chat-server/user/{}/typing"),
        ("get", "/chat-server/user/logout"),
        ("post", "/chat-server/user/logout"),
        ("get", "/chat-server/user/endchat"),
        ("post", "/chat-server/user/endchat"),
    ] {
        let described = templates.iter().any(|(template, methods)| {
            template == path && methods.iter().any(|known| known == method)
        });
        assert!(described, "{method} {path}: {templates:?}");
    }
}

#[test]
fn the_description_shows_a_body_in_its_envelope_and_lets_one_without_fields_be_left_out() {
    let text = printed(&Setup::new().arg("openapi").run());
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut bodies = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(body) = operations["post"].get("requestBody") else {
            continue;
        };
        let forms = &body["content"]["application/json"]["schema"]["anyOf"];
        assert_eq!(forms[0]["properties"]["data"], forms[1], "{path}");
        let empty = forms[1]["$ref"] == "#/components/schemas/EmptyBody";
        assert_eq!(body["required"], !empty, "{path}");
        bodies += 1;
    }
    assert_eq!(bodies, 15);
}

#[test]
fn help_tells_of_every_command() {
    let help = printed(&Setup::new().arg("--help").run());
    for command in [
        "serve",
        "migrate",
        "check-config",
        "default-config",
        "openapi",
        "end",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{command}: {help}");
        let own = printed(&Setup::new().arg(command).arg("--help").run());
        assert!(own.contains("Usage: duet"), "{own}");
    }
    assert!(help.contains("--config"));
    let version = printed(&Setup::new().arg("--version").run());
    assert_eq!(version, format!("duet {}\n", duet::app::LONG_VERSION));
    assert!(!Setup::new().arg("nonsense").run().status.success());
}
