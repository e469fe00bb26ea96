//! Limits how many requests that only read are carried out at once on an arbiter. Reading is cheap to ask
//! for and expensive for the store, so a few connections could keep it busy for everybody. The other
//! requests wait here, those of well-behaved connections first.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_web::http::Method;
use tokio::{sync::oneshot, time::timeout};

use super::response_memory::is_for_operators;

/// How long a request waits for a turn before it is refused.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// When the first in the queue has waited this long there are more requests than can be served. Then the
/// newest go first: their clients are still there, and newcomers do not queue behind a flood.
const OVERLOADED_AFTER: Duration = Duration::from_millis(250);

/// The turns of one arbiter. Cheap to clone.
#[derive(Clone)]
pub struct ReadTurns(Rc<Queue>);

struct Queue {
    free: Cell<usize>,
    arrivals: Cell<u64>,
    waiting: RefCell<BTreeMap<QueueKey, Waiter>>,
}

/// The order of the queue: connections with fewer untaken responses first, then by arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct QueueKey {
    untaken: usize,
    arrival: u64,
}

struct Waiter {
    since: Instant,
    call: oneshot::Sender<ReadTurn>,
}

/// A turn, given back when dropped.
pub struct ReadTurn(Option<Rc<Queue>>);

impl ReadTurns {
    /// `at_once` turns.
    pub fn new(at_once: usize) -> Self {
        Self(Rc::new(Queue {
            free: Cell::new(at_once),
            arrivals: Cell::new(0),
            waiting: RefCell::default(),
        }))
    }

    /// Whether a request needs a turn. Streams have limits of their own; health and metrics must answer under
    /// any load.
    pub fn apply_to(request: &Request) -> bool {
        let path = request.path();
        matches!(*request.method(), Method::GET | Method::HEAD)
            && !path.ends_with("/stream")
            && !is_for_operators(path)
    }

    /// Waits for a turn, for a request whose connection has `untaken` responses; `None` when none comes in
    /// time.
    pub async fn wait(&self, untaken: usize) -> Option<ReadTurn> {
        let Self(queue) = self;
        if queue.free.get() > 0 {
            queue.free.set(queue.free.get() - 1);
            return Some(ReadTurn(Some(queue.clone())));
        }
        let arrival = queue.arrivals.get();
        queue.arrivals.set(arrival + 1);
        let place = QueueKey { untaken, arrival };
        let (call, called) = oneshot::channel();
        let since = Instant::now();
        let waiter = Waiter { since, call };
        queue.waiting.borrow_mut().insert(place, waiter);
        // Whether it gets a turn, times out or is dropped.
        let _dequeue = scopeguard::guard(place, |place| {
            queue.waiting.borrow_mut().remove(&place);
        });
        timeout(TURN_TIMEOUT, called).await.ok()?.ok()
    }
}

impl Queue {
    fn next(&self) -> Option<Waiter> {
        let mut waiting = self.waiting.borrow_mut();
        let (first, waiter) = waiting.first_key_value()?;
        let place = match waiter.since.elapsed() > OVERLOADED_AFTER {
            false => *first,
            true => {
                let last = QueueKey {
                    untaken: first.untaken,
                    arrival: u64::MAX,
                };
                *waiting.range(..=last).next_back()?.0
            }
        };
        waiting.remove(&place)
    }
}

impl Drop for ReadTurn {
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        while let Some(waiter) = queue.next() {
            match waiter.call.send(ReadTurn(Some(queue.clone()))) {
                Ok(()) => return,
                // The waiter gave up a moment ago: the turn goes to the next one.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
        queue.free.set(queue.free.get() + 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_connection_that_takes_its_responses_goes_before_one_that_does_not() {
        let turns = ReadTurns::new(1);
        let first = turns.wait(0).await;
        let mut behind = Box::pin(turns.wait(3));
        let mut ahead = Box::pin(turns.wait(0));
        assert!((&mut behind).now_or_never().is_none());
        assert!((&mut ahead).now_or_never().is_none());
        drop(first);
        assert!((&mut behind).now_or_never().is_none());
        let second = (&mut ahead).now_or_never().flatten();
        assert!(second.is_some());
        drop(second);
        assert!((&mut behind).now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn a_turn_given_to_a_waiter_that_gives_up_is_not_lost() {
        let turns = ReadTurns::new(1);
        let first = turns.wait(0).await;
        let mut gives_up = Box::pin(turns.wait(0));
        let mut stays = Box::pin(turns.wait(0));
        assert!((&mut gives_up).now_or_never().is_none());
        assert!((&mut stays).now_or_never().is_none());
        drop(first);
        // It was given the turn, and gives up before it is polled again.
        drop(gives_up);
        assert!((&mut stays).now_or_never().flatten().is_some());
        assert!(turns.wait(0).now_or_never().flatten().is_some());
    }
}
