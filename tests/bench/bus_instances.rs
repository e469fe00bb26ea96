//! Many instances' ends of the bus in one process, with nothing above them: what `loadtest beats` measures.
//!
//! `bus_instances REDIS_URL COUNT` says `ready` when all have started. To each line on its standard input it answers with the
//! smallest number of instances that one of them knows to live, itself included. An instance whose chats are to be compared
//! with the store says `compare NUMBER UNIX_MS`. It ends with its standard input.

use std::{
    error::Error,
    io::{BufRead, stdin},
    time::{SystemTime, UNIX_EPOCH},
};

use actors::{
    Tasks,
    domain::ChatKey,
    ports::{Bus, Inbox},
};
use duet::{bus::RedisBus, config::RedisUrl};
use prometheus::Registry;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Nothing is published here.
const INBOX_LEN: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    actix::System::new().block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bus_instances REDIS_URL COUNT".into());
    };
    let (url, count): (RedisUrl, usize) = (url.parse()?, count.parse()?);
    let mut instances = Vec::with_capacity(count);
    for number in 0..count {
        instances.push(start(&url, number).await?);
    }
    println!("ready");
    let (asked, mut questions) = mpsc::channel(1);
    std::thread::spawn(move || {
        let lines = stdin().lock().lines();
        for _ in lines.map_while(Result::ok) {
            if asked.blocking_send(()).is_err() {
                return;
            }
        }
    });
    while questions.recv().await.is_some() {
        let living = instances.iter().map(|bus| {
            let call = bus.membership();
            1 + call.map_or(0, |call| call.heard.len())
        });
        println!("{}", living.min().unwrap_or_default());
    }
    Ok(())
}

/// One instance, with a chat of its own in memory.
async fn start(url: &RedisUrl, number: usize) -> Result<RedisBus, Box<dyn Error>> {
    let registry = Registry::new();
    let bus = RedisBus::start(url, None, &registry, &Tasks::register(&registry)).await?;
    let inbox = Inbox::new(INBOX_LEN);
    bus.listen(inbox.clone());
    bus.subscribe(ChatKey::from_bytes(*Uuid::new_v4().as_bytes()))
        .await?;
    actix::spawn(async move {
        loop {
            inbox.next_missed().await;
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            println!("compare {number} {}", now.unwrap_or_default().as_millis());
        }
    });
    Ok(bus)
}
