//! What others know of a pair without asking it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    domain::{BySeat, Marks, Seat, Seq},
    ports::Position,
};

/// Shared by a pair, its entry in the registry, and what is on its way to it.
pub(crate) struct Usage {
    /// Requests on their way to the pair; it does not go to rest before they are answered.
    visits: AtomicUsize,
    /// Notices on their way to the pair.
    queued_news: AtomicUsize,
    /// Open streams.
    streams: AtomicUsize,
    /// How often the lease had lapsed when the pair last looked into the store.
    lapses: AtomicU64,
    /// How far the pair is: its `last_seq` is that of the last message its streams were given.
    known: Mutex<Position>,
}

/// One of a pair's open streams, for as long as it is held.
pub(crate) struct Streaming(Arc<Usage>);

impl Streaming {
    pub(crate) fn of(usage: &Arc<Usage>) -> Self {
        usage.streams.fetch_add(1, Ordering::AcqRel);
        Self(usage.clone())
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Usage {
    /// That of a pair which looks into the store only now.
    pub(crate) fn new(lapses: u64) -> Self {
        Self {
            visits: AtomicUsize::new(0),
            queued_news: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            lapses: AtomicU64::new(lapses),
            known: Mutex::new(Position {
                last_seq: 0,
                revision: 0,
                marks: BySeat::default(),
            }),
        }
    }

    pub(crate) fn lapses(&self) -> u64 {
        self.lapses.load(Ordering::Acquire)
    }

    pub(crate) fn looked_after(&self, lapses: u64) {
        self.lapses.fetch_max(lapses, Ordering::AcqRel);
    }

    pub(crate) fn known(&self) -> Position {
        *self.lock()
    }

    pub(crate) fn has_streams(&self) -> bool {
        self.streams.load(Ordering::Acquire) > 0
    }

    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::Acquire)
    }

    /// A request is on its way to the pair.
    pub(crate) fn begin_visit(&self) {
        self.visits.fetch_add(1, Ordering::AcqRel);
    }

    /// It is answered.
    pub(crate) fn end_visit(&self) {
        self.visits.fetch_sub(1, Ordering::AcqRel);
    }

    /// Counts a notice on its way to the pair, unless there are so many already.
    pub(crate) fn queue_news(&self, queued_max: usize) -> bool {
        let room = self.queued_news.fetch_add(1, Ordering::AcqRel) < queued_max;
        if !room {
            self.unqueue_news();
        }
        room
    }

    pub(crate) fn unqueue_news(&self) {
        self.queued_news.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn position(&self) -> Seq {
        self.lock().last_seq
    }

    /// Only the pair itself moves on.
    pub(crate) fn move_to(&self, position: Seq) {
        self.lock().last_seq = position;
    }

    /// The pair has read its chat at this revision.
    pub(crate) fn loaded(&self, revision: u64) {
        self.lock().revision = revision;
    }

    /// The pair has raised a seat's marks to these.
    pub(crate) fn marked(&self, seat: Seat, marks: Marks) {
        self.lock().marks[seat] = marks;
    }

    fn lock(&self) -> MutexGuard<'_, Position> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
