//! The memory of answers that wait for clients to take them, over all connections.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpMessage,
    body::{BodySize, MessageBody},
    http::header::CONTENT_TYPE,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// What is set aside for an answer that is not made yet, in KiB: the largest take about as much. What
/// something was done about is answered in a few words, or with a page.
const OF_READING_KIB: u32 = 64;
const OF_DOING_KIB: u32 = 16;
/// How long a request waits for others to be taken before it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// What all answers together may take.
#[derive(Clone)]
pub struct Answers {
    free_kib: Arc<Semaphore>,
    all_kib: usize,
}

/// What one answer takes, until it is dropped.
pub struct Room(OwnedSemaphorePermit);

/// Goes with a request that there was no room for.
pub struct NoRoom;

impl Answers {
    /// So many MiB.
    pub fn new(all_mib: usize) -> Self {
        let all_kib = all_mib.saturating_mul(1_024).min(Semaphore::MAX_PERMITS);
        Self {
            free_kib: Arc::new(Semaphore::new(all_kib)),
            all_kib,
        }
    }

    /// Room for an answer to be made. Without it the request is marked, and refused at the door.
    pub async fn room_for(&self, request: &mut actix_http::Request) -> Option<Room> {
        let kib = match request.method().is_safe() {
            true => OF_READING_KIB,
            false => OF_DOING_KIB,
        };
        let wanted = self.free_kib.clone().acquire_many_owned(kib);
        match timeout(PATIENCE, wanted).await {
            Ok(Ok(permit)) => Some(Room(permit)),
            Ok(Err(_)) | Err(_) => {
                request.extensions_mut().insert(NoRoom);
                None
            }
        }
    }

    /// What waits, in bytes.
    pub fn waiting_bytes(&self) -> usize {
        (self.all_kib - self.free_kib.available_permits()) * 1_024
    }
}

impl Room {
    /// What an answer keeps of its room now that it is made.
    pub fn fit<B: MessageBody>(self, response: &actix_http::Response<B>) -> Option<Self> {
        let Self(mut permit) = self;
        if is_event_stream(response) {
            // What waits in a stream has a bound of its own.
            return None;
        }
        if let BodySize::Sized(bytes) = response.body().size() {
            let reserved = permit.num_permits();
            let kept = bytes.div_ceil(1_024).min(reserved as u64) as usize;
            drop(permit.split(reserved - kept));
        }
        Some(Self(permit))
    }
}

/// Whether an answer has no end.
pub fn is_event_stream<B>(response: &actix_http::Response<B>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}
