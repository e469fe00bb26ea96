//! Connects to everything that the settings name, and says what it found.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use actors::{Tasks, ports::Bus};

use super::health;
use crate::{
    bus::RedisBus,
    config::{BusUrl, Settings},
    store::examine::{Finding, Level, examine, living},
    telemetry,
    words::counted,
};

/// How long the other instances are listened for, and longer where the database says that there are more:
/// one that has stopped counts there for ten seconds.
const LISTEN: Duration = Duration::from_secs(2);
const LISTEN_MAX: Duration = Duration::from_secs(12);

/// All findings as text, a line each, and whether duet would work.
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
            // A string takes everything.
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
    found.push(Finding::fine(
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
        return vec![Finding::fine("local: one process serves alone")];
    };
    let registry = telemetry::registry();
    let tasks = Tasks::register(&registry);
    let tls_ca = settings.bus.tls_ca.as_deref();
    let bus = match RedisBus::start(url, tls_ca, &registry, &tasks).await {
        Ok(bus) => bus,
        Err(error) => return vec![Finding::fault(error.to_string())],
    };
    let mut found = bus.examine().await;
    tokio::time::sleep(LISTEN).await;
    let (living, heard) = instances(settings, &bus).await;
    found.push(match living {
        Some(living) if living > heard => Finding::warning(format!(
            "instances that use this database: {living}; heard of them through Redis: {heard}. Do all have \
             this bus.url?"
        )),
        _ => Finding::fine(format!("other instances heard through Redis: {heard}")),
    });
    bus.leave().await;
    found
}

/// How many instances use the database, where it can say so, and how many are heard.
async fn instances(settings: &Settings, bus: &RedisBus) -> (Option<usize>, usize) {
    let began = Instant::now();
    loop {
        let heard = bus.membership().map_or(0, |call| call.heard.len());
        let living = living(&settings.store).await;
        if living.is_none_or(|living| living <= heard) || began.elapsed() >= LISTEN_MAX {
            return (living, heard);
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
    let mut found = vec![Finding::fine(
        "the instance with these settings runs and is ready",
    )];
    found.extend(of_proxies(settings));
    found
}

/// Whether the proxies that requests come through are those that are trusted, as far as the instance
/// has seen any.
fn of_proxies(settings: &Settings) -> Option<Finding> {
    let metrics = health::ask(settings, "/metrics").ok()?;
    let value = |name: &str| -> Option<u64> {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let by_strangers = value("duet_http_untrusted_forwards_total ")?;
    Some(if by_strangers > 0 {
        let requests = counted(by_strangers, "request");
        Finding::warning(format!(
            "{requests} came through a proxy that server.trusted_proxies does not name, \
             so all its clients count as one address: the log says which"
        ))
    } else {
        Finding::fine("no request came through a proxy that is not trusted")
    })
}
