//! Announces the start: on standard output for people, in the log for machines.

use std::io::{self, Write};

use tracing::{info, warn};

use super::App;
use crate::{
    config::{BusUrl, LogFormat, Role, Settings},
    http,
};

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit it was built from; empty in development builds.
pub const COMMIT: &str = env!("DUET_COMMIT");
/// Version and commit.
pub const LONG_VERSION: &str = env!("DUET_LONG_VERSION");

/// Logged first: the version and the settings.
pub(super) fn starting(settings: &Settings) {
    let server = &settings.server;
    let own = |bind: Option<_>| bind.unwrap_or(server.bind);
    info!(
        version = LONG_VERSION,
        bind = %server.bind,
        api_bind = %own(server.api_bind),
        ops_bind = %own(server.ops_bind),
        role = %server.role,
        store = %settings.store.url,
        bus = %settings.bus.url,
        "duet is starting"
    );
    for hint in &settings.hints {
        warn!("{hint}");
    }
}

/// Printed once the sockets are open, with the real ports.
pub(super) fn running(settings: &Settings, app: &App) {
    let url = http::base_url(settings, app.address);
    match settings.log.format {
        // Standard output may be closed.
        LogFormat::Text => drop(print(settings, app)),
        LogFormat::Json => info!(
            version = VERSION,
            %url,
            bind = %app.address,
            api_bind = %app.api_address,
            ops_bind = %app.ops_address,
            "duet is running"
        ),
    }
}

fn print(settings: &Settings, app: &App) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let url = http::base_url(settings, app.address);
    writeln!(out, "duet is running at {url}")?;
    if app.api_address != app.address {
        let scheme = http::scheme(settings);
        let address = app.api_address;
        writeln!(out, "The API is at {scheme}://{address}/chat-server/docs")?;
    }
    if app.ops_address != app.address {
        let address = app.ops_address;
        writeln!(out, "Health and metrics are at http://{address}/metrics")?;
    }
    if settings.server.role != Role::All {
        writeln!(out, "This instance is \"{}\" alone.", settings.server.role)?;
    }
    if let BusUrl::Redis(_) = settings.bus.url {
        let bus = &settings.bus.url;
        writeln!(out, "Instances hear of each other by the bus {bus}.")?;
    }
    let store = &settings.store.url;
    writeln!(out, "Press Ctrl-C to stop it. The chats stay in {store}.")?;
    out.flush()
}
