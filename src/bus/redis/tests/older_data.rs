//! A Redis that returns with older data: it was killed and has loaded a snapshot, or a replica that had not heard of
//! everything took its place.

use actors::ports::BusState;
use harness::servers::{Proxy, SentinelSite};

use super::*;

const NOBODY: [bool; 2] = [false, false];

/// How many fields a chat's presence has at a server. Sentinels close all connections to one that they promote.
fn fields(server: &Redis, chat: ChatKey) -> String {
    let fields = server.command(&["HLEN", &names::open(chat)]);
    fields.unwrap_or_default().trim().to_owned()
}

#[actix::test]
async fn who_has_left_is_not_open_again_and_no_key_of_an_ended_chat_returns() {
    let mut server = Redis::start().unwrap();
    let (here, there) = (start(&server.url()).await, start(&server.url()).await);
    let (left, over) = (key(), key());
    for chat in [left, over] {
        here.set_open(chat, BySeat([true, false]));
        until_open(&there, chat, [true, false]).await;
    }
    // Keeps the presence of this chat from expiring.
    there.set_open(left, BySeat([false, true]));
    until_open(&here, left, [false, true]).await;
    server.dump().unwrap();
    here.set_open(left, BySeat(NOBODY));
    here.forget(over);
    for chat in [left, over] {
        until_open(&there, chat, NOBODY).await;
    }
    server.kill();
    server.resume().unwrap();
    assert_eq!([left, over].map(|chat| fields(&server, chat)), ["2", "1"]);
    eventually("the older presence is corrected", || async {
        [left, over].map(|chat| fields(&server, chat)) == ["1", "0"]
    })
    .await;
    until_open(&there, left, NOBODY).await;
    until_open(&here, left, [false, true]).await;
}

#[actix::test]
async fn who_has_left_is_not_open_at_a_replica_that_had_not_heard_of_it() {
    let mut site = SentinelSite::start().unwrap();
    let (here, there) = (start(&site.url()).await, start(&site.url()).await);
    let chat = key();
    here.set_open(chat, BySeat([true, false]));
    until_open(&there, chat, [true, false]).await;
    here.set_open(chat, BySeat(NOBODY));
    until_open(&there, chat, NOBODY).await;
    let own = here.membership().unwrap().own.to_string();
    let replica = &site.servers[1];
    eventually("the replica has heard of it", || async {
        fields(replica, chat) == "0"
    })
    .await;
    for command in [
        &["CONFIG", "SET", "replica-read-only", "no"][..],
        &["HSET", &names::open(chat), &own, "1"],
    ] {
        replica.command(command).unwrap();
    }
    assert_eq!(fields(replica, chat), "1");
    site.servers[0].kill();
    eventually("the older presence is corrected", || async {
        fields(&site.servers[1], chat) == "0"
    })
    .await;
    until_open(&there, chat, NOBODY).await;
}

/// Writing takes much longer than a lease lasts.
#[actix::test]
async fn an_instance_stays_alive_while_it_writes_the_presence_of_many_chats_again() {
    const CHATS: usize = 5_000;
    const DELAY: Duration = Duration::from_millis(50);
    let server = Redis::start().unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let here = start(&format!("redis://127.0.0.1:{}", proxy.port())).await;
    let own = here.membership().unwrap().own.to_string();
    let (list, lease) = ("duet:instances:{0}", format!("duet:lease:{{0}}:{own}"));
    for _ in 0..CHATS {
        here.set_open(key(), BySeat([true, false]));
    }
    let number = |command: &[&str]| -> usize {
        let told = server.command(command).unwrap();
        told.trim().parse().unwrap()
    };
    eventually("their presence is written", || async {
        number(&["DBSIZE"]) >= CHATS
    })
    .await;
    proxy.slow_down(DELAY);
    server.command(&["DEL", list]).unwrap();
    eventually("it is on the list again", || async {
        assert_eq!(number(&["EXISTS", &lease]), 1, "it counts as dead");
        number(&["HEXISTS", list, &own]) == 1
    })
    .await;
}

#[actix::test]
async fn presence_is_unknown_until_all_instances_have_corrected_it() {
    let mut server = Redis::start().unwrap();
    let proxy = Proxy::start(server.port()).await.unwrap();
    let here = start(&format!("redis://127.0.0.1:{}", proxy.port())).await;
    let there = start(&server.url()).await;
    let (heard, left, came) = (Collector::from(&there), key(), key());
    for chat in [left, came] {
        there.subscribe(chat).await.unwrap();
    }
    here.set_open(left, BySeat([true, false]));
    until_open(&there, left, [true, false]).await;
    server.dump().unwrap();
    here.set_open(left, BySeat(NOBODY));
    here.set_open(came, BySeat([true, false]));
    until_open(&there, left, NOBODY).await;
    until_open(&there, came, [true, false]).await;
    // One is back before the other.
    proxy.refuse(true);
    proxy.cut();
    server.kill();
    server.resume().unwrap();
    let own = here.membership().unwrap().own;
    let is_heard = || there.membership().unwrap().heard.contains(&own);
    let is_right = async |chat: ChatKey, open: [bool; 2]| {
        let was_heard = is_heard();
        let elsewhere = there.open_elsewhere(chat).await;
        let is_right = elsewhere.as_ref().is_ok_and(|found| *found == BySeat(open));
        // Who is at an instance that counts as dead is absent.
        let may_be_wrong = !was_heard || !is_heard();
        assert!(
            is_right || may_be_wrong || elsewhere.is_err(),
            "{elsewhere:?}"
        );
        is_right
    };
    let are_right = async || is_right(left, NOBODY).await & is_right(came, [true, false]).await;
    eventually("one is back", || async {
        are_right().await;
        there.state(left) != BusState::Away
    })
    .await;
    are_right().await;
    heard.clear();
    proxy.refuse(false);
    eventually("presence is known", || async { are_right().await }).await;
    until_missed(&heard, &[left, came]).await;
}
