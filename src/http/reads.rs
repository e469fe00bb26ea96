//! Who is served first when more want to read than the store can serve. Requests that only read cost
//! the store and take nothing from whoever sends them, so a few connections could keep it busy for
//! everybody: on each arbiter only so many are carried out at once, and the others wait here.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_http::Request;
use actix_web::http::Method;
use tokio::{sync::oneshot, time::timeout};

use super::answers::is_for_operators;

/// How long a request waits before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// When one has waited this long there are more than can be served. Then the newest go first: their
/// clients are still there, and those who come now do not queue behind a flood.
const LATE: Duration = Duration::from_millis(250);

/// The turns of one arbiter. Cheap to clone.
#[derive(Clone)]
pub struct Reads(Rc<Queue>);

struct Queue {
    free: Cell<usize>,
    arrivals: Cell<u64>,
    waiting: RefCell<BTreeMap<Place, Waiter>>,
}

/// Those whose connection has fewer answers waiting to be taken come first, whenever they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    untaken: usize,
    arrival: u64,
}

struct Waiter {
    since: Instant,
    call: oneshot::Sender<Turn>,
}

/// A turn, until it is dropped.
pub struct Turn(Option<Rc<Queue>>);

impl Reads {
    /// So many turns at once.
    pub fn new(at_once: usize) -> Self {
        Self(Rc::new(Queue {
            free: Cell::new(at_once),
            arrivals: Cell::new(0),
            waiting: RefCell::default(),
        }))
    }

    /// Whether a request takes a turn. Streams have limits of their own, and operators must see
    /// what is going on.
    pub fn concern(request: &Request) -> bool {
        let path = request.path();
        matches!(*request.method(), Method::GET | Method::HEAD)
            && !path.ends_with("/stream")
            && !is_for_operators(path)
    }

    /// A turn for a request on whose connection that many answers wait to be taken; nothing when it
    /// does not come.
    pub async fn turn(&self, untaken: usize) -> Option<Turn> {
        let Self(queue) = self;
        if queue.free.get() > 0 {
            queue.free.set(queue.free.get() - 1);
            return Some(Turn(Some(queue.clone())));
        }
        let arrival = queue.arrivals.get();
        queue.arrivals.set(arrival + 1);
        let place = Place { untaken, arrival };
        let (call, called) = oneshot::channel();
        let since = Instant::now();
        let waiter = Waiter { since, call };
        queue.waiting.borrow_mut().insert(place, waiter);
        let _leaves = Leaves { queue, place };
        timeout(PATIENCE, called).await.ok()?.ok()
    }
}

/// Takes a waiter out of the queue, when it was called as well as when it gave up.
struct Leaves<'a> {
    queue: &'a Queue,
    place: Place,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.queue.waiting.borrow_mut().remove(&self.place);
    }
}

impl Queue {
    fn next(&self) -> Option<Waiter> {
        let mut waiting = self.waiting.borrow_mut();
        let (first, waiter) = waiting.first_key_value()?;
        let place = match waiter.since.elapsed() > LATE {
            false => *first,
            true => {
                let last = Place {
                    untaken: first.untaken,
                    arrival: u64::MAX,
                };
                *waiting.range(..=last).next_back()?.0
            }
        };
        waiting.remove(&place)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queue) = self.0.take() else { return };
        while let Some(waiter) = queue.next() {
            match waiter.call.send(Turn(Some(queue.clone()))) {
                Ok(()) => return,
                // It gave up a moment ago; the turn goes to the next one.
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
    async fn who_takes_what_it_asked_for_goes_before_who_does_not() {
        let reads = Reads::new(1);
        let first = reads.turn(0).await;
        let mut behind = Box::pin(reads.turn(3));
        let mut ahead = Box::pin(reads.turn(0));
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
    async fn a_turn_is_not_lost_with_who_gave_up() {
        let reads = Reads::new(1);
        let first = reads.turn(0).await;
        let mut gives_up = Box::pin(reads.turn(0));
        let mut stays = Box::pin(reads.turn(0));
        assert!((&mut gives_up).now_or_never().is_none());
        assert!((&mut stays).now_or_never().is_none());
        drop(first);
        // It was called, and leaves without having heard it.
        drop(gives_up);
        assert!((&mut stays).now_or_never().flatten().is_some());
        assert!(reads.turn(0).now_or_never().flatten().is_some());
    }
}
