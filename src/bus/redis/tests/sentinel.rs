//! A master and a replica with real sentinels.

use actors::testing::bus_suite;
use futures_util::future::join;
use harness::servers::{Authority, SentinelSite};

use super::*;

#[test]
fn a_master_behind_sentinels_keeps_all_promises_of_a_bus() {
    let site = SentinelSite::start().unwrap();
    let open = async || {
        let url = site.url();
        Buses::new(start(&url).await, start(&url).await, ())
    };
    actors::bus_suite!(all at once: open);
}

#[test]
fn a_master_behind_sentinels_keeps_all_promises_of_a_bus_over_tls_and_a_failover_is_followed() {
    let authority = Authority::new().unwrap();
    let mut site = SentinelSite::start_with_tls(&authority).unwrap();
    let (url, ca) = (site.url(), authority.certificate());
    assert!(url.starts_with("rediss+sentinel://"), "{url}");
    let one = async || start_over_tls(&url, &ca).await;
    let open = async || Buses::new(one().await, one().await, ());
    actors::bus_suite!(all at once: open);
    bus_suite::run(async {
        let (here, _there, heard, chat) = listening(one().await, one().await).await;
        site.servers[0].kill();
        until_missed(&heard, &[chat]).await;
        until_delivered(&here, &heard, chat).await;
    });
}

/// Two instances, one of which listens to a chat.
async fn listening(
    here: Arc<dyn Bus>,
    there: Arc<dyn Bus>,
) -> (Arc<dyn Bus>, Arc<dyn Bus>, Collector, ChatKey) {
    let (heard, chat) = (Collector::from(&there), key());
    there.subscribe(chat).await.unwrap();
    until_delivered(&here, &heard, chat).await;
    heard.clear();
    (here, there, heard, chat)
}

#[actix::test]
async fn a_failover_is_followed() {
    let mut site = SentinelSite::start().unwrap();
    let (here, _there, heard, chat) =
        listening(start(&site.url()).await, start(&site.url()).await).await;
    site.servers[0].kill();
    until_missed(&heard, &[chat]).await;
    until_delivered(&here, &heard, chat).await;
}

#[actix::test]
async fn nobody_who_is_there_is_called_absent_while_a_replica_takes_over() {
    let mut site = SentinelSite::start().unwrap();
    let (here, there) = (start(&site.url()).await, start(&site.url()).await);
    let chat = key();
    here.set_open(chat, BySeat([true, false]));
    there.set_open(chat, BySeat([false, true]));
    until_open(&here, chat, [false, true]).await;
    until_open(&there, chat, [true, false]).await;
    eventually("the replica has it too", || async {
        let copied = site.servers[1].command(&["HLEN", &names::open(chat)]);
        copied.unwrap().trim() == "2"
    })
    .await;
    site.servers[0].kill();
    let is_known = async |bus: &Arc<dyn Bus>, open: [bool; 2]| match bus.open_elsewhere(chat).await
    {
        Ok(elsewhere) => {
            assert_eq!(elsewhere, BySeat(open));
            true
        }
        Err(_) => false,
    };
    join(
        eventually("it is known here", || is_known(&here, [false, true])),
        eventually("it is known there", || is_known(&there, [true, false])),
    )
    .await;
}

#[actix::test]
async fn a_replica_that_was_promoted_by_hand_is_found() {
    let site = SentinelSite::start().unwrap();
    let (here, _there, heard, chat) =
        listening(start(&site.url()).await, start(&site.url()).await).await;
    let [before, after] = &site.servers;
    after.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    let port = after.port().to_string();
    before.command(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    until_missed(&heard, &[chat]).await;
    until_delivered(&here, &heard, chat).await;
}

#[actix::test]
async fn a_master_name_that_the_sentinels_do_not_know_is_reported_at_the_start() {
    let site = SentinelSite::start().unwrap();
    let url = site.url().replace("/duet", "/other").parse().unwrap();
    let told = open_alone(&url, None).await.err().unwrap().0;
    assert!(
        told.contains("does not know a master of this name"),
        "{told}"
    );
}
