//! The memory of answers that wait for clients to take them, over all connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_web::{
    HttpMessage,
    body::{BodySize, MessageBody},
    http::header::CONTENT_TYPE,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// What is set aside for an answer that is not made yet, in KiB: the largest take about as much. What
/// something was done about is answered in a few words, or with a page.
const OF_READING_KIB: u32 = 64;
const OF_DOING_KIB: u32 = 16;
/// How long a request waits for others to be taken before it is refused: longer than it takes until
/// those that are in the way are cut off.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer may wait to be taken while other requests wait for its room, and how often that is
/// looked at.
const UNTAKEN_MAX: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What all answers together may take.
#[derive(Clone)]
pub struct Answers {
    free: Arc<Semaphore>,
    /// What of it is free to connections that ask for more than they are answered at once: half.
    free_to_crowded: Arc<Semaphore>,
    all_kib: usize,
    /// Requests that wait for room.
    waiting: Arc<AtomicUsize>,
}

/// What one answer takes, until it is dropped.
pub struct Room {
    permits: [Option<OwnedSemaphorePermit>; 2],
    waiting: Arc<AtomicUsize>,
}

/// Goes with a request that there was no room for.
pub struct NoRoom;

impl Answers {
    /// So many MiB.
    pub fn new(all_mib: usize) -> Self {
        let all_kib = all_mib.saturating_mul(1_024).min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(all_kib)),
            free_to_crowded: Arc::new(Semaphore::new(all_kib / 2)),
            all_kib,
            waiting: Arc::default(),
        }
    }

    /// Room for an answer to be made, to a connection that may be crowded with requests. Without it
    /// the request is marked, and refused at the door.
    pub async fn room_for(
        &self,
        request: &mut actix_http::Request,
        is_crowded: bool,
    ) -> Option<Room> {
        let kib = match request.method().is_safe() {
            true => OF_READING_KIB,
            false => OF_DOING_KIB,
        };
        let wanted = async {
            // First among their like, so that they do not stand in everybody's way.
            let of_crowded = match is_crowded {
                true => Some(self.free_to_crowded.clone().acquire_many_owned(kib).await?),
                false => None,
            };
            let of_all = self.free.clone().acquire_many_owned(kib).await?;
            Ok::<_, tokio::sync::AcquireError>([Some(of_all), of_crowded])
        };
        let _waits = Waits::begin(&self.waiting);
        match timeout(PATIENCE, wanted).await {
            Ok(Ok(permits)) => Some(Room {
                permits,
                waiting: self.waiting.clone(),
            }),
            Ok(Err(_)) | Err(_) => {
                request.extensions_mut().insert(NoRoom);
                None
            }
        }
    }

    /// What waits, in bytes.
    pub fn waiting_bytes(&self) -> usize {
        (self.all_kib - self.free.available_permits()) * 1_024
    }
}

impl Room {
    /// What an answer keeps of its room now that it is made.
    pub fn fit<B: MessageBody>(mut self, response: &actix_http::Response<B>) -> Option<Self> {
        if is_event_stream(response) {
            // What waits in a stream has a bound of its own.
            return None;
        }
        if let BodySize::Sized(bytes) = response.body().size() {
            for permit in self.permits.iter_mut().flatten() {
                let reserved = permit.num_permits();
                let kept = bytes.div_ceil(1_024).min(reserved as u64) as usize;
                drop(permit.split(reserved - kept));
            }
        }
        Some(self)
    }

    /// Ready when the answer, which is made now, was not taken for so long that others need its room.
    pub async fn needed(&self) {
        sleep(UNTAKEN_MAX).await;
        while self.waiting.load(Relaxed) == 0 {
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// Counts a request that waits, until it is dropped.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Whether an answer has no end.
pub fn is_event_stream<B>(response: &actix_http::Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
