mod cluster;
mod faults;
mod instances;
mod leftovers;
mod login;
mod older_data;
mod sentinel;

use actors::{
    ports::Bus,
    testing::{
        Buses,
        bus_suite::{Collector, mark},
        eventually, key,
    },
};
use harness::servers::Redis;

use super::*;

async fn start(url: &str) -> Arc<dyn Bus> {
    start_with(url, &Registry::new()).await
}

async fn start_with(url: &str, registry: &Registry) -> Arc<dyn Bus> {
    let url = url.parse().unwrap();
    Arc::new(
        RedisBus::start(&url, None, registry, &Tasks::register(registry))
            .await
            .unwrap(),
    )
}

async fn open_alone(url: &RedisUrl, tls_ca: Option<&Path>) -> Result<RedisBus, OpenError> {
    let registry = Registry::new();
    RedisBus::start(url, tls_ca, &registry, &Tasks::register(&registry)).await
}

async fn start_over_tls(url: &str, tls_ca: &Path) -> Arc<dyn Bus> {
    let url = url.parse().unwrap();
    Arc::new(open_alone(&url, Some(tls_ca)).await.unwrap())
}

/// Waits until an instance hears this many, itself included.
async fn until_it_hears(instances: f64, registry: &Registry) {
    eventually("the instances hear each other", || async {
        let gathered = registry.gather();
        let mut series = gathered
            .iter()
            .filter(|series| series.name() == "duet_bus_instances");
        series.any(|series| series.get_metric()[0].get_gauge().get_value() == instances)
    })
    .await;
}

async fn open() -> Buses {
    let server = Redis::start().unwrap();
    let (here, there) = (start(&server.url()).await, start(&server.url()).await);
    Buses::new(here, there, server)
}

actors::bus_suite!(open);

/// Publishes until a notice arrives.
async fn until_delivered(here: &Arc<dyn Bus>, there: &Collector, chat: ChatKey) {
    there.clear();
    eventually("notices flow", || async {
        here.publish(chat, mark());
        there.about(chat).contains(&mark())
    })
    .await;
}

/// Waits until a bus knows which seats are open on other instances.
async fn until_open(bus: &Arc<dyn Bus>, chat: ChatKey, open: [bool; 2]) {
    eventually("the open seats are known", || async {
        let elsewhere = bus.open_elsewhere(chat).await;
        elsewhere.is_ok_and(|elsewhere| elsewhere == BySeat(open))
    })
    .await;
}

async fn until_missed(heard: &Collector, chats: &[ChatKey]) {
    eventually("it is told what it missed", || async {
        chats.iter().all(|chat| heard.missed(*chat))
    })
    .await;
}
