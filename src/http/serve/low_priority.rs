//! A queue of low priority on each arbiter, for connections that are expensive to poll: new ones (a TLS
//! handshake, up to a hundred requests at once), those with more requests than they are answered at once,
//! and those that used much processor time lately. If thousands of them became ready together, everything
//! else on the arbiter would wait for all of them. So they wait here, and one is polled each time the arbiter
//! has been through everything else that was ready.

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

/// A connection that used more processor time than this lately is costly. One fiftieth of the time that
/// passes is forgiven, so 2 % of a core can be used for ever.
const CPU_BUDGET: Duration = Duration::from_millis(5);
const FORGIVEN_DIVISOR: u32 = 50;

/// The queue of one arbiter. Cheap to clone.
#[derive(Clone, Default)]
pub struct LowPriorityQueue(Rc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: RefCell<BTreeMap<QueueKey, Waker>>,
    /// The highest `QueueKey::used` that has had a turn.
    reached: Cell<u32>,
    connections: Cell<u64>,
    arrived: Notify,
}

/// The order of the queue: who used less processor time in its turns first, then who was opened first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct QueueKey {
    /// Processor time used in turns, in units of `CPU_BUDGET`.
    used: u32,
    connection: u64,
}

/// One connection's turns, and the processor time that it used. Counts time, not frames: frames that
/// request nothing, such as pings, cost time too, and no limit on their number is right for every client.
pub struct ConnectionTurns {
    queue: Rc<Queue>,
    connection: u64,
    place: Option<QueueKey>,
    is_in_turn: bool,
    /// Used in its turns so far; decides its place. Newcomers start at what the others have used.
    in_turns: Duration,
    /// Used lately, in turns or not; decides whether it is costly.
    lately: Duration,
    counted: Instant,
}

impl LowPriorityQueue {
    /// Gives out the turns, for ever.
    pub async fn serve(&self) {
        let Self(queue) = self;
        let mut newest = false;
        loop {
            // Alternately the oldest and the newest of those that used the least: everyone gets through in
            // the end, and a newcomer does not wait behind thousands.
            newest = !newest;
            match queue.next(newest) {
                Some(waker) => waker.wake(),
                None => queue.arrived.notified().await,
            }
            yield_now().await;
        }
    }

    /// The turns of a new connection.
    pub fn connection(&self) -> ConnectionTurns {
        let Self(queue) = self;
        let connection = queue.connections.get();
        queue.connections.set(connection + 1);
        ConnectionTurns {
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

impl ConnectionTurns {
    /// Runs a handshake, each poll of which waits for a turn. Its time does not make the connection costly
    /// afterwards, since it happens once.
    pub async fn run<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            ready!(self.poll_turn(cx));
            self.spend(|| future.as_mut().poll(cx)).0
        })
        .await
    }

    /// Ready once when it is this connection's turn; the next call waits for the next turn.
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

    /// What follows is done without a turn.
    pub fn skip_turn(&mut self) {
        self.is_in_turn = false;
    }

    /// A newcomer, or a connection that was away for a while, is placed just before those that kept waiting:
    /// ahead of them at first, and soon among them.
    fn new_place(&mut self) -> QueueKey {
        let least = CPU_BUDGET.saturating_mul(self.queue.reached.get().saturating_sub(1));
        self.in_turns = self.in_turns.max(least);
        let used = self.in_turns.as_nanos() / CPU_BUDGET.as_nanos();
        QueueKey {
            used: used.try_into().unwrap_or(u32::MAX),
            connection: self.connection,
        }
    }

    /// Whether it used more than its share of the processor lately.
    pub fn is_costly(&self) -> bool {
        self.lately > CPU_BUDGET
    }

    /// Runs some work and counts the processor time it takes.
    pub fn count<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let forgiven = self.counted.elapsed() / FORGIVEN_DIVISOR;
        let (done, taken) = self.spend(work);
        self.counted = Instant::now();
        self.lately = self.lately.saturating_sub(forgiven) + taken;
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

/// The processor time of this thread. Wall-clock time would blame a connection for the moments in which a
/// busy machine runs something else.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Drop for ConnectionTurns {
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
            let last = QueueKey {
                connection: u64::MAX,
                ..next
            };
            next = *waiting.range(..=last).next_back()?.0;
        }
        self.reached.set(self.reached.get().max(next.used));
        waiting.remove(&next)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::task::{LocalSet, spawn_local};

    use super::*;

    #[tokio::test]
    async fn everything_else_is_polled_between_two_turns() {
        let rounds = async {
            let queue = LowPriorityQueue::default();
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
        LocalSet::new().run_until(rounds).await;
    }

    #[test]
    fn a_connection_that_closes_before_its_turn_leaves_the_queue() {
        let queue = LowPriorityQueue::default();
        let mut turns = queue.connection();
        let mut gone = Box::pin(turns.run(async {}));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        drop(turns);
        assert!(queue.0.waiting.borrow().is_empty());
    }

    /// The waiting connections, in the order in which they get their turns.
    fn order(queue: &LowPriorityQueue, waiting: &mut [ConnectionTurns]) -> Vec<u64> {
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
    fn the_oldest_and_the_newest_connection_alternate_in_whatever_order_they_began_to_wait() {
        let queue = LowPriorityQueue::default();
        let mut waiting: Vec<_> = (0..5).map(|_| queue.connection()).collect();
        waiting.swap(0, 4);
        assert_eq!(order(&queue, &mut waiting), [0, 4, 1, 3, 2]);
    }

    #[test]
    fn a_connection_that_used_much_time_waits_behind_those_that_did_not() {
        let queue = LowPriorityQueue::default();
        let mut waiting: Vec<_> = (0..4).map(|_| queue.connection()).collect();
        waiting[0].in_turns = CPU_BUDGET * 3;
        waiting[3].in_turns = CPU_BUDGET;
        waiting[1].in_turns = CPU_BUDGET / 2;
        assert_eq!(order(&queue, &mut waiting), [1, 2, 3, 0]);
    }

    #[test]
    fn a_newcomer_goes_before_those_that_never_stop_and_soon_among_them() {
        let queue = LowPriorityQueue::default();
        let mut waiting: Vec<_> = (0..2).map(|_| queue.connection()).collect();
        for turns in &mut waiting {
            turns.in_turns = CPU_BUDGET * 1_000;
        }
        assert_eq!(order(&queue, &mut waiting), [0, 1]);
        waiting.push(queue.connection());
        assert_eq!(order(&queue, &mut waiting), [2, 1, 0]);
        let [.., newcomer] = &mut waiting[..] else {
            unreachable!()
        };
        newcomer.in_turns += CPU_BUDGET * 2;
        assert_eq!(order(&queue, &mut waiting), [0, 1, 2]);
    }
}
