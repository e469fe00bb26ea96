use std::sync::Arc;

use super::{Buses, collector::Collector};
use crate::{
    domain::{BySeat, ChatKey},
    ports::Bus,
    testing::{eventually, key},
};

const NOBODY: BySeat<bool> = BySeat([false, false]);
const ONE: BySeat<bool> = BySeat([true, false]);
const TWO: BySeat<bool> = BySeat([false, true]);
const BOTH: BySeat<bool> = BySeat([true, true]);

/// Starts both instances, as far as a bus needs it.
async fn subscribed(buses: &Buses) -> ChatKey {
    let chat = key();
    for bus in [&buses.here, &buses.there] {
        let _ = Collector::from(bus);
        bus.subscribe(chat).await.unwrap();
    }
    chat
}

async fn until_elsewhere(bus: &Arc<dyn Bus>, chat: ChatKey, open: BySeat<bool>) {
    eventually(&format!("elsewhere is {open:?}"), || async {
        bus.open_elsewhere(chat)
            .await
            .is_ok_and(|elsewhere| elsewhere == open)
    })
    .await;
}

pub async fn an_open_stream_is_known_elsewhere_and_not_at_home(buses: Buses) {
    let (chat, other) = (subscribed(&buses).await, key());
    assert_eq!(buses.here.open_elsewhere(chat).await.unwrap(), NOBODY);
    buses.here.set_open(chat, ONE);
    until_elsewhere(&buses.there, chat, ONE).await;
    assert_eq!(buses.here.open_elsewhere(chat).await.unwrap(), NOBODY);
    assert_eq!(buses.there.open_elsewhere(other).await.unwrap(), NOBODY);
}

pub async fn presence_follows_every_change(buses: Buses) {
    let chat = subscribed(&buses).await;
    for open in [ONE, BOTH, TWO, NOBODY, TWO, NOBODY, BOTH, ONE, NOBODY] {
        buses.here.set_open(chat, open);
        until_elsewhere(&buses.there, chat, open).await;
    }
}

pub async fn both_instances_can_have_the_same_seat_open(buses: Buses) {
    let chat = subscribed(&buses).await;
    buses.here.set_open(chat, ONE);
    buses.there.set_open(chat, BOTH);
    until_elsewhere(&buses.here, chat, BOTH).await;
    until_elsewhere(&buses.there, chat, ONE).await;
    buses.there.set_open(chat, NOBODY);
    until_elsewhere(&buses.here, chat, NOBODY).await;
    assert_eq!(buses.there.open_elsewhere(chat).await.unwrap(), ONE);
}

pub async fn presence_needs_no_subscription(buses: Buses) {
    let chat = key();
    buses.here.set_open(chat, TWO);
    until_elsewhere(&buses.there, chat, TWO).await;
    buses.here.unsubscribe(chat);
    until_elsewhere(&buses.there, chat, TWO).await;
}

pub async fn a_chat_that_is_over_has_no_open_seats(buses: Buses) {
    let (chat, other) = (subscribed(&buses).await, key());
    for bus in [&buses.here, &buses.there] {
        bus.set_open(chat, ONE);
        bus.set_open(other, BOTH);
    }
    for bus in [&buses.here, &buses.there] {
        until_elsewhere(bus, chat, ONE).await;
        until_elsewhere(bus, other, BOTH).await;
    }
    buses.there.forget(chat);
    until_elsewhere(&buses.here, chat, NOBODY).await;
    until_elsewhere(&buses.there, chat, NOBODY).await;
    assert_eq!(buses.here.open_elsewhere(other).await.unwrap(), BOTH);
}

pub async fn an_instance_that_leaves_has_no_open_seats(buses: Buses) {
    let chat = subscribed(&buses).await;
    buses.here.set_open(chat, TWO);
    until_elsewhere(&buses.there, chat, TWO).await;
    buses.here.leave().await;
    until_elsewhere(&buses.there, chat, NOBODY).await;
}

pub async fn a_bus_that_works_says_so(buses: Buses) {
    for bus in [&buses.here, &buses.there] {
        let _ = Collector::from(bus);
        bus.ping().await.unwrap();
    }
}
