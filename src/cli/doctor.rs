//! `duet doctor`: connects to everything in the settings and reports on it.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use actors::{Tasks, ports::Bus};
use prometheus::Registry;

use super::health;
use crate::{
    bus::RedisBus,
    config::{BusUrl, Settings},
    store::examine::{Finding, Level, count_live_instances, examine},
    words::counted,
};

/// How long to listen for other instances; the maximum applies while the database knows of more. An instance
/// that has stopped stays in the database for ten seconds.
const LISTEN: Duration = Duration::from_secs(2);
const LISTEN_MAX: Duration = Duration::from_secs(12);

/// All findings, one per line, and whether duet would work.
pub(super) async fn run(settings: &Settings) -> (String, bool) {
    let mut text = String::new();
    let mut works = true;
    let mut add = |part: &str, findings: Vec<Finding>| {
        for Finding { level, what } in findings {
            works &= level != Level::Fault;
            let word = match level {
                Level::Fine => "ok",
                Level::Warning => "look",
                Level::Fault => "FAIL",
            };
            let what = what.trim_end_matches('.');
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{word:5} {part:9} {what}");
        }
    };
    add("settings", of_settings(settings));
    add("store", examine(settings).await);
    add("bus", of_bus(settings).await);
    add("instance", of_instance(settings));
    (text, works)
}

fn of_settings(settings: &Settings) -> Vec<Finding> {
    let server = &settings.server;
    let mut found: Vec<Finding> = settings.hints.iter().map(Finding::warning).collect();
    let summary = settings.summary();
    found.push(Finding::ok(
        summary.trim_start_matches("The settings are right: "),
    ));
    let is_https = server
        .public_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    if is_https && server.tls_cert.is_none() && server.trusted_proxies.is_empty() {
        found.push(Finding::warning(
            "people come by https, and no proxy is named in server.trusted_proxies: every request \
             counts as the proxy's own",
        ));
    }
    let everybody = server
        .trusted_proxies
        .iter()
        .filter(|net| net.prefix_len() == 0);
    found.extend(everybody.map(|net| {
        Finding::warning(format!(
            "server.trusted_proxies has {net}: anybody can claim any address"
        ))
    }));
    found
}

async fn of_bus(settings: &Settings) -> Vec<Finding> {
    let BusUrl::Redis(url) = &settings.bus.url else {
        return vec![Finding::ok("local: one process serves alone")];
    };
    let registry = Registry::new();
    let tasks = Tasks::register(&registry);
    let tls_ca = settings.bus.tls_ca.as_deref();
    let bus = match RedisBus::start(url, tls_ca, &registry, &tasks).await {
        Ok(bus) => bus,
        Err(error) => return vec![Finding::fault(error.to_string())],
    };
    let mut found = bus.examine().await;
    if found.iter().all(|finding| finding.level != Level::Fault) {
        found.push(of_others(settings, &bus).await);
    }
    bus.leave().await;
    found
}

async fn of_others(settings: &Settings, bus: &RedisBus) -> Finding {
    tokio::time::sleep(LISTEN).await;
    match instances(settings, bus).await {
        (Some(live), heard) if live > heard => Finding::warning(format!(
            "instances that use this database: {live}; heard of them through Redis: {heard}. Do all have \
             this bus.url?"
        )),
        (_, heard) => Finding::ok(format!("other instances heard through Redis: {heard}")),
    }
}

/// How many instances use the database (if it can tell), and how many are heard on the bus.
async fn instances(settings: &Settings, bus: &RedisBus) -> (Option<usize>, usize) {
    let began = Instant::now();
    loop {
        let heard = bus.membership().map_or(0, |call| call.heard.len());
        let live = count_live_instances(&settings.store).await;
        if live.is_none_or(|live| live <= heard) || began.elapsed() >= LISTEN_MAX {
            return (live, heard);
        }
        tokio::time::sleep(LISTEN / 4).await;
    }
}

fn of_instance(settings: &Settings) -> Vec<Finding> {
    if let Err(why) = health::ask(settings, "/health/ready") {
        return vec![Finding::warning(format!(
            "no instance with these settings is ready on this machine: {why}"
        ))];
    }
    let mut found = vec![Finding::ok(
        "the instance with these settings runs and is ready",
    )];
    found.extend(of_proxies(settings));
    found
}

/// Whether requests came through proxies that are not trusted, by the metrics of the running instance.
fn of_proxies(settings: &Settings) -> Option<Finding> {
    let metrics = health::ask(settings, "/metrics").ok()?;
    let value = |name: &str| -> Option<u64> {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let untrusted = value("duet_http_untrusted_forwards_total ")?;
    Some(if untrusted > 0 {
        let requests = counted(untrusted, "request");
        Finding::warning(format!(
            "{requests} came through a proxy that server.trusted_proxies does not name, \
             so all its clients count as one address: the log says which"
        ))
    } else {
        Finding::ok("no request came through a proxy that is not trusted")
    })
}
