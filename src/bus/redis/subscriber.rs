//! Receives from a shard, over a connection of its own that is subscribed to the chats in memory.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use actors::domain::ChatKey;
use rand::RngExt;
use redis::{
    Pipeline, PushInfo, PushKind, RedisError, RedisResult, ServerErrorKind, Value,
    aio::{AsyncPushSender, SendError},
};
use tokio::sync::Notify;
use tracing::{debug, info, warn};

use super::{
    heard_beats::ProbeResult,
    heartbeat::{BEAT_INTERVAL, GONE, LOST},
    names,
    server::{self, Connection},
    shard::Shard,
    watch::DIED,
    wire::{self, Arrived},
};

/// Chats subscribed to in one pipeline.
const CHUNK_LEN: usize = 500;
/// The pause before connecting again, in milliseconds; random, so that instances do not reconnect all at once.
const RECONNECT_MS: std::ops::Range<u64> = 20..150;

/// Stays subscribed for ever.
pub(super) async fn subscribe(weak: Weak<Shard>) {
    let mut away = false;
    loop {
        let Some(shard) = weak.upgrade() else { return };
        let ended = match connect(&shard).await {
            Ok(subscription) => {
                if std::mem::take(&mut away) {
                    info!(server = %shard.address(), "subscribed to Redis again");
                }
                drop(shard);
                listen(&weak, &subscription).await
            }
            Err(error) => Err(error),
        };
        let (Err(error), Some(shard)) = (ended, weak.upgrade()) else {
            return;
        };
        if !std::mem::replace(&mut away, true) {
            let error = server::plain(&error);
            warn!(server = %shard.address(), error, "the subscription to Redis is lost");
            shard.metrics.reconnects.inc();
        }
        shard.set_away(&error);
        shard.doubt_layout();
        drop(shard);
        let wait = rand::rng().random_range(RECONNECT_MS);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// A connection with subscriptions.
struct Subscription {
    connection: Connection,
    /// Notified when the connection has ended.
    ended: Arc<Notify>,
}

/// Connects and subscribes to all wanted chats. Those that were subscribed before are reported as missed.
async fn connect(shard: &Arc<Shard>) -> RedisResult<Subscription> {
    let Some(shared) = shard.shared.upgrade() else {
        return Err(broken("the bus has ended"));
    };
    let ended = Arc::new(Notify::new());
    let pushes = PushHandler {
        shard: Arc::downgrade(shard),
        ended: ended.clone(),
    };
    let connection = shared
        .servers
        .connect(shard.address(), Some(Arc::new(pushes)))
        .await?;
    shard.chats.lock().start_over();
    shard.heard_beats.lock().start_over();
    shard.members.lock().start_grace();
    let subscription = Subscription { connection, ended };
    let mut beats = Pipeline::new();
    // A write, because it fails on a replica, which would accept all subscriptions and deliver nothing.
    beats.cmd("UNLINK").arg(shard.tag.lease("probe"));
    let (own, common) = (shard.tag.beats(&shard.own_name), shard.tag.instances());
    for channel in [own, common] {
        beats.cmd("SSUBSCRIBE").arg(channel);
    }
    server::read::<()>(subscription.connection.run(&beats).await?)?;
    change(shard, &subscription).await?;
    Ok(subscription)
}

fn broken(why: &'static str) -> RedisError {
    std::io::Error::other(why).into()
}

/// Listens until the connection is lost or deaf, or the shard is dropped.
async fn listen(weak: &Weak<Shard>, subscription: &Subscription) -> RedisResult<()> {
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let Some(shard) = weak.upgrade() else {
            return Ok(());
        };
        tokio::select! {
            () = subscription.ended.notified() => return Err(broken("the server closed the connection")),
            () = shard.reconnect.notified() => return Err(broken("it leads to a replica")),
            () = shard.subscriptions_changed.notified() => {}
            _ = interval.tick() => probe(&shard)?,
        }
        change(&shard, subscription).await?;
    }
}

fn probe(shard: &Shard) -> RedisResult<()> {
    let (result, age) = {
        let mut beats = shard.heard_beats.lock();
        (beats.probe(), beats.age())
    };
    let (gone, alive) = {
        let mut members = shard.members.lock();
        let gone = result == ProbeResult::Hears && members.count_beat();
        (gone, 1 + members.alive().count())
    };
    shard.metrics.set_beats(shard.address(), age, alive);
    if result == ProbeResult::Deaf {
        return Err(broken("it is open and brings nothing"));
    }
    if gone {
        shard.peer_died();
    }
    if shard.set_peers_lost(false) {
        shard.report_all_missed();
    }
    Ok(())
}

/// Subscribes and unsubscribes in batches until the wanted subscriptions are made, and notifies those who wait. A chat that
/// nobody waits for was subscribed before, elsewhere or over another connection, and is reported as missed.
async fn change(shard: &Shard, subscription: &Subscription) -> RedisResult<()> {
    let (new, old) = shard.chats.lock().changes();
    for keys in new.chunks(CHUNK_LEN) {
        let answers = subscription.run("SSUBSCRIBE", keys).await?;
        let mut missed = Vec::new();
        for (key, answer) in keys.iter().zip(answers) {
            match answer.extract_error() {
                Ok(Value::Push {
                    kind: PushKind::SSubscribe,
                    ..
                }) => {
                    if !shard.chats.lock().confirm(*key) {
                        missed.push(*key);
                    }
                }
                // Another shard serves it; this one is retried until the new layout is known.
                Err(error) if error.kind() == ServerErrorKind::Moved.into() => {
                    shard.chats.lock().lose(*key);
                    shard.doubt_layout();
                }
                Err(error) => return Err(error),
                Ok(_) => return Err(broken("its answers are out of step")),
            }
        }
        shard.report_missed(missed);
    }
    for keys in old.chunks(CHUNK_LEN) {
        for answer in subscription.run("SUNSUBSCRIBE", keys).await? {
            // Fails for a channel that has moved: the server has ended that subscription itself.
            if let Err(error) = answer.extract_error() {
                let error = server::plain(&error);
                debug!(error, "a subscription was not ended");
            }
        }
    }
    Ok(())
}

impl Subscription {
    /// One command per channel, since the slots differ in a cluster.
    async fn run(&self, command: &str, keys: &[ChatKey]) -> RedisResult<Vec<Value>> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipeline.cmd(command).arg(names::channel(*key));
        }
        self.connection.run(&pipeline).await
    }
}

