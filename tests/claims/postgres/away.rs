//! A database that goes away and comes back: nothing acknowledged is lost, nothing is doubled.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use harness::{
    checker::{Ledger, View},
    client::{Client, Session, send_until_settled},
    servers::Postgres,
};
use tokio::{io::AsyncWriteExt, task::JoinSet};
use uuid::Uuid;

use super::{at, on};
use crate::{
    encryption::Encrypted,
    support::{Browser, Chat, POST, Server, eventually, raw},
};

const PATIENCE: Duration = Duration::from_secs(120);
const SENDERS: usize = 8;

/// Two people who send without a pause, each message until it is acknowledged.
struct Traffic {
    clients: Arc<[Client]>,
    session: Arc<Session>,
    ledger: Arc<Ledger>,
    acknowledged: Arc<AtomicUsize>,
    enough: Arc<AtomicBool>,
    senders: JoinSet<()>,
}

impl Traffic {
    async fn start(duet: &Server) -> Self {
        let url = format!("http://{}", duet.address);
        let client = Client::with_connections(&url, SENDERS).await.unwrap();
        let clients: Arc<[Client]> = Arc::new([client]);
        let hash = clients[0]
            .register("Abhi", "Anny", None)
            .await
            .unwrap()
            .hash;
        let session = Arc::new(clients[0].login(&hash, "Abhi", None).await.unwrap());
        let mut traffic = Self {
            clients,
            session,
            ledger: Arc::new(Ledger::requiring(1, &[View::History])),
            acknowledged: Arc::default(),
            enough: Arc::default(),
            senders: JoinSet::new(),
        };
        for _ in 0..SENDERS {
            traffic.add_sender();
        }
        traffic.goes_on().await;
        traffic
    }

