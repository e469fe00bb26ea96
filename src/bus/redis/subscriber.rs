//! What comes from a shard, over a connection of its own that is subscribed to the chats in memory.

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
    heard_beats::Verdict,
    heartbeat::{BEAT_INTERVAL, GONE, LOST},
    metrics::State,
    names,
    server::{self, Connection},
    shard::Shard,
    watch::DIED,
    wire::{self, Arrived},
};

/// Chats subscribed to in one go.
const CHUNK_LEN: usize = 500;
/// How long to wait before connecting again, in milliseconds; spread, so that instances do not
/// come back all at once.
const RECONNECT_MS: std::ops::Range<u64> = 20..150;

/// Stays subscribed for ever.
pub(super) async fn subscribe(weak: Weak<Shard>) {
    let mut away = false;
    loop {
        let Some(shard) = weak.upgrade() else { return };
        let ended = match connect(&shard).await {
            Ok(line) => {
                if std::mem::take(&mut away) {
                    info!(server = %shard.address(), "subscribed to Redis again");
                }
                shard.metrics.set_state(shard.address(), State::Up);
                drop(shard);
                listen(&weak, &line).await
            }
            Err(error) => Err(error),
        };
        let (Err(error), Some(shard)) = (ended, weak.upgrade()) else {
            return;
        };
        if !std::mem::replace(&mut away, true) {
            warn!(server = %shard.address(), %error, "the subscription to Redis is lost");
            shard.metrics.reconnects.inc();
        }
        shard.metrics.set_state(shard.address(), State::Away);
        shard.fail(&error);
        shard.doubt_layout();
        drop(shard);
        let wait = rand::rng().random_range(RECONNECT_MS);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// A connection that listens.
struct Subscription {
    connection: Connection,
    /// Told when the connection has ended.
    ended: Arc<Notify>,
}

/// Connects and subscribes to all that is wanted. What was subscribed to before is reported as
/// missed once it is again.
async fn connect(shard: &Arc<Shard>) -> RedisResult<Subscription> {
    let Some(shared) = shard.shared.upgrade() else {
        return Err(broken("the bus has ended"));
    };
    let ended = Arc::new(Notify::new());
    let ear = PushHandler {
        shard: Arc::downgrade(shard),
        ended: ended.clone(),
    };
    let connection = shared.servers.connect(shard.address(), Some(ear)).await?;
    shard.chats().start_over();
    shard.hearing().start_over();
    shard.members().pardon();
    let line = Subscription { connection, ended };
    let mut beats = Pipeline::new();
    // A replica would take all subscriptions, and bring what no master publishes there.
    beats.cmd("UNLINK").arg(shard.tag.lease("probe"));
    let (own, common) = (shard.tag.beats(&shard.own_name), shard.tag.instances());
    for channel in [own, common] {
        beats.cmd("SSUBSCRIBE").arg(channel);
    }
    server::check(line.connection.run(&beats).await?)?;
    change(shard, &line).await?;
    // Redis may have lost what it held.
    shard.write_open_again();
    Ok(line)
}

fn broken(why: &'static str) -> RedisError {
    std::io::Error::other(why).into()
}

/// Listens until the connection is lost or deaf, or nobody needs the shard any more.
async fn listen(weak: &Weak<Shard>, line: &Subscription) -> RedisResult<()> {
    let mut interval = tokio::time::interval(BEAT_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let Some(shard) = weak.upgrade() else {
            return Ok(());
        };
        tokio::select! {
            () = line.ended.notified() => return Err(broken("the server closed the connection")),
            () = shard.reconnect.notified() => return Err(broken("it leads to a replica")),
            () = shard.subscriptions_changed.notified() => {}
            _ = interval.tick() => look(&shard)?,
        }
        change(&shard, line).await?;
    }
}

fn look(shard: &Shard) -> RedisResult<()> {
    let (verdict, age) = {
        let mut hearing = shard.hearing();
        (hearing.look(), hearing.age())
    };
    let (gone, living) = {
        let mut members = shard.members();
        let gone = verdict == Verdict::Hears && members.look();
        (gone, 1 + members.living().count())
    };
    shard.metrics.set_hearing(shard.address(), age, living);
    if verdict == Verdict::Deaf {
        shard.metrics.set_state(shard.address(), State::Deaf);
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

/// Makes the subscriptions what is wanted, in batches, and tells those who wait. A chat that
/// nobody waits for was subscribed to before, elsewhere or over another connection.
async fn change(shard: &Shard, line: &Subscription) -> RedisResult<()> {
    let (new, old) = shard.chats().changes();
    for keys in new.chunks(CHUNK_LEN) {
        let answers = line.run("SSUBSCRIBE", keys).await?;
        let mut missed = Vec::new();
        for (key, answer) in keys.iter().zip(answers) {
            match answer.extract_error() {
                Ok(Value::Push {
                    kind: PushKind::SSubscribe,
                    ..
                }) => {
                    if !shard.chats().confirm(*key) {
                        missed.push(*key);
                    }
                }
                // Another shard serves it by now, or soon: it is tried here until that is known.
                Err(error) if error.kind() == ServerErrorKind::Moved.into() => {
                    shard.chats().lose(*key);
                    shard.doubt_layout();
                }
                Err(error) => return Err(error),
                Ok(_) => return Err(broken("its answers are out of step")),
            }
        }
        shard.report_missed(missed);
    }
    for keys in old.chunks(CHUNK_LEN) {
        for answer in line.run("SUNSUBSCRIBE", keys).await? {
            // A channel that has moved is unsubscribed from by the server itself.
            if let Err(error) = answer.extract_error() {
                debug!(%error, "a subscription was not ended");
            }
        }
    }
    Ok(())
}

impl Subscription {
    /// In a cluster each channel takes a command of its own, since their slots differ.
    async fn run(&self, command: &str, keys: &[ChatKey]) -> RedisResult<Vec<Value>> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for key in keys {
            pipeline.cmd(command).arg(names::channel(*key));
        }
        self.connection.run(&pipeline).await
    }
}

/// Takes what the connection brings, while it is read.
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
                take(&shard, channel, payload);
            }
            (PushKind::SUnsubscribe, [Value::BulkString(channel), ..]) => {
                let unasked = names::key_of(channel).is_some_and(|key| shard.chats().lose(key));
                if unasked {
                    // The server has given the slot away.
                    shard.doubt_layout();
                    shard.subscriptions_changed.notify_one();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn take(shard: &Shard, channel: &[u8], payload: &[u8]) {
    let Some(key) = names::key_of(channel) else {
        let words = String::from_utf8_lossy(payload);
        return match channel == shard.tag.instances().as_bytes() {
            true => hear_of_instance(shard, &words),
            false => hear_itself(shard, &words),
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
        Arrived::Nothing => {}
    }
}

/// The own beat: its number.
fn hear_itself(shard: &Shard, beat: &str) {
    let sound = shard
        .hearing()
        .hear_itself(beat.parse().unwrap_or_default());
    if sound {
        shard.sound();
    }
}

/// What concerns all: `<instance> <what>`.
fn hear_of_instance(shard: &Shard, words: &str) {
    match words.split_once(' ') {
        Some((instance, _)) if instance == shard.own_name => {}
        Some((_, LOST)) => _ = shard.set_peers_lost(true),
        Some((instance, DIED)) => shard.bury(instance),
        // Who was there has to be asked for again.
        Some((instance, GONE)) => {
            shard.members().leave(instance);
            shard.report_all_missed();
        }
        // A later release may announce more.
        _ => {}
    }
}
