//! Bounds the memory of responses that wait for their clients to take them, over all connections.

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

/// What is reserved before a response is made, in KiB: as much as all but hostile texts take. A safe method may read
/// a page of history, which is 64 KiB of text; any other is answered with a short body or a page.
const SAFE_METHOD_KIB: u32 = 128;
const OTHER_METHOD_KIB: u32 = 16;
/// What a response takes that is made while it is sent, in KiB: the longest part of a download.
const STREAMED_KIB: usize = 192;
/// The separate budget for health and metrics, which operators need most when the other one is used up.
const OPERATORS_KIB: usize = 4 * 1_024;
/// How long a request waits for memory before it is refused. Longer than `UNTAKEN_MAX`, so that the
/// connections that hold the memory are cut off first.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a response may stay untaken while other requests wait for memory, and how often that is
/// checked. When the waiting requests want more than the whole budget, the time shrinks in proportion, so
/// that newcomers get through too.
const UNTAKEN_MAX: Duration = Duration::from_secs(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The memory that all responses together may take. Cheap to clone.
#[derive(Clone)]
pub struct ResponseMemory {
    of_everybody: Budget,
    /// The half of it that connections with more requests than they are answered at once may use.
    free_to_crowded: Arc<Semaphore>,
    /// Health and metrics only.
    of_operators: Budget,
}

#[derive(Clone)]
struct Budget {
    free: Arc<Semaphore>,
    all_kib: usize,
    /// What the waiting requests want, in KiB.
    wanted_kib: Arc<AtomicUsize>,
}

/// The memory reserved for one response, freed when dropped.
pub struct Reservation {
    permits: [Option<OwnedSemaphorePermit>; 2],
    budget: Budget,
}

/// Marks a request that must be refused because there is no memory or no turn for it.
pub struct Overloaded;

impl ResponseMemory {
    /// A budget of `all_mib` MiB.
    pub fn new(all_mib: usize) -> Self {
        let all_kib = all_mib.saturating_mul(1_024).min(Semaphore::MAX_PERMITS);
        Self {
            of_everybody: Budget::new(all_kib),
            free_to_crowded: Arc::new(Semaphore::new(all_kib / 2)),
            of_operators: Budget::new(OPERATORS_KIB),
        }
    }

    /// Reserves memory for the response to a request. `is_crowded` says that its connection has more
    /// requests than are answered at once. Where no memory comes free in time the request is marked
    /// [`Overloaded`], which refuses it before it is routed.
    pub async fn reserve(
        &self,
        request: &mut actix_http::Request,
        is_crowded: bool,
    ) -> Option<Reservation> {
        let kib = match request.method().is_safe() {
            true => SAFE_METHOD_KIB,
            false => OTHER_METHOD_KIB,
        };
        let budget = match is_for_operators(request.path()) {
            true => &self.of_operators,
            false => &self.of_everybody,
        };
        let wanted = async {
            // Crowded connections queue among themselves first, so that they do not block the others.
            let of_crowded = match is_crowded {
                true => Some(self.free_to_crowded.clone().acquire_many_owned(kib).await?),
                false => None,
            };
            let of_all = budget.free.clone().acquire_many_owned(kib).await?;
            Ok::<_, tokio::sync::AcquireError>([Some(of_all), of_crowded])
        };
        let mut wanted = pin!(wanted);
        let found = match wanted.as_mut().now_or_never() {
            Some(found) => Ok(found),
            None => {
                // Counts what it wants until it is dropped.
                budget.wanted_kib.fetch_add(kib as usize, Relaxed);
                let _wanted = scopeguard::guard(&budget.wanted_kib, |wanted_kib| {
                    wanted_kib.fetch_sub(kib as usize, Relaxed);
                });
                timeout(RESERVE_TIMEOUT, wanted).await
            }
        };
        match found {
            Ok(Ok(permits)) => Some(Reservation {
                permits,
                budget: budget.clone(),
            }),
            Ok(Err(_)) | Err(_) => {
                request.extensions_mut().insert(Overloaded);
                None
            }
        }
    }

    /// How much is reserved, in bytes, apart from the operators' budget.
    pub fn reserved_bytes(&self) -> usize {
        let Budget { free, all_kib, .. } = &self.of_everybody;
        (all_kib - free.available_permits()) * 1_024
    }
}

impl Budget {
    fn new(all_kib: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(all_kib)),
            all_kib,
            wanted_kib: Arc::default(),
        }
    }
}

impl Reservation {
    /// Makes the reservation as large as what the finished response takes; gives all of it back for an event stream.
    ///
    /// # Errors
    /// [`Overloaded`] when the response takes more than was reserved, and that much is not free.
    pub fn fit<B: MessageBody>(
        mut self,
        response: &actix_http::Response<B>,
    ) -> Result<Option<Self>, Overloaded> {
        if is_event_stream(response) {
            // Its buffer is bounded by `limits.stream_buffer_kib`.
            return Ok(None);
        }
        let kib = match response.body().size() {
            BodySize::None => 0,
            BodySize::Sized(bytes) => bytes.div_ceil(1_024) as usize,
            BodySize::Stream => STREAMED_KIB,
        };
        let kib = kib + head_bytes(response).div_ceil(1_024);
        for permit in self.permits.iter_mut().flatten() {
            match kib.checked_sub(permit.num_permits()) {
                None => drop(permit.split(permit.num_permits() - kib)),
                Some(more) => {
                    let more = more.try_into().map_err(|_| Overloaded)?;
                    let semaphore = permit.semaphore().clone();
                    let more = semaphore.try_acquire_many_owned(more);
                    permit.merge(more.map_err(|_| Overloaded)?);
                }
            }
        }
        Ok(Some(self))
    }

    /// Call when the response is made: returns once it has been untaken for too long while others wait for
    /// its memory.
    pub async fn until_needed(&self) {
        let made = Instant::now();
        loop {
            sleep(CHECK_INTERVAL).await;
            let wanted_kib = self.budget.wanted_kib.load(Relaxed);
            let wanted = wanted_kib as f64 / self.budget.all_kib as f64;
            if wanted_kib > 0 && made.elapsed() >= UNTAKEN_MAX.div_f64(wanted.max(1.0)) {
                return;
            }
        }
    }
}

/// About how long the head of a response is.
fn head_bytes<B>(response: &actix_http::Response<B>) -> usize {
    let fields = response.headers().iter();
    fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// Whether a path is a health check or the metrics.
pub fn is_for_operators(path: &str) -> bool {
    path.starts_with("/health/") || path == "/metrics"
}

/// Whether a response is an endless stream of events.
pub fn is_event_stream<B>(response: &actix_http::Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
