//! What comes from Redis: one connection of its own, subscribed to the chats in memory.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use actors::{domain::ChatKey, ports::BusEvent};
use futures_util::StreamExt;
use rand::RngExt;
use redis::{
    Msg, RedisError, RedisResult,
    aio::{PubSubSink, PubSubStream},
};
use tracing::{info, warn};

use super::{
    BEAT_INTERVAL, COMMON_CHANNEL, DEADLINE, Outgoing, SILENCE_MAX, Shared, channel,
    commands::{GONE, LOST},
    key_of,
    wire::{self, Arrived},
};

/// Channels subscribed to in one command.
const CHUNK_LEN: usize = 500;
/// How long to wait before connecting again, in milliseconds; spread, so that instances do not
/// come back all at once.
const RECONNECT_MS: std::ops::Range<u64> = 50..250;

/// Stays subscribed for ever.
pub(super) async fn run(shared: Weak<Shared>) {
    let mut first = true;
    loop {
        let Some(strong) = shared.upgrade() else {
            return;
        };
        let ended = match connect(&strong).await {
            Ok((sink, stream)) => {
                if !first {
                    info!(
                        "subscribed to Redis again; the chats in memory are compared with the store"
                    );
                    restore(&strong);
                }
                first = false;
                let listener = Listener::new(&strong);
                drop(strong);
                listen(&shared, listener, sink, stream).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => return,
            Err(error) => warn!(%error, "the subscription to Redis is lost"),
        }
        if let Some(strong) = shared.upgrade() {
            strong.subscriptions().confirmed.clear();
        }
        let wait = Duration::from_millis(rand::rng().random_range(RECONNECT_MS));
        tokio::time::sleep(wait).await;
    }
}

/// Connects and subscribes to everything that is wanted, before anything is asked of the store.
async fn connect(shared: &Shared) -> RedisResult<(PubSubSink, PubSubStream)> {
    let connect = async {
        let (mut sink, stream) = shared.client.get_async_pubsub().await?.split();
        sink.subscribe(COMMON_CHANNEL).await?;
        Ok::<_, RedisError>((sink, stream))
    };
    let (mut sink, stream) = timely(connect).await?;
    change(shared, &mut sink).await?;
    Ok((sink, stream))
}

async fn timely<T>(work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    tokio::time::timeout(DEADLINE, work).await.map_err(late)?
}

/// Notices may have been lost while the socket was away, and Redis may have lost its memory.
fn restore(shared: &Shared) {
    let open: Vec<_> = shared
        .open()
        .iter()
        .map(|(key, open)| (*key, *open))
        .collect();
    for (key, open) in open {
        shared.queue(Outgoing::Open { key, open });
    }
    let wanted = shared.subscriptions().wanted.iter().copied().collect();
    shared.deliver(BusEvent::Missed(Some(wanted)));
}

/// Makes the subscriptions what is wanted, in batches, and tells those who wait.
async fn change(shared: &Shared, sink: &mut PubSubSink) -> RedisResult<()> {
    let (new, old): (Vec<ChatKey>, Vec<ChatKey>) = {
        let subscriptions = shared.subscriptions();
        let missing =
            |a: &HashSet<ChatKey>, b: &HashSet<ChatKey>| a.difference(b).copied().collect();
        (
            missing(&subscriptions.wanted, &subscriptions.confirmed),
            missing(&subscriptions.confirmed, &subscriptions.wanted),
        )
    };
    for chunk in new.chunks(CHUNK_LEN) {
        let channels: Vec<String> = chunk.iter().map(|key| channel(*key)).collect();
        timely(sink.subscribe(channels)).await?;
        let mut subscriptions = shared.subscriptions();
        for key in chunk {
            subscriptions.confirmed.insert(*key);
            for waiting in subscriptions.waiting.remove(key).unwrap_or_default() {
                // Whoever has given up waiting reads from the store.
                let _ = waiting.send(());
            }
        }
    }
    for chunk in old.chunks(CHUNK_LEN) {
        let channels: Vec<String> = chunk.iter().map(|key| channel(*key)).collect();
        timely(sink.unsubscribe(channels)).await?;
        let mut subscriptions = shared.subscriptions();
        for key in chunk {
            subscriptions.confirmed.remove(key);
        }
    }
    Ok(())
}

/// Takes what comes until the socket is lost or deaf, or nobody needs the bus any more.
async fn listen(
    shared: &Weak<Shared>,
    mut listener: Listener,
    mut sink: PubSubSink,
    mut stream: PubSubStream,
) -> RedisResult<()> {
    let mut check = tokio::time::interval(BEAT_INTERVAL);
    let broken = || RedisError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    loop {
        let Some(strong) = shared.upgrade() else {
            return Ok(());
        };
        tokio::select! {
            message = stream.next() => listener.take(&strong, &message.ok_or_else(broken)?),
            () = strong.changed.notified() => change(&strong, &mut sink).await?,
            _ = check.tick() => listener.check(&strong)?,
        }
    }
}

/// Who was heard when.
struct Listener {
    own: String,
    /// When this instance last heard itself: whether the socket is deaf.
    heard_itself: Instant,
    peers: HashMap<String, Instant>,
}

impl Listener {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            own: shared.boot.to_string(),
            heard_itself: Instant::now(),
            peers: HashMap::new(),
        }
    }

    fn take(&mut self, shared: &Shared, message: &Msg) {
        let channel = message.get_channel_name();
        let Some(key) = key_of(channel) else {
            return self.hear(shared, message.get_payload_bytes());
        };
        match wire::read(message.get_payload_bytes(), shared.boot) {
            Arrived::Notice(notice) => shared.deliver(BusEvent::Notice(key, notice)),
            Arrived::Unknown => shared.deliver(BusEvent::Missed(Some(vec![key]))),
            Arrived::Nothing => {}
        }
    }

    /// A beat: `<boot> beat`, `<boot> lost` when notices of that instance were lost, or
    /// `<boot> gone` as its last word.
    fn hear(&mut self, shared: &Shared, beat: &[u8]) {
        let beat = String::from_utf8_lossy(beat);
        let (boot, word) = beat.split_once(' ').unwrap_or_default();
        if boot == self.own {
            self.heard_itself = Instant::now();
            return;
        }
        match word {
            GONE => drop(self.peers.remove(boot)),
            _ => drop(self.peers.insert(boot.to_owned(), Instant::now())),
        }
        // Where an instance has gone, who was there has to be asked for again.
        if matches!(word, LOST | GONE) {
            shared.deliver(BusEvent::Missed(None));
        }
    }

    /// A silent peer may have died between a commit and its notice.
    fn check(&mut self, shared: &Shared) -> RedisResult<()> {
        if self.heard_itself.elapsed() > SILENCE_MAX {
            return Err(std::io::Error::other("the socket is deaf").into());
        }
        let before = self.peers.len();
        self.peers.retain(|_, heard| heard.elapsed() <= SILENCE_MAX);
        if self.peers.len() < before {
            info!("another instance is gone; the chats in memory are compared with the store");
            shared.deliver(BusEvent::Missed(None));
        }
        Ok(())
    }
}
