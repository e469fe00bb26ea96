//! What it reads again at SIGHUP, and who need not listen to what it says.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::support::{Api, Chat, Server, Setup, eventually};

async fn until_logged(server: &Server, words: &str) {
    eventually(&format!("the log says {words}"), async || {
        server.log().contains(words).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_hangup_with_nothing_to_reload_says_so_and_serves_on() {
    let mut server = Server::start().await;
    let chat = Chat::begin(&server).await;
    server.signal("HUP");
    until_logged(&server, "there is nothing to reload").await;
    chat.one.say("still here").await;
    assert_eq!(server.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn a_hangup_reads_the_log_filter_again() {
    let mut setup = Setup::new().file("[log]\nfilter = \"info\"\n");
    let file = setup.folder().join("duet.toml");
    // A variable of another program may be no text.
    let setup = setup.after("export ODD=\"$(printf '\\377')\"");
    let server = setup.start().await;
    server.ops().get("/health/live").await;
    assert!(!server.log().contains("DEBUG"), "{}", server.log());

    fs::write(&file, "[log]\nfilter = \"duet=debug\"\n").unwrap();
    server.signal("HUP");
    until_logged(&server, "the log filter is changed").await;
    eventually("requests are logged", async || {
        server.ops().get("/health/live").await;
        server.log().contains("DEBUG").then_some(())
    })
    .await;

    // What cannot be read changes nothing.
    fs::write(&file, "[log]\nfilter = \"duet=loud\"\n").unwrap();
    server.signal("HUP");
    until_logged(&server, "those in force stay").await;
    assert_eq!(server.ops().get("/health/live").await.status, 200);
}

#[tokio::test]
async fn whoever_reads_what_it_says_may_stop_doing_so() {
    let mut setup = Setup::new().set("log.filter", "debug");
    let mut child = setup
        .command()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut first = String::new();
    // One line, as `head -1` reads it.
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let address = first.trim().strip_prefix("duet is running at http://");
    let address = address.and_then(|rest| rest.strip_suffix('/')).unwrap();
    let api = Api::at(address.parse().unwrap());
    for _ in 0..3 {
        assert_eq!(api.get("/health/ready").await.status, 200);
    }
    assert!(child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    setup.start().await;
}

#[tokio::test]
async fn a_core_file_holds_nothing_of_the_memory() {
    let server = Setup::new().after("ulimit -S -c unlimited").start().await;
    let own = format!("/proc/{}", server.id());
    let limits = fs::read_to_string(format!("{own}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{limits}");
    // For a core file that is piped to a program.
    let filter = fs::read_to_string(format!("{own}/coredump_filter")).unwrap();
    assert_eq!(u32::from_str_radix(filter.trim(), 16), Ok(0));
}
