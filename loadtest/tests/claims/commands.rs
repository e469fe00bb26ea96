//! The program as it is called: what it refuses, what it leaves, and by which exit code it tells.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use harness::servers::{Instance, free_port, instance::setting};
use loadtest::usage::Processes;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(120);

fn loadtest(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args(words.split(' ')).stdin(Stdio::null());
    command
}

#[track_caller]
fn refused(output: &Output, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(words) && !told.contains("panicked"), "{told}");
    assert_eq!(output.status.code(), Some(2), "{told}");
}

#[test]
fn a_number_that_makes_no_run_is_refused() {
    for (words, why) in [
        ("ramp --duration 0", "more than 0 seconds"),
        ("flow --duration 0", "more than 0 seconds"),
        ("churn --duration 0", "more than 0 seconds"),
        ("flow --messages 0", "--messages"),
        ("flow --rate 1e-30", "a number from"),
        ("flow --rate 1e300", "a number from"),
        ("churn --rate 1e-30", "a number from"),
        ("flow --tail 1e19", "a number of seconds"),
        ("flow --rate -5", "a number from"),
        ("idle --streams -1", "a whole number from"),
    ] {
        let output = loadtest(&format!("{words} --api http://127.0.0.1:1")).output();
        refused(&output.unwrap(), why);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_the_run() {
    let began = Instant::now();
    // The server would be waited for.
    let output = loadtest("flow --api http://127.0.0.1:1 --report /nowhere/report.html").output();
    refused(&output.unwrap(), "/nowhere/report.html");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_server_that_is_waited_for_is_named_and_the_last_report_stays_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.html");
    fs::write(&report, "the last one").unwrap();
    let mut run = loadtest("flow --pairs 1 --api http://127.0.0.1:1 --report")
        .arg(&report)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(told.any(|line| {
        line.unwrap()
            .contains("127.0.0.1:1 (Connection refused (os error 111)): trying again")
    }));
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(fs::read_to_string(&report).unwrap(), "the last one");
}

/// Runs it until it tells this on standard error.
#[track_caller]
fn tells(words: &str, part: &str) {
    let mut run = loadtest(words).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
    while !told.contains(part)
        && let Some(line) = lines.next()
    {
        told = told + &line.unwrap() + "\n";
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(told.contains(part), "{told}");
}

#[test]
fn a_stream_that_does_not_open_is_told_with_the_reason() {
    let settings = [
        setting("store.url", "sqlite://duet.db"),
        setting("limits.streams_per_instance", "2"),
    ];
    let server = Instance::start(&crate::duet(), settings).unwrap();
    let idle = format!("idle --streams 4 --api {}", server.url());
    tells(&idle, "answered 429 too_many_requests");

    let few = format!(
        "ulimit -n 40 && exec \"$0\" idle --streams 60 --api {}",
        server.url()
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &few, env!("CARGO_BIN_EXE_loadtest")]);
    refused(&shell.output().unwrap(), "raise the limit (ulimit -n)");
}

#[test]
fn the_page_of_a_proxy_without_a_server_is_told_as_such() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let flow = format!(
        "flow --pairs 1 --api http://{}",
        proxy.local_addr().unwrap()
    );
    thread::spawn(move || {
        for connection in proxy.incoming() {
            let page = "<h1>502 Bad Gateway</h1>";
            let head = "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length:";
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let _ = write!(connection, "{head} {}\r\n\r\n{page}", page.len());
        }
    });
    tells(&flow, "answered 502, not in the form of duet's API");
}

#[test]
fn whoever_reads_the_report_may_stop_doing_so() {
    let store = setting("store.url", "sqlite://duet.db");
    let server = Instance::start(&crate::duet(), [store]).unwrap();
    let flow = format!("flow --json --pairs 1 --messages 2 --api {}", server.url());
    let mut run = loadtest(&flow)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(run.stdout.take());
    let mut told = String::new();
    run.stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0), "{told}");
}

