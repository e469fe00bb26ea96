//! Every command that a document shows is carried out here or elsewhere, or stands in a list with the
//! reason why it is not.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use harness::servers::{Postgres, Redis};

use super::root;
use crate::support::Server;

/// Commands by their beginning, and what tries them.
const TRIED_ELSEWHERE: [(&str, &str); 16] = [
    ("pg_", "operators::guide"),
    ("mv data data.before", "operators::guide"),
    ("duet restore FILE", "operators::guide"),
    ("duet serve", "operators::guide"),
    ("duet migrate", "operators::guide"),
    ("sudo caddy reverse-proxy", "tests/deploy/readme.py"),
    ("duet decrypt -", "encryption::decrypt"),
    ("duet openapi", "tests/openapi/clients/check"),
    (
        "openapi-python-client generate",
        "tests/openapi/clients/check",
    ),
    ("npx openapi-typescript", "tests/openapi/clients/check"),
    ("cargo build", "every other command here needs it"),
    ("cargo nextest run", "it runs these tests"),
    ("cd tests/browser && node --test", "make test-browser"),
    (
        "export DUET_",
        "tests/deploy checks the compose files; there is no Docker in a test",
    ),
    (
        "docker compose",
        "tests/deploy checks the compose files; there is no Docker in a test",
    ),
    (
        "psql -q -f migrations/",
        "they measure for minutes; their figures stand beside them",
    ),
];
/// What takes too long or needs other machines.
const NOT_TRIED: [(&str, &str); 7] = [
    (
        "target/release/loadtest",
        "measures for minutes; a test of loadtest reads the options",
    ),
    ("kill -", "breaks a cluster for minutes"),
    ("redis-cli -p PORT", "breaks a cluster for minutes"),
    ("cargo bench --bench hot", "takes minutes; clippy builds it"),
    ("perf record", "needs rights that a test does not have"),
    (
        "install -g ssl-cert",
        "takes Debian's group and a certificate of certbot",
    ),
    ("systemctl reload", "needs systemd"),
];

/// The shell's blocks of all documents: file, and text.
fn blocks() -> Vec<(String, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let docs = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().display()));
    let names = ["README.md", "CONTRIBUTING.md", "migrations/README.md"];
    let names = names.map(str::to_owned).into_iter().chain(docs);
    let mut found = Vec::new();
    for name in names.filter(|name| name.ends_with(".md")) {
        let text = fs::read_to_string(root().join(&name)).unwrap();
        for block in text.split("```sh\n").skip(1) {
            let block = block.split("```").next().unwrap();
            found.push((name.clone(), block.to_owned()));
        }
    }
    assert!(found.len() > 10);
    found
}

/// Its commands, each in a line.
fn commands(block: &str) -> Vec<String> {
    let whole = block.replace("\\\n", " ");
    let lines = whole.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(Into::into)
        .collect()
}

fn the_block(name: &str, word: &str) -> String {
    let found = blocks();
    let mut found = found
        .into_iter()
        .filter(|(of, text)| of == name && text.contains(word));
    found.next().expect("the document shows it").1
}

#[test]
fn every_command_of_the_documents_is_tried_or_has_a_reason() {
    let here = [
        "cargo run --release",
        "DUET_",
        "curl",
        "API=",
        "HASH=",
        "TOKEN=",
        "make ",
    ];
    for (name, block) in blocks() {
        for command in commands(&block) {
            let begins = |beginning: &&str| command.starts_with(*beginning);
            let elsewhere = TRIED_ELSEWHERE.iter().chain(&NOT_TRIED);
            let mut known = elsewhere.map(|(beginning, _)| beginning).chain(&here);
            assert!(known.any(begins), "{name}: nothing tries `{command}`");
        }
    }
}

/// A comment behind a command is none in a zsh that somebody types into, and neither is one alone.
#[test]
fn every_command_can_be_pasted_into_any_shell() {
    for (name, block) in blocks() {
        assert!(
            !block.contains(" #") && !block.starts_with('#'),
            "{name}: {block}"
        );
        for shell in ["/bin/sh", "/bin/bash", "/usr/bin/zsh"] {
            if !Path::new(shell).exists() {
                continue;
            }
            let parsed = Command::new(shell).args(["-n", "-c", &block]).output();
            let parsed = parsed.unwrap();
            assert!(parsed.status.success(), "{name}, {shell}: {parsed:?}");
        }
        // Outside of quotes zsh takes these for patterns of file names.
        for command in commands(&block) {
            let bare = unquoted(&command);
            assert!(!bare.contains(['?', '*', '[']), "{name}: {command}");
        }
    }
}

