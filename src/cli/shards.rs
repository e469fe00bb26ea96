//! `duet shards`: the servers of a store of several.

use std::{
    io::{self, Write},
    sync::Arc,
};

use actix_rt::System;
use actors::ports::SystemClock;
use clap::Subcommand;
use prometheus::Registry;

use super::{Failure, print_line, require_made};
use crate::{
    config::{Settings, StoreUrl},
    store::{ChangeError, ShardStatus, ShardedStore},
    telemetry,
    words::counted,
};

/// Changes to the servers that share the chats.
#[derive(Debug, Subcommand)]
pub enum Change {
    /// Let this server take new chats. It must be in store.urls of all running instances.
    Add {
        /// Its name as `duet shards` shows it, like one:5432/duet.
        server: String,
    },
    /// Put no new chats on this server. Existing chats stay until they end, at most 30 days; it can
    /// be removed from store.urls after 61 days.
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
    settings.check_authorities_of_store()?;
    System::new().block_on(async {
        require_made(&settings.store.url, "shards").await?;
        let clock = Arc::new(SystemClock);
        let shards =
            ShardedStore::open(urls, &settings.store, clock, &Registry::new()).await?;
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
        let seconds = counted(in_force.map_err(failure)?.as_secs(), "second");
        match takes_new {
            true => print_line(format_args!("{server} takes new chats in {seconds}.")),
            false => print_line(format_args!(
                "{server} takes no new chats in {seconds}. `duet shards` says from when on it can be left out."
            )),
        }
    })
}

/// Some refusals are final; after other failures the command may be repeated.
fn failure(error: ChangeError) -> Failure {
    match error {
        ChangeError::Refused(sentence) => Failure::Refused(sentence),
        ChangeError::Failed(sentence) => Failure::Failed(sentence),
    }
}

fn line(standing: &ShardStatus) -> String {
    let Some(census) = standing.census else {
        return format!("{:30} is out of reach", standing.place);
    };
    // Instances without this server in their settings refuse to start.
    let until = standing.in_use_until.map(|until| until.to_string());
    let state = match (standing.takes_new, standing.in_use, until) {
        (true, ..) => "takes new chats".into(),
        (false, true, Some(until)) => format!(
            "takes no new chats; it can be left out of store.urls from {} (UTC) on",
            until.get(..16).unwrap_or(&until).replace('T', " ")
        ),
        (false, _, Some(_)) => "takes no new chats and can be left out of store.urls".into(),
        (false, ..) => "is in no map; `duet shards add` puts new chats there".into(),
    };
    format!(
        "{:30} {state} ({}, {} of ended ones)",
        standing.place,
        counted(census.chats, "chat"),
        counted(census.tombstones, "trace"),
    )
}
