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
    let line = Subscription { connection, ended };
    let mut beats = Pipeline::new();
    // A replica would take all subscriptions, and bring what no master publishes there.
    beats.cmd("UNLINK").arg(shard.tag.lease("probe"));
    beats.cmd("SSUBSCRIBE").arg(shard.tag.beats());
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
    let (verdict, age, living) = {
        let mut hearing = shard.hearing();
        (hearing.look(), hearing.age(), hearing.living())
    };
    shard.metrics.set_hearing(shard.address(), age, living);
    match verdict {
        Verdict::Fine => {}
        Verdict::Deaf => {
            shard.metrics.set_state(shard.address(), State::Deaf);
            return Err(broken("it is open and brings nothing"));
        }
        Verdict::PeerGone => {
            info!("another instance is gone; the chats in memory are compared with the store");
            shard.health.doubt();
            shard.report_all_missed();
        }
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
        return hear(shard, payload);
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

/// A beat: `<instance> <number>`, and a word when notices of that instance were
/// dropped, or when it is its last.
fn hear(shard: &Shard, beat: &[u8]) {
    let Some(shared) = shard.shared.upgrade() else {
        return;
    };
    let beat = String::from_utf8_lossy(beat);
    let mut words = beat.split(' ');
    let (instance, number) = (words.next().unwrap_or_default(), words.next());
    if instance == shared.own_name {
        let number = number.and_then(|number| number.parse().ok());
        let sound = shard.hearing().hear_itself(number.unwrap_or_default());
        if sound {
            shard.sound();
        }
        return;
    }
    let returned = shard.hearing().hear_peer(instance);
    let word = words.next();
    if word == Some(GONE) {
        shard.hearing().lose_peer(instance);
    }
    // Where an instance has gone, who was there has to be asked for again.
    if returned || matches!(word, Some(LOST | GONE)) {
        shard.report_all_missed();
    }
}
