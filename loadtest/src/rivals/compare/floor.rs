//! Floors: what PostgreSQL, Redis, the sockets and a bare actix-web cost by themselves, on the same machine in the same run.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use harness::servers::{Postgres, Redis, free_port};

use super::{
    CompareError,
    contender::{Contender, Ground},
};
use crate::usage::Processes;

/// A table like the one that duet keeps messages in, with the same two indexes, for 400 chats.
const TABLE: &str = "CREATE TABLE messages (key uuid NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, sent_at bigint,
    id uuid NOT NULL, seat smallint NOT NULL, text text NOT NULL, PRIMARY KEY (key, seq), UNIQUE (key, id, seat));
    CREATE SEQUENCE seqs CACHE 1000";
const BATCH_ROWS: u32 = 64;

/// One figure: its name and value.
pub(super) type Figure = (&'static str, f64);

/// `pgbench` with the same insert: how long a lone one takes, how many rows come in one by one from 64 clients, as there are 64
/// senders, and how many in batches.
pub(super) fn postgres(seconds: u32) -> Result<Vec<Figure>, CompareError> {
    let postgres = Postgres::start()?;
    let url = postgres.url();
    output(Command::new("psql").args(["-q", "-c", TABLE, &url]))?;
    let folder = tempfile::tempdir().map_err(CompareError::Folder)?;
    let mut figures = Vec::new();
    for (name, rows, clients) in [
        ("commit_ms", 1, 1),
        ("pgbench_one_row_per_second", 1, 64),
        ("pgbench_batched_rows_per_second", BATCH_ROWS, 4),
    ] {
        let script = folder.path().join(name);
        let insert = format!(
            "INSERT INTO messages SELECT md5((random() * 400)::int::text)::uuid, nextval('seqs'), 0, 0, gen_random_uuid(), 1,
             repeat('x', 100) FROM generate_series(1, {rows});"
        );
        fs::write(&script, insert.replace('\n', " ")).map_err(CompareError::Folder)?;
        let mut pgbench = Command::new("pgbench");
        pgbench
            .args(["-n", "-M", "prepared", "-j", "1"])
            .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
            .arg("-f")
            .arg(&script)
            .arg(&url);
        let said = output(&mut pgbench)?;
        figures.push(match clients {
            1 => (name, number_after(&said, "latency average = ")?),
            _ => (name, f64::from(rows) * number_after(&said, "tps = ")?),
        });
    }
    Ok(figures)
}

/// `redis-benchmark` with a publication of the size of a notice, 50 clients.
pub(super) fn redis() -> Result<Vec<Figure>, CompareError> {
    let redis = Redis::start()?;
    let url = redis.url();
    let port = url.rsplit(':').next().unwrap_or_default();
    let said = output(
        Command::new("redis-benchmark")
            .args([
                "-p", port, "-n", "100000", "-c", "50", "--csv", "PUBLISH", "channel",
            ])
            .arg("x".repeat(250)),
    )?;
    // The last line is `"PUBLISH …","requests per second",…`.
    let last = said.lines().last().unwrap_or_default();
    Ok(vec![(
        "redis_publish_per_second",
        number_after(last, "\",\"")?,
    )])
}

/// `wrk` on a trivial route.
pub(super) fn actix(bare: &Contender, seconds: u32) -> Result<Vec<Figure>, CompareError> {
    let cluster = bare.start(Ground::Two)?;
    let said = output(
        Command::new("wrk")
            .args(["-t", "1", "-c", "64", "-d", &format!("{seconds}s")])
            .arg(cluster.api()),
    )?;
    let per_second = number_after(&said, "Requests/sec:")?;
    Ok(vec![("actix_requests_per_second", per_second)])
}

/// The size of the program, and how it starts on SQLite: the time until it answers, and the memory it then has.
pub(super) fn start(duet: &Path) -> Result<Vec<Figure>, CompareError> {
    const MIB: f64 = (1 << 20) as f64;
    let size = fs::metadata(duet).map_err(CompareError::Folder)?.len();
    let folder = tempfile::tempdir().map_err(CompareError::Folder)?;
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let store = format!("sqlite://{}", folder.path().join("duet.db").display());
    let began = Instant::now();
    let mut process = Command::new(duet)
        .env("DUET_SERVER__BIND", address.to_string())
        .env("DUET_STORE__URL", store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(CompareError::Folder)?;
    while !answers(address) {
        if began.elapsed() > Duration::from_secs(30) {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let first_answer = began.elapsed().as_secs_f64();
    let resident = Processes::new(&[process.id()]).map(|duet| duet.usage().resident_bytes);
    // Both fail only when it has ended already.
    let _ = process.kill();
    let _ = process.wait();
    Ok(vec![
        ("binary_mib", size as f64 / MIB),
        ("first_answer_seconds", first_answer),
        ("resident_mib_at_start", resident? as f64 / MIB),
    ])
}

fn answers(address: SocketAddr) -> bool {
    let ask = || {
        let mut socket = TcpStream::connect(address)?;
        socket
            .write_all(b"GET /health/live HTTP/1.1\r\nhost: duet\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

fn output(command: &mut Command) -> Result<String, CompareError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| CompareError::Missing {
            program: program.clone(),
            source,
        })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(CompareError::Failed {
        command: program,
        said: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
    })
}

/// The number that stands behind a word.
fn number_after(said: &str, word: &str) -> Result<f64, CompareError> {
    let number = said.split_once(word).and_then(|(_, rest)| {
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    number.ok_or_else(|| CompareError::Failed {
        command: word.to_owned(),
        said: said.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_the_tools_say() {
        let pgbench =
            "latency average = 6.1 ms\ntps = 10432.123456 (without initial connection time)";
        assert_eq!(number_after(pgbench, "tps = ").unwrap(), 10432.123456);
        assert_eq!(number_after(pgbench, "latency average = ").unwrap(), 6.1);
        let redis = r#""PUBLISH channel xxx","98039.22","0.286""#;
        assert_eq!(number_after(redis, "\",\"").unwrap(), 98039.22);
        let wrk = "Requests/sec:  71234.56\nTransfer/sec: 8MB";
        assert_eq!(number_after(wrk, "Requests/sec:").unwrap(), 71234.56);
        assert!(number_after("nothing", "tps = ").is_err());
    }
}