    fn add_sender(&mut self) {
        let (clients, session) = (self.clients.clone(), self.session.clone());
        let (ledger, count) = (self.ledger.clone(), self.acknowledged.clone());
        let enough = self.enough.clone();
        self.senders.spawn(async move {
            while !enough.load(Ordering::Relaxed) {
                let id = Uuid::new_v4();
                let text = id.to_string();
                let message = (id, text.as_str());
                let sent = send_until_settled(&clients, 0, &session, message, PATIENCE, |_| {});
                let sent = sent.await.unwrap();
                ledger.acknowledged(0, sent.seq, id, &text);
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    /// Waits until more is acknowledged than was.
    async fn goes_on(&self) {
        let before = self.acknowledged.load(Ordering::Relaxed);
        eventually("messages flow", async || {
            let now = self.acknowledged.load(Ordering::Relaxed);
            (now >= before + 2 * SENDERS).then_some(())
        })
        .await;
    }

    /// Everything acknowledged is there once, and nothing else.
    async fn settles(mut self) {
        self.enough.store(true, Ordering::Relaxed);
        while let Some(sender) = self.senders.join_next().await {
            sender.unwrap();
        }
        let history = self.clients[0].whole_history(&self.session).await.unwrap();
        assert_eq!(history.len(), self.acknowledged.load(Ordering::Relaxed));
        for message in history {
            self.ledger
                .remembered(0, message.seq, message.id, &message.text);
        }
        let verdict = self.ledger.verdict();
        assert!(verdict.is_clean(), "{verdict}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_killed_and_started_again_loses_and_doubles_nothing() {
    let mut server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    let traffic = Traffic::start(&duet).await;
    for _ in 0..3 {
        server.kill();
        server.resume().unwrap();
        traffic.goes_on().await;
    }
    traffic.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_ended_at_once_loses_and_doubles_nothing() {
    let server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    let traffic = Traffic::start(&duet).await;
    // Until one of them was in the middle of a call, which takes no time to speak of.
    let mut rounds = 0;
    while rounds < 5 || (rounds < 200 && duet.metric("duet_store_retries_total").await == 0.0) {
        rounds += 1;
        let end = "SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity
                   WHERE application_name = 'duet'";
        assert_eq!(server.run(end).unwrap(), "t");
        traffic.goes_on().await;
    }
    assert!(duet.metric("duet_store_retries_total").await > 0.0);
    traffic.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_is_found_and_has_everything() {
    promoted_standby_is_found(12).await;
}

/// The one connection for writing waits for a server that will not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_is_found_by_reading_while_every_write_hangs() {
    promoted_standby_is_found(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_is_found_while_every_connection_hangs() {
    promoted_standby_is_found(1).await;
}

async fn promoted_standby_is_found(pool_size: u32) {
    let mut primary = Postgres::start().unwrap();
    let standby = primary.standby().unwrap();
    let wait_for_it = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    primary.run(wait_for_it).unwrap();
    primary.run("SELECT pg_reload_conf()").unwrap();
    eventually("the standby is waited for", async || {
        let state = primary.run("SELECT sync_state FROM pg_stat_replication");
        (state.unwrap() == "sync").then_some(())
    })
    .await;
    let both = format!(
        "postgres://postgres@{},{}/postgres",
        primary.address(),
        standby.address()
    );
    let setup = at(&both).set("store.pool_size", pool_size);
    let duet = setup.start().await;
    let traffic = Traffic::start(&duet).await;
    // It hangs before it dies: its connections stay open, and say nothing.
    primary.process().unwrap().pause();
    standby.run("SELECT pg_promote()").unwrap();
    standby
        .run("ALTER SYSTEM RESET synchronous_standby_names")
        .unwrap();
    standby.run("SELECT pg_reload_conf()").unwrap();
    traffic.goes_on().await;
    primary.kill();
    traffic.goes_on().await;
    traffic.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_reads_for_a_while_is_waited_for() {
    let server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    let traffic = Traffic::start(&duet).await;
    for _ in 0..2 {
        let failed = duet.metric("duet_store_connections_failed_total").await;
        server
            .run("ALTER SYSTEM SET default_transaction_read_only = on")
            .unwrap();
        server.run("SELECT pg_reload_conf()").unwrap();
        eventually("no connection is to be had", async || {
            (duet.metric("duet_store_connections_failed_total").await > failed).then_some(())
        })
        .await;
        server
            .run("ALTER SYSTEM RESET default_transaction_read_only")
            .unwrap();
        server.run("SELECT pg_reload_conf()").unwrap();
        traffic.goes_on().await;
    }
    traffic.settles().await;
}

#[tokio::test]
async fn while_the_database_is_away_sends_are_503_with_a_time_to_come_back() {
    let mut server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    let chat = Chat::begin(&duet).await;
    chat.one.say("Before").await;
    server.kill();
    let id = Uuid::new_v4();
    let refused = chat.one.say_as(id, "Meanwhile").await;
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    refused.fails_as(503, "unavailable");
    // Each is told what to do about what it asked for.
    for (action, words) in [
        ("endchat", "End it again"),
        ("logout", "session may be open"),
    ] {
        let call = chat
            .one
            .api
            .call(POST, &format!("/chat-server/user/{action}"));
        let refused = call.send().await.fails_as(503, "unavailable");
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
    }
    assert!(
        duet.log().contains("an end was not carried out"),
        "{}",
        duet.log()
    );
    assert_eq!(duet.ops().get("/health/ready").await.status, 503);
    server.resume().unwrap();
    eventually("messages flow again", async || {
        (chat.one.say_as(id, "Meanwhile").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(chat.two.texts().await, ["Before", "Meanwhile"]);
}

#[tokio::test]
async fn a_locked_table_makes_an_instance_not_ready() {
    let server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    let mut holder = server.connect().await.unwrap();
    for table in ["messages", "chats", "probe"] {
        let hold = holder.transaction().await.unwrap();
        let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        hold.batch_execute(&lock).await.unwrap();
        let becomes = async |status: u16| {
            eventually(&format!("it answers {status}"), async || {
                let ready = duet.ops().get("/health/ready").await;
                (ready.status == status).then_some(())
            })
            .await;
        };
        becomes(503).await;
        hold.rollback().await.unwrap();
        becomes(200).await;
    }
}

/// Anybody can ask about links that they make up, or whether an instance is ready, and leave.
#[tokio::test]
async fn clients_that_leave_cost_no_connections_to_the_database() {
    const POOL_SIZE: f64 = 4.0;
    let server = Postgres::start().unwrap();
    let duet = on(&server).set("store.pool_size", POOL_SIZE).start().await;
    let mut holder = server.connect().await.unwrap();
    let watcher = server.connect().await.unwrap();
    for (path, query) in [
        ("/demo/chat/user/made-up", "%buried%"),
        ("/demo/chat/user/made-up/1", "%buried%"),
        ("/health/ready", "LOCK TABLE %"),
    ]
    .repeat(7)
    {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let waiting = "SELECT FROM pg_stat_activity
                       WHERE wait_event_type = 'Lock' AND query LIKE $1";
        let hold = holder.transaction().await.unwrap();
        hold.batch_execute("LOCK TABLE chats IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let asking = eventually("the database is asked", async || {
            let mut socket = raw::connect(duet.address).await;
            socket.write_all(ask.as_bytes()).await.unwrap();
            let found = watcher.query(waiting, &[&query]).await.unwrap();
            (!found.is_empty()).then_some(socket)
        });
        drop(asking.await);
        hold.rollback().await.unwrap();
    }
    let opened = duet.metric("duet_store_connections_opened_total").await;
    assert!(opened <= POOL_SIZE, "{opened}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_no_connection_to_spare_is_waited_for() {
    let server = Postgres::start().unwrap();
    server.run("CREATE ROLE duet LOGIN").unwrap();
    server.run("GRANT ALL ON SCHEMA public TO duet").unwrap();
    let url = server.url().replace("postgres@", "duet@");
    let duet = at(&url).start().await;
    let traffic = Traffic::start(&duet).await;
    // PostgreSQL says of this limit what it says of the server's own: 53300.
    server.run("ALTER ROLE duet CONNECTION LIMIT 0").unwrap();
    server
        .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'duet'")
        .unwrap();
    eventually("no connection is to be had", async || {
        (duet.ops().get("/health/ready").await.status == 503).then_some(())
    })
    .await;
    server.run("ALTER ROLE duet CONNECTION LIMIT -1").unwrap();
    traffic.goes_on().await;
    traffic.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_in_page_of_an_encrypted_chat_stays_that_while_the_database_is_away() {
    let mut server = Postgres::start().unwrap();
    let duet = on(&server).start().await;
    let chat = Encrypted::begin(&duet.api()).await;
    server.kill();
    let form = [("user", "Abhi"), ("auth", &chat.keys.auth())];
    for action in ["login", "login/ask"] {
        let path = format!("/demo/chat/user/{}/{action}", chat.hash);
        let page = Browser::new(&duet).submit(&path, &form).await;
        assert_eq!(page.status, 503, "{page:?}");
        // A plain one would warn whoever has the key that the server lies.
        let place = format!("data-encrypted=\"{}\"", chat.hash);
        assert!(page.text().contains(&place), "{page:?}");
    }
}
