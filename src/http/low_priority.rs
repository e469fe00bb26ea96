//! Low priority on an arbiter. A connection that was just opened, that asks for more than it may be
//! answered at once, or that took much time lately takes longer to look at than one that asks and reads. Thousands of them that
//! become ready together would put everybody's next step behind all of theirs: here they wait, and one
//! is polled each time that the arbiter has gone through everything else that was ready.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::yield_now};

/// What of an arbiter's time one connection may take before it counts as costly, and what part of the time
/// that passes it is given back.
const EFFORT_MAX: Duration = Duration::from_millis(5);
const EFFORT_SHARE: u32 = 50;

/// The queue of one arbiter. Cheap to clone.
#[derive(Clone, Default)]
pub struct LowPriority(Rc<Queue>);

#[derive(Default)]
struct Queue {
    /// By order of arrival.
    waiting: RefCell<BTreeMap<u64, Waker>>,
    arrivals: Cell<u64>,
    arrived: Notify,
}

/// A place in the queue; it is left when this is dropped.
struct Place {
    queue: Rc<Queue>,
    arrival: u64,
}

/// What one future needs to be polled in its turn again and again.
#[derive(Default)]
pub struct Turns(Option<Place>);

/// How much of an arbiter's time one future took lately. Frames that ask for nothing, such as pings, take
/// time as well, and no limit of their number is right for everybody.
pub struct Effort {
    taken: Duration,
    counted: Instant,
}

impl Default for Effort {
    fn default() -> Self {
        Self {
            taken: Duration::ZERO,
            counted: Instant::now(),
        }
    }
}

impl Effort {
    /// Whether it took more than its share.
    pub fn is_great(&self) -> bool {
        self.taken > EFFORT_MAX
    }

    /// Counts what this takes.
    pub fn count<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let forgotten = (began - self.counted) / EFFORT_SHARE;
        let done = work();
        self.counted = Instant::now();
        self.taken = self.taken.saturating_sub(forgotten) + (self.counted - began);
        done
    }
}

impl LowPriority {
    /// Gives out the turns, for as long as it is polled.
    pub async fn serve(&self) {
        let Self(queue) = self;
        let mut newest = false;
        loop {
            // The oldest and the newest by turns: nobody waits for ever, and whoever comes while
            // thousands wait is not behind all of them.
            newest = !newest;
            match queue.next(newest) {
                Some(waker) => waker.wake(),
                None => queue.arrived.notified().await,
            }
            yield_now().await;
        }
    }

    /// Runs a future, each poll of which waits for its turn.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut turns = Turns::default();
        poll_fn(|cx| {
            ready!(self.poll_turn(&mut turns, cx));
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Ready when it is this one's turn, once.
    pub fn poll_turn(&self, turns: &mut Turns, cx: &mut Context<'_>) -> Poll<()> {
        let Self(queue) = self;
        let mut waiting = queue.waiting.borrow_mut();
        if let Some(place) = &turns.0 {
            match waiting.get_mut(&place.arrival) {
                Some(waker) => {
                    waker.clone_from(cx.waker());
                    return Poll::Pending;
                }
                None => {
                    drop(waiting);
                    turns.0 = None;
                    return Poll::Ready(());
                }
            }
        }
        let arrival = queue.arrivals.get();
        queue.arrivals.set(arrival + 1);
        waiting.insert(arrival, cx.waker().clone());
        queue.arrived.notify_one();
        let queue = queue.clone();
        turns.0 = Some(Place { queue, arrival });
        Poll::Pending
    }
}

impl Queue {
    fn next(&self, newest: bool) -> Option<Waker> {
        let mut waiting = self.waiting.borrow_mut();
        let next = match newest {
            true => waiting.pop_last(),
            false => waiting.pop_first(),
        };
        next.map(|(_, waker)| waker)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.waiting.borrow_mut().remove(&self.arrival);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    #[tokio::test]
    async fn between_two_of_them_everybody_else_has_a_turn() {
        let everybody = async {
            let queue = LowPriority::default();
            let polled = Rc::new(Cell::new(0));
            let crowd = (0..100).map(|_| {
                let (queue, polled) = (queue.clone(), polled.clone());
                spawn_local(async move { queue.run(async { polled.set(polled.get() + 1) }).await })
            });
            let crowd: Vec<_> = crowd.collect();
            let serving = spawn_local(async move { queue.serve().await });
            let mut most_at_once = 0;
            while polled.get() < crowd.len() {
                let before = polled.get();
                yield_now().await;
                most_at_once = most_at_once.max(polled.get() - before);
            }
            serving.abort();
            assert_eq!(most_at_once, 1);
        };
        LocalSet::new().run_until(everybody).await;
    }

    #[tokio::test]
    async fn who_leaves_before_its_turn_takes_none() {
        let queue = LowPriority::default();
        let mut gone = Box::pin(queue.run(async {}));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        assert!(queue.0.waiting.borrow().is_empty());
    }
}
