//! The memory of answers that wait for clients to take them, over all connections.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use actix_web::{
    HttpMessage,
    body::{BodySize, MessageBody},
    http::header::CONTENT_TYPE,
};
use futures_util::FutureExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// What is set aside for an answer that is not made yet, in KiB: the largest take about as much. What
/// something was done about is answered in a few words, or with a page.
const OF_READING_KIB: u32 = 64;
const OF_DOING_KIB: u32 = 16;
/// What answers to operators may take, who must see what is going on when the others have taken everything.
const OF_OPERATORS_KIB: usize = 4 * 1_024;
/// How long a request waits for others to be taken before it is refused: longer than it takes until
/// those that are in the way are cut off.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer may wait to be taken while another request waits for its room, and how often that is
/// looked at. Where what is waited for is more than all the room, it is as much shorter: whoever comes then
/// gets through as well.
const UNTAKEN_MAX: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What all answers together may take. Cheap to clone.
#[derive(Clone)]
pub struct Answers {
    of_everybody: Pool,
    /// What of it is free to connections that ask for more than they are answered at once: half.
    free_to_crowded: Arc<Semaphore>,
    of_operators: Pool,
}

/// Memory that is set aside.
#[derive(Clone)]
struct Pool {
    free: Arc<Semaphore>,
    all_kib: usize,
    /// What requests wait for, in KiB.
    wanted_kib: Arc<AtomicUsize>,
}

/// What one answer takes, until it is dropped.
pub struct Room {
    permits: [Option<OwnedSemaphorePermit>; 2],
    pool: Pool,
}

/// Goes with a request that there was no room for.
pub struct NoRoom;

impl Answers {
    /// So many MiB.
    pub fn new(all_mib: usize) -> Self {
        let all_kib = all_mib.saturating_mul(1_024).min(Semaphore::MAX_PERMITS);
        Self {
            of_everybody: Pool::new(all_kib),
            free_to_crowded: Arc::new(Semaphore::new(all_kib / 2)),
            of_operators: Pool::new(OF_OPERATORS_KIB),
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
        let pool = match is_for_operators(request.path()) {
            true => &self.of_operators,
            false => &self.of_everybody,
        };
        let wanted = async {
            // First among their like, so that they do not stand in everybody's way.
            let of_crowded = match is_crowded {
                true => Some(self.free_to_crowded.clone().acquire_many_owned(kib).await?),
                false => None,
            };
            let of_all = pool.free.clone().acquire_many_owned(kib).await?;
            Ok::<_, tokio::sync::AcquireError>([Some(of_all), of_crowded])
        };
        let mut wanted = pin!(wanted);
        let found = match wanted.as_mut().now_or_never() {
            Some(found) => Ok(found),
            None => {
                let _waits = Waits::begin(&pool.wanted_kib, kib as usize);
                timeout(PATIENCE, wanted).await
            }
        };
        match found {
            Ok(Ok(permits)) => Some(Room {
                permits,
                pool: pool.clone(),
            }),
            Ok(Err(_)) | Err(_) => {
                request.extensions_mut().insert(NoRoom);
                None
            }
        }
    }

    /// What waits, in bytes, but for answers to operators.
    pub fn waiting_bytes(&self) -> usize {
        let Pool { free, all_kib, .. } = &self.of_everybody;
        (all_kib - free.available_permits()) * 1_024
    }
}

impl Pool {
    fn new(all_kib: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(all_kib)),
            all_kib,
            wanted_kib: Arc::default(),
        }
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
        let made = Instant::now();
        loop {
            sleep(LOOK_AGAIN).await;
            let wanted_kib = self.pool.wanted_kib.load(Relaxed);
            let wanted = wanted_kib as f64 / self.pool.all_kib as f64;
            if wanted_kib > 0 && made.elapsed() >= UNTAKEN_MAX.div_f64(wanted.max(1.0)) {
                return;
            }
        }
    }
}

/// Counts what a request waits for, until it is dropped.
struct Waits<'a> {
    wanted_kib: &'a AtomicUsize,
    kib: usize,
}

impl<'a> Waits<'a> {
    fn begin(wanted_kib: &'a AtomicUsize, kib: usize) -> Self {
        wanted_kib.fetch_add(kib, Relaxed);
        Self { wanted_kib, kib }
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.wanted_kib.fetch_sub(self.kib, Relaxed);
    }
}

/// Whether an address tells operators how the server is.
pub fn is_for_operators(path: &str) -> bool {
    path.starts_with("/health/") || path == "/metrics"
}

/// Whether an answer has no end.
pub fn is_event_stream<B>(response: &actix_http::Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
