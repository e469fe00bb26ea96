//! Connects to everything that the settings name, and says what it found.

use std::{fmt::Write as _, time::Duration};

use actors::Tasks;

use super::health;
use crate::{
    bus,
    config::{BusUrl, Settings},
    store::examine::{Finding, Level, examine, latency, milliseconds},
    telemetry,
};

/// How long the beats of the other instances are listened for.
const LISTEN: Duration = Duration::from_secs(2);

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
    add("store", examine(&settings.store).await);
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
    let bus = match bus::open(&settings.bus, &registry, &tasks).await {
        Ok(bus) => bus,
        Err(error) => return vec![Finding::fault(error.to_string())],
    };
    let mut found = Vec::new();
    match latency(async || bus.ping().await).await {
        Ok(time) => {
            let time = milliseconds(time);
            found.push(Finding::fine(format!("{url} answers in {time}")));
        }
        Err(error) => found.push(Finding::fault(format!("{url} does not answer: {error}"))),
    }
    tokio::time::sleep(LISTEN).await;
    let gathered = registry.gather();
    let heard = gathered
        .iter()
        .find(|family| family.name() == "duet_bus_instances");
    let heard = heard.and_then(|family| family.get_metric().first());
    if let Some(heard) = heard {
        // This one hears itself.
        let heard = heard.get_gauge().get_value() - 1.0;
        found.push(Finding::fine(format!("{heard} other instances are heard")));
    }
    bus.leave().await;
    found
}

fn of_instance(settings: &Settings) -> Vec<Finding> {
    vec![match health::ask(settings, "/health/ready") {
        Ok(()) => Finding::fine("the instance with these settings runs and is ready"),
        Err(why) => Finding::warning(format!(
            "no instance with these settings is ready on this machine: {why}"
        )),
    }]
}
