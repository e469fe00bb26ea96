//! Behind PgBouncer.

use harness::servers::{PgBouncer, Postgres};

use super::at;
use crate::{start::refusing::refused, support::Chat};

#[tokio::test]
async fn a_pooler_in_session_mode_works() {
    let server = Postgres::start().unwrap();
    // What a pooler loses on the way must not count.
    server
        .run("ALTER ROLE postgres SET synchronous_commit = off")
        .unwrap();
    let pooler = PgBouncer::start("session", server.port()).unwrap();
    let mut duet = at(&pooler.url()).start().await;
    let chat = Chat::begin(&duet).await;
    for number in 0..20 {
        chat.one.say(&number.to_string()).await;
    }
    assert_eq!(chat.two.texts().await.len(), 20);
    chat.one.end().await.ok();
    assert_eq!(duet.terminate().await.code(), Some(0));
}

#[test]
fn a_pooler_that_shares_sessions_is_refused() {
    let server = Postgres::start().unwrap();
    for mode in ["transaction", "statement"] {
        let pooler = PgBouncer::start(mode, server.port()).unwrap();
        for command in ["serve", "migrate"] {
            let output = at(&pooler.url()).arg(command).run();
            refused(&output, &["pool_mode = session", "PgBouncer"]);
        }
    }
}