/// Receives the pushes of a connection.
struct PushHandler {
    shard: Weak<Shard>,
    ended: Arc<Notify>,
}

impl AsyncPushSender for PushHandler {
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        let shard = self.shard.upgrade().ok_or(SendError)?;
        match (push.kind, &push.data[..]) {
            (PushKind::Disconnection, _) => self.ended.notify_one(),
            (PushKind::SMessage, [Value::BulkString(channel), Value::BulkString(payload)]) => {
                receive(&shard, channel, payload);
            }
            (PushKind::SUnsubscribe, [Value::BulkString(channel), ..]) => {
                let unrequested =
                    names::key_of(channel).is_some_and(|key| shard.chats.lock().lose(key));
                if unrequested {
                    // The server has given the slot to another one.
                    shard.doubt_layout();
                    shard.subscriptions_changed.notify_one();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn receive(shard: &Shard, channel: &[u8], payload: &[u8]) {
    let Some(key) = names::key_of(channel) else {
        let words = String::from_utf8_lossy(payload);
        return match channel == shard.tag.instances().as_bytes() {
            true => receive_announcement(shard, &words),
            false => receive_beat(shard, &words),
        };
    };
    let Some(shared) = shard.shared.upgrade() else {
        return;
    };
    match wire::read(payload, shared.boot) {
        Arrived::Notice(notice) => {
            shard.metrics.received.inc();
            if let Some(inbox) = shared.inbox.get() {
                inbox.deliver(key, notice);
            }
        }
        Arrived::Unknown => shard.report_missed(vec![key]),
        Arrived::Own => {}
    }
}

/// An own beat: its number.
fn receive_beat(shard: &Shard, beat: &str) {
    let works = shard
        .heard_beats
        .lock()
        .hear(beat.parse().unwrap_or_default());
    if works {
        shard.set_up();
    }
}

/// An announcement to all instances: `<instance> <what>`.
fn receive_announcement(shard: &Shard, words: &str) {
    match words.split_once(' ') {
        Some((instance, _)) if instance == shard.own_name => {}
        Some((_, LOST)) => _ = shard.set_peers_lost(true),
        Some((instance, DIED)) => shard.declare_dead(instance),
        // Presence has to be read again.
        Some((instance, GONE)) => {
            shard.members.lock().leave(instance);
            shard.report_all_missed();
        }
        // A later release may announce more.
        _ => {}
    }
}