/// What of a command stands in no quotes.
fn unquoted(command: &str) -> String {
    let mut quote = None;
    let mut bare = String::new();
    for letter in command.chars() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => bare.push(letter),
        }
    }
    bare
}

#[test]
fn every_target_of_make_that_is_named_is_there() {
    for (name, block) in blocks() {
        for command in commands(&block) {
            if !command.starts_with("make ") {
                continue;
            }
            let dry = command.replacen("make", "make --dry-run", 1);
            let done = Command::new("/bin/sh")
                .args(["-c", &dry])
                .current_dir(root())
                .output()
                .unwrap();
            assert!(done.status.success(), "{name}: {command}: {done:?}");
        }
    }
}

#[test]
fn the_readme_names_every_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_duet"))
        .arg("--help")
        .output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let commands = commands.lines().filter_map(|line| line.strip_prefix("  "));
    let mut commands: Vec<&str> = commands
        .filter_map(|line| line.split(' ').next())
        .filter(|command| !command.is_empty() && *command != "help")
        .collect();
    commands.sort_unstable();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, table) = readme.split_once("| command | |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut named: Vec<&str> = rows
        .flat_map(|row| {
            let cell = row.split('|').nth(1).unwrap();
            cell.split("`duet ").skip(1)
        })
        .map(|rest| rest.split([' ', '`']).next().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(named, commands);
}

/// Starts what a document shows, with this machine's addresses, and waits until it says that it runs.
fn runs(commands: &str, replacements: &[(&str, &str)]) {
    let mut script = commands.replace("\\\n", " ");
    for (shown, here) in replacements {
        assert!(script.contains(shown), "nothing of {shown}: {script}");
        script = script.replace(shown, here);
    }
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_duet")).parent().unwrap();
    let mut child = Command::new("/bin/sh")
        // The shell gives way to it, so that it ends with this test.
        .args([
            "-c",
            &format!("PATH={}:$PATH; {script}", programs.display()),
        ])
        .current_dir(folder.path())
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let said = child.stdout.take().unwrap();
    BufReader::new(said).read_line(&mut first).unwrap();
    let group = format!("-{}", child.id());
    let killed = Command::new("/bin/sh")
        .args(["-c", &format!("kill -- {group}")])
        .status();
    assert!(killed.unwrap().success());
    child.wait().unwrap();
    assert!(
        first.starts_with("duet is running at "),
        "{script}: {first}"
    );
}

#[test]
fn what_the_readme_starts_runs() {
    let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
    let here = ("0.0.0.0:8080", "0.0.0.0:0");
    let built = ("cargo run --release", "duet");
    runs(&the_block("README.md", "192.168.1.20"), &[here, built]);
    let (store, bus) = (postgres.url(), redis.url());
    let servers = [
        here,
        ("postgres://duet:secret@db/duet", store.as_str()),
        ("redis://cache:6379", bus.as_str()),
    ];
    runs(&the_block("README.md", "DUET_STORE__URL"), &servers);
}

/// In the shells that people have, and again in the same one.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_in_five_lines_does_what_it_says() {
    let server = Server::start().await;
    let shown = the_block("README.md", "curl");
    let script = shown.replace("127.0.0.1:8080", &server.address.to_string());
    for shell in ["/bin/bash", "/bin/bash", "/usr/bin/zsh", "/bin/sh"] {
        if !Path::new(shell).exists() {
            continue;
        }
        let run = || Command::new(shell).args(["-c", &script]).output();
        let said = tokio::task::block_in_place(run).unwrap().stdout;
        let said = String::from_utf8_lossy(&said).into_owned();
        for words in ["\"seq\":1", "event: message", "\"message\":\"Hello\""] {
            assert!(said.contains(words), "{shell}: nothing of {words}: {said}");
        }
        let well = said.matches("\"status\":\"OK\"").count();
        assert_eq!(well, 2, "{shell}: {said}");
        assert!(!said.contains("FAIL"), "{shell}: {said}");
    }
}
