//! `duet shards`: the servers of a store of several.

use std::{
    io::{self, Write},
    sync::Arc,
};

use actix_rt::System;
use actors::ports::SystemClock;
use clap::Subcommand;

use super::{Failure, say};
use crate::{
    config::{Settings, StoreUrl},
    store::{Shards, Standing},
    telemetry,
};

/// How the servers that share the chats are changed.
#[derive(Debug, Subcommand)]
pub enum Change {
    /// Put new chats on this server too. It must be in the store.urls of all running instances.
    Add {
        /// Its name as `duet shards` shows it, like one:5432/duet.
        server: String,
    },
    /// Put no new chats on this server any more. Those it has stay until they end, 30 days at most.
    Drain {
        /// Its name as `duet shards` shows it, like one:5432/duet.
        server: String,
    },
}

/// Shows the servers, or changes which take new chats.
pub(super) fn run(settings: &Settings, change: Option<Change>) -> Result<(), Failure> {
    let StoreUrl::Shards(urls) = &settings.store.url else {
        return Err(Failure::Refused(
            "duet shards is for a store of several PostgreSQL servers: set store.urls to a list of \
             their URLs, in place of store.url."
                .into(),
        ));
    };
    telemetry::start_log(&settings.log);
    System::new().block_on(async {
        let clock = Arc::new(SystemClock::default());
        let shards = Shards::open(urls, &settings.store, clock).await?;
        let (server, takes_new) = match change {
            None => {
                for standing in shards.standing().await {
                    writeln!(io::stdout(), "{}", line(&standing))?;
                }
                return Ok(());
            }
            Some(Change::Add { server }) => (server, true),
            Some(Change::Drain { server }) => (server, false),
        };
        let in_force = shards.change(&server, takes_new).await;
        let seconds = in_force.map_err(Failure::Refused)?.as_secs();
        match takes_new {
            true => say(format_args!("{server} takes new chats in {seconds} seconds.")),
            false => say(format_args!(
                "{server} takes no new chats in {seconds} seconds. `duet shards` says when it is empty."
            )),
        }
    })
}

fn line(standing: &Standing) -> String {
    let state = match (standing.census, standing.takes_new, standing.in_use) {
        (None, ..) => "is out of reach",
        (_, true, _) => "takes new chats",
        (Some(census), false, _) if census.is_empty() => {
            "takes no new chats and is empty: it can be left out of store.urls"
        }
        (_, false, true) => "takes no new chats",
        (_, false, false) => "is in no map; `duet shards add` puts new chats there",
    };
    let Some(census) = standing.census else {
        return format!("{:30} {state}", standing.place);
    };
    format!(
        "{:30} {state} ({} chats, {} traces of ended ones)",
        standing.place, census.chats, census.tombstones
    )
}
