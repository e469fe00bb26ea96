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

use rustix::time::{ClockId, clock_gettime};
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
    waiting: RefCell<BTreeMap<Place, Waker>>,
    /// What the one that had the last turn had taken, or one before it.
    reached: Cell<u32>,
    connections: Cell<u64>,
    arrived: Notify,
}

/// Those that took less in their turns come first, and of those that took about the same the one that was opened first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// What it took, as a number of `EFFORT_MAX`.
    taken: u32,
    connection: u64,
}

/// One connection, and what it took of the arbiter's time. Frames that ask for nothing, such as pings, take
/// time as well, and no limit of their number is right for everybody.
pub struct Turns {
    queue: Rc<Queue>,
    connection: u64,
    place: Option<Place>,
    is_in_turn: bool,
    /// What it took in its turns, together with what is not held against it.
    in_turns: Duration,
    lately: Duration,
    counted: Instant,
}

impl LowPriority {
    /// Gives out the turns, for as long as it is polled.
    pub async fn serve(&self) {
        let Self(queue) = self;
        let mut newest = false;
        loop {
            // Of those that took the least the oldest connection and the newest by turns: each gets through
            // in the end, and whoever comes while thousands wait is not behind all of them.
            newest = !newest;
            match queue.next(newest) {
                Some(waker) => waker.wake(),
                None => queue.arrived.notified().await,
            }
            yield_now().await;
        }
    }

    /// The turns of a connection that was just opened.
    pub fn connection(&self) -> Turns {
        let Self(queue) = self;
        let connection = queue.connections.get();
        queue.connections.set(connection + 1);
        Turns {
            queue: queue.clone(),
            connection,
            place: None,
            is_in_turn: false,
            in_turns: Duration::ZERO,
            lately: Duration::ZERO,
            counted: Instant::now(),
        }
    }
}

impl Turns {
    /// Runs a handshake, each poll of which waits for its turn. What it takes does not make the connection
    /// costly afterwards: it comes once.
    pub async fn run<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            ready!(self.poll_turn(cx));
            self.spend(|| future.as_mut().poll(cx)).0
        })
        .await
    }

    /// Ready when it is this connection's turn, once.
    pub fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let place = match self.place {
            Some(place) => place,
            None => self.new_place(),
        };
        let mut waiting = self.queue.waiting.borrow_mut();
        if self.place.is_some() && !waiting.contains_key(&place) {
            self.place = None;
            self.is_in_turn = true;
            return Poll::Ready(());
        }
        waiting.insert(place, cx.waker().clone());
        if self.place.replace(place).is_none() {
            self.queue.arrived.notify_one();
        }
        Poll::Pending
    }

    /// What follows is done out of turn.
    pub fn skip_turn(&mut self) {
        self.is_in_turn = false;
    }

    /// Whoever comes, or comes back after a while, has taken a little less than those who never stopped.
    fn new_place(&mut self) -> Place {
        let least = EFFORT_MAX.saturating_mul(self.queue.reached.get().saturating_sub(1));
        self.in_turns = self.in_turns.max(least);
        let taken = self.in_turns.as_nanos() / EFFORT_MAX.as_nanos();
        Place {
            taken: taken.try_into().unwrap_or(u32::MAX),
            connection: self.connection,
        }
    }

    /// Whether it took more than its share lately.
    pub fn is_costly(&self) -> bool {
        self.lately > EFFORT_MAX
    }

    /// Counts what this takes.
    pub fn count<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let forgotten = self.counted.elapsed() / EFFORT_SHARE;
        let (done, taken) = self.spend(work);
        self.counted = Instant::now();
        self.lately = self.lately.saturating_sub(forgotten) + taken;
        done
    }

    fn spend<T>(&mut self, work: impl FnOnce() -> T) -> (T, Duration) {
        let began = processor_time();
        let done = work();
        let taken = processor_time().saturating_sub(began);
        if self.is_in_turn {
            self.in_turns += taken;
        }
        (done, taken)
    }
}

/// What this thread has had of a processor: on a busy machine a thread waits in the middle of anybody's work.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Drop for Turns {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.queue.waiting.borrow_mut().remove(&place);
        }
    }
}

impl Queue {
    fn next(&self, newest: bool) -> Option<Waker> {
        let mut waiting = self.waiting.borrow_mut();
        let mut next = *waiting.first_key_value()?.0;
        if newest {
            let last = Place {
                connection: u64::MAX,
                ..next
            };
            next = *waiting.range(..=last).next_back()?.0;
        }
        self.reached.set(self.reached.get().max(next.taken));
        waiting.remove(&next)
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
                let (mut turns, polled) = (queue.connection(), polled.clone());
                spawn_local(async move { turns.run(async { polled.set(polled.get() + 1) }).await })
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

    #[test]
    fn who_leaves_before_its_turn_takes_none() {
        let queue = LowPriority::default();
        let mut turns = queue.connection();
        let mut gone = Box::pin(turns.run(async {}));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        drop(turns);
        assert!(queue.0.waiting.borrow().is_empty());
    }

    /// Who waits, in the order in which they are given their turns.
    fn order(queue: &LowPriority, waiting: &mut [Turns]) -> Vec<u64> {
        let mut cx = Context::from_waker(Waker::noop());
        for turns in waiting.iter_mut() {
            assert!(turns.poll_turn(&mut cx).is_pending());
        }
        let mut order = Vec::new();
        let mut newest = false;
        while queue.0.next(newest).is_some() {
            newest = !newest;
            for turns in waiting.iter_mut() {
                if turns.place.is_some() && turns.poll_turn(&mut cx).is_ready() {
                    order.push(turns.connection);
                }
            }
        }
        order
    }

    #[test]
    fn the_oldest_and_the_newest_connection_go_by_turns_whoever_began_to_wait_first() {
        let queue = LowPriority::default();
        let mut waiting: Vec<_> = (0..5).map(|_| queue.connection()).collect();
        waiting.swap(0, 4);
        assert_eq!(order(&queue, &mut waiting), [0, 4, 1, 3, 2]);
    }

    #[test]
    fn who_took_much_time_waits_behind_all_that_did_not() {
        let queue = LowPriority::default();
        let mut waiting: Vec<_> = (0..4).map(|_| queue.connection()).collect();
        waiting[0].in_turns = EFFORT_MAX * 3;
        waiting[3].in_turns = EFFORT_MAX;
        waiting[1].in_turns = EFFORT_MAX / 2;
        assert_eq!(order(&queue, &mut waiting), [1, 2, 3, 0]);
    }

    #[test]
    fn whoever_comes_goes_before_those_that_never_stop_and_soon_among_them() {
        let queue = LowPriority::default();
        let mut waiting: Vec<_> = (0..2).map(|_| queue.connection()).collect();
        for turns in &mut waiting {
            turns.in_turns = EFFORT_MAX * 1_000;
        }
        assert_eq!(order(&queue, &mut waiting), [0, 1]);
        waiting.push(queue.connection());
        assert_eq!(order(&queue, &mut waiting), [2, 1, 0]);
        let [.., newcomer] = &mut waiting[..] else {
            unreachable!()
        };
        newcomer.in_turns += EFFORT_MAX * 2;
        assert_eq!(order(&queue, &mut waiting), [0, 1, 2]);
    }
}
