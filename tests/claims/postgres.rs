//! With a real PostgreSQL, whatever becomes of it.

mod alone;
mod away;
mod damage;
mod managed;
mod migrations;
mod pooler;
mod rights;
mod scarce;
mod shards;
mod start;
mod tls;

use harness::servers::Postgres;

use crate::support::Setup;

/// A server of duet's that keeps its chats there.
fn at(url: &str) -> Setup {
    Setup::new().set("store.url", url)
}

fn on(server: &Postgres) -> Setup {
    at(&server.url())
}
