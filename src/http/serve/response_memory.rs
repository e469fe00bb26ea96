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
    body::{BodySize, BoxBody, MessageBody},
    dev::ServiceResponse,
    http::header::{CONTENT_TYPE, HeaderMap},
};
use futures_util::FutureExt;
use tokio::{
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// What is reserved before a response is made, in KiB: as much as all but hostile texts take. A safe method may read
/// a page of history, which is 64 KiB of text; any other is answered with a short body or a page.
const SAFE_METHOD_KIB: u32 = 128;
const OTHER_METHOD_KIB: u32 = 16;
/// What a response takes that is made while it is sent, in KiB: the longest part of a download.
const STREAMED_KIB: usize = 192;
/// What a response takes at most whose bytes are kept anyway, such as a script's, in KiB: what is encoded of it at once.
const SHARED_KIB: usize = 32;
/// How much of the budget the responses may take, all in all, that wait for more than was reserved for them: they are in
/// memory already, and if they held all of the budget they would wait for each other.
const GROWING_DIVISOR: usize = 4;
/// The separate budget for health and metrics, which operators need most when the other one is used up.
const OPERATORS_KIB: usize = 4 * 1_024;
/// How long a request, or a response that is longer than expected, waits for memory before it is refused. Longer than
/// `UNTAKEN_MAX`, so that the connections that hold the memory are cut off first.
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
    /// What the waiting requests and responses want, in KiB.
    wanted_kib: Arc<AtomicUsize>,
    /// For responses that wait for more than was reserved for them.
    growing: Arc<Semaphore>,
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
            Ok([Some(of_all), of_crowded])
        };
        let mut wanted = pin!(wanted);
        let found = match wanted.as_mut().now_or_never() {
            Some(found) => found.map_err(|_| Overloaded),
            None => budget.wait(kib as usize, wanted).await,
        };
        match found {
            Ok(permits) => Some(Reservation {
                permits,
                budget: budget.clone(),
            }),
            Err(Overloaded) => {
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
            growing: Arc::new(Semaphore::new(all_kib / GROWING_DIVISOR)),
        }
    }

    /// Waits for memory that is not free, which counts as wanted until this is dropped.
    async fn wait<T>(
        &self,
        kib: usize,
        wanted: impl Future<Output = Result<T, AcquireError>>,
    ) -> Result<T, Overloaded> {
        self.wanted_kib.fetch_add(kib, Relaxed);
        let _wanted = scopeguard::guard(&self.wanted_kib, |wanted_kib| {
            wanted_kib.fetch_sub(kib, Relaxed);
        });
        match timeout(RESERVE_TIMEOUT, wanted).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) | Err(_) => Err(Overloaded),
        }
    }
}

impl Reservation {
    /// Makes the reservation as large as what the finished response takes, in KiB; waits if that is more and not free.
    ///
    /// # Errors
    /// [`Overloaded`] when no memory comes free in time, or too many others wait like this.
    pub async fn fit(mut self, kib: usize) -> Result<Self, Overloaded> {
        // A response that is longer than all of the budget gets its memory, too.
        let kib = kib.min(self.budget.all_kib / 2);
        let reserved = self.permits.iter().flatten().next();
        let reserved = reserved.map_or(0, OwnedSemaphorePermit::num_permits);
        match kib.checked_sub(reserved) {
            None => self.shrink(reserved - kib),
            Some(more) => self.grow(more, kib).await?,
        }
        Ok(self)
    }

    fn shrink(&mut self, by_kib: usize) {
        for permit in self.permits.iter_mut().flatten() {
            drop(permit.split(by_kib));
        }
    }

    async fn grow(&mut self, by_kib: usize, to_kib: usize) -> Result<(), Overloaded> {
        let Self { permits, budget } = self;
        let grown = async {
            // In the order in which memory is reserved.
            for permit in permits.iter_mut().rev().flatten() {
                let semaphore = permit.semaphore().clone();
                permit.merge(semaphore.acquire_many_owned(by_kib as u32).await?);
            }
            Ok::<_, AcquireError>(())
        };
        let mut grown = pin!(grown);
        if let Some(grown) = grown.as_mut().now_or_never() {
            return grown.map_err(|_| Overloaded);
        }
        let growing_kib = to_kib.min(budget.all_kib / GROWING_DIVISOR);
        let growing = budget.growing.try_acquire_many(growing_kib as u32);
        let _growing = growing.map_err(|_| Overloaded)?;
        budget.wait(by_kib, grown).await
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

/// What a response takes until its client has taken it, in KiB; `None` for an event stream, whose buffer is bounded by
/// `limits.stream_buffer_kib`.
pub fn measure(response: ServiceResponse<BoxBody>) -> (ServiceResponse<BoxBody>, Option<usize>) {
    let (mut kib, mut is_shared) = (0, false);
    let response = response.map_body(|_, body| {
        kib = match body.size() {
            BodySize::None => 0,
            BodySize::Sized(bytes) => bytes.div_ceil(1_024) as usize,
            BodySize::Stream => STREAMED_KIB,
        };
        body.try_into_bytes().map_or_else(
            |body| body,
            |bytes| {
                // Part of the program, or kept for as long as it runs.
                is_shared = !bytes.is_unique();
                BoxBody::new(bytes)
            },
        )
    });
    if is_event_stream(response.headers()) {
        return (response, None);
    }
    if is_shared {
        kib = kib.min(SHARED_KIB);
    }
    let fields = response.headers().iter();
    let head: usize = fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    (response, Some(kib + head.div_ceil(1_024)))
}

/// Whether a path is a health check or the metrics.
pub fn is_for_operators(path: &str) -> bool {
    path.starts_with("/health/") || path == "/metrics"
}

/// Whether a response is an endless stream of events.
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
