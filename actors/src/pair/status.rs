//! What others can see of a pair without sending it a message.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use parking_lot::Mutex;

use crate::domain::{BySeat, Marks, Position, Seat, Seq};

/// Shared by a pair, its entry in the registry, and the requests on their way to it.
pub(crate) struct PairStatus {
    /// Requests on their way to the pair. It does not rest before they are answered.
    pending_requests: AtomicU32,
    /// Signals in the pair's mailbox.
    queued_signals: AtomicU32,
    /// Open streams of each seat, also those that are not attached yet.
    streams: BySeat<AtomicU32>,
    /// The lease's number of lapses when the pair last read the store.
    lapses: AtomicU64,
    /// The pair's position: `last_seq` is that of the last delivered message.
    position: Mutex<Position>,
}

/// Counts a request, signal or stream of a pair until it is dropped.
pub(crate) struct CountGuard(Arc<PairStatus>, Counter);

type Counter = fn(&PairStatus) -> &AtomicU32;

impl CountGuard {
    fn new(status: &Arc<PairStatus>, counter: Counter) -> Self {
        counter(status).fetch_add(1, Ordering::AcqRel);
        Self(status.clone(), counter)
    }

    /// Whether it counts for this pair, and not for one that has crashed.
    pub(crate) fn is_of(&self, status: &Arc<PairStatus>) -> bool {
        Arc::ptr_eq(&self.0, status)
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        let Self(status, counter) = self;
        counter(status).fetch_sub(1, Ordering::AcqRel);
    }
}

impl PairStatus {
    /// For a pair that has not read the store yet.
    pub(crate) fn new(lapses: u64) -> Self {
        Self {
            pending_requests: AtomicU32::new(0),
            queued_signals: AtomicU32::new(0),
            streams: BySeat::default(),
            lapses: AtomicU64::new(lapses),
            position: Mutex::default(),
        }
    }

    pub(crate) fn lapses(&self) -> u64 {
        self.lapses.load(Ordering::Acquire)
    }

    pub(crate) fn set_lapses(&self, lapses: u64) {
        self.lapses.fetch_max(lapses, Ordering::AcqRel);
    }

    pub(crate) fn position(&self) -> Position {
        *self.position.lock()
    }

    pub(crate) fn has_streams(&self) -> bool {
        Seat::BOTH.iter().any(|seat| self.streams(*seat) > 0)
    }

    pub(crate) fn streams(&self, seat: Seat) -> usize {
        self.streams[seat].load(Ordering::Acquire) as usize
    }

    pub(crate) fn pending_requests(&self) -> u32 {
        self.pending_requests.load(Ordering::Acquire)
    }

    /// Counts a request on its way to the pair, until it is answered or dropped.
    pub(crate) fn count_request(self: &Arc<Self>) -> CountGuard {
        CountGuard::new(self, |status| &status.pending_requests)
    }

    /// Counts a signal to the pair; `None` when `queued_max` are queued already.
    pub(crate) fn count_signal(self: &Arc<Self>, queued_max: u32) -> Option<CountGuard> {
        let counted = CountGuard::new(self, |status| &status.queued_signals);
        (self.queued_signals.load(Ordering::Acquire) <= queued_max).then_some(counted)
    }

    /// Counts an open stream.
    pub(crate) fn count_stream(self: &Arc<Self>, seat: Seat) -> CountGuard {
        CountGuard::new(
            self,
            match seat {
                Seat::One => |status| &status.streams[Seat::One],
                Seat::Two => |status| &status.streams[Seat::Two],
            },
        )
    }

    pub(crate) fn last_seq(&self) -> Seq {
        self.position.lock().last_seq
    }

    /// Called by the pair only.
    pub(crate) fn set_last_seq(&self, seq: Seq) {
        self.position.lock().last_seq = seq;
    }

    /// Called when the pair has read its chat for the first time.
    pub(crate) fn set_position(&self, position: Position) {
        *self.position.lock() = position;
    }

    /// Called when the pair has read its chat again. Marks that are not stored yet are kept, and messages that are not
    /// delivered yet do not count.
    pub(crate) fn update_position(&self, stored: Position) {
        let mut position = self.position.lock();
        position.revision = stored.revision;
        for seat in Seat::BOTH {
            position.marks[seat] = position.marks[seat].raised(stored.marks[seat]);
        }
    }

    /// Raises a seat's marks; returns them if that changed anything.
    pub(crate) fn raise_marks(&self, seat: Seat, to: Marks) -> Option<Marks> {
        let mut position = self.position.lock();
        let marks = &mut position.marks[seat];
        let raised = marks.raised(to);
        (raised != std::mem::replace(marks, raised)).then_some(raised)
    }
}
