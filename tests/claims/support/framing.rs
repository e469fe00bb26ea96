//! Requests as bytes, and how many of them a server has seen.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::Api;

/// How long somebody may say nothing before nothing more is expected. Only what is left waiting on
/// purpose runs into it.
const SILENCE: Duration = Duration::from_secs(4);

/// Sends bytes and reads until the other end closes, or is silent for long.
pub async fn exchange(mut wire: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Vec<u8> {
    // Who has heard enough may close before all is said.
    let _ = wire.write_all(bytes).await;
    let _ = wire.flush().await;
    let mut heard = Vec::new();
    while let Ok(Ok(1..)) = timeout(SILENCE, wire.read_buf(&mut heard)).await {}
    heard
}

/// The statuses of the answers in what was heard, but not those that only say to go on.
pub fn statuses(heard: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(heard);
    let lines = text
        .split("HTTP/1.")
        .skip(1)
        .map(|answer| answer[2..5].parse::<u16>().unwrap());
    lines.filter(|status| *status >= 200).collect()
}

/// How many requests the server behind a client has seen, those for health and metrics aside.
pub async fn requests_seen(ops: &Api) -> u64 {
    let metrics = ops.get("/metrics").await;
    let lines = metrics
        .text()
        .lines()
        .filter(|line| line.starts_with("duet_http_request_seconds_count"))
        .filter(|line| !line.contains("\"/health/") && !line.contains("\"/metrics\""));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}