/// What a command tells, and its exit code, where its server is killed once it has answered so many of these requests.
fn left_alone_after(words: &str, answered: u64, route: &str) -> (Value, Option<i32>) {
    let store = setting("store.url", "sqlite://duet.db");
    let mut server = Instance::start(&crate::duet(), [store]).unwrap();
    let run = loadtest(&format!("{words} --json --api {}", server.url()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let count = format!("route=\"/chat-server/user/{route}\",status=\"200\"}} ");
    eventually(|| {
        let metrics = get(server.port(), "/metrics");
        let mut counts = metrics.lines().filter(|line| line.contains("_count{"));
        let (_, count) = counts.find_map(|line| line.split_once(&count))?;
        (count.parse::<u64>().unwrap() >= answered).then_some(())
    });
    server.kill();
    let output = run.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (report.unwrap(), output.status.code())
}

fn get(port: u16, path: &str) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(connection, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn what_was_measured_is_told_where_the_servers_are_gone_before_the_end() {
    let flow = "flow --pairs 2 --rate 100 --messages 300 --patience 1 --tail 1";
    let (report, code) = left_alone_after(flow, 50, "{hash}/message_send");
    assert!(
        report["acknowledgement"]["count"].as_u64() >= Some(40),
        "{report}"
    );
    assert_eq!(report["verdict"]["unread"], 2, "{report}");
    // What was acknowledged as the server died may not have come to the streams.
    let not_kept = |code| [Some(1), Some(3)].contains(&code);
    assert!(not_kept(code), "{code:?}");

    let history = "history --messages 10 --samples 1000000 --page 5";
    let (report, code) = left_alone_after(history, 50, "{hash}/messages");
    assert!(report["first"]["p50_ms"].as_f64() > Some(0.0), "{report}");
    assert!(report["unread"].is_string(), "{report}");
    assert_eq!(code, Some(3));

    let churn = "churn --concurrency 2 --duration 5 --patience 1";
    let (report, code) = left_alone_after(churn, 4, "endchat");
    assert!(report["chats"].as_u64() >= Some(1), "{report}");
    assert!(report["given_up"].as_u64() >= Some(1), "{report}");
    assert_eq!(code, Some(3), "what nobody answers is unknown: {report}");

    let idle = "idle --streams 4 --settle 0 --duration 5";
    let (report, code) = left_alone_after(idle, 4, "{hash}/stream");
    assert_eq!(report["lost"], 4, "{report}");
    assert_eq!(code, Some(3));
}

#[test]
fn one_that_is_told_to_stop_takes_its_servers_with_it() {
    let folder = tempfile::tempdir().unwrap();
    // PostgreSQL runs as a user of its own.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let mut run = loadtest("torture --duration 600 --pairs 2 --duet")
        .arg(crate::duet())
        .env("TMPDIR", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = run.id();
    let servers = eventually(|| {
        assert_eq!(run.try_wait().unwrap(), None);
        // PostgreSQL is several, Redis one, and each instance one.
        let servers = Processes::new(&[pid]).unwrap().ids().split_off(1);
        (servers.len() > 6).then_some(servers)
    });
    signal(&run, Signal::TERM);
    let status = eventually(|| run.try_wait().unwrap());
    assert_eq!(status.code(), Some(143));
    for server in servers {
        let stat = fs::read_to_string(format!("/proc/{server}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }
    let left = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    // What all servers of PostgreSQL are copied from is kept.
    let left: Vec<_> = left
        .filter(|name| !name.to_string_lossy().contains("template"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn one_that_is_told_to_stop_counts_nothing_any_more() {
    let store = setting("store.url", "sqlite://duet.db");
    let server = Instance::start(&crate::duet(), [store]).unwrap();
    // Not in the folder of temporary files, which may be one that runs no programs.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (perf, counting) = (folder.path().join("perf"), folder.path().join("counting"));
    let script = format!(
        "#!/bin/sh\necho $$ >{0}.new; mv {0}.new {0}; exec sleep 600",
        counting.display()
    );
    fs::write(&perf, script).unwrap();
    fs::set_permissions(&perf, fs::Permissions::from_mode(0o755)).unwrap();
    let pid = server.process().unwrap().id();
    let flow = format!(
        "flow --pairs 1 --rate 1 --duration 600 --instructions --pid {pid} --api {}",
        server.url()
    );
    let path = format!("{}:{}", folder.path().display(), env::var("PATH").unwrap());
    let mut run = loadtest(&flow)
        .env("PATH", path)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let counting = eventually(|| fs::read_to_string(&counting).ok());
    signal(&run, Signal::TERM);
    eventually(|| run.try_wait().unwrap());
    let name = fs::read_to_string(format!("/proc/{}/comm", counting.trim()));
    assert!(name.is_err(), "{name:?}");
}

#[test]
fn a_cluster_that_is_told_to_stop_has_done_what_it_was_for() {
    let port = free_port().unwrap();
    let mut run = loadtest(&format!("cluster --port {port} --duet"))
        .arg(crate::duet())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(run.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("Ctrl-C")));
    signal(&run, Signal::INT);
    let status = eventually(|| run.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
}

fn signal(run: &Child, signal: Signal) {
    let pid = Pid::from_raw(run.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn eventually<T>(mut probe: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < give_up, "it was waited for in vain");
        thread::sleep(Duration::from_millis(20));
    }
}
