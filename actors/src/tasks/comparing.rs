//! Compares the pairs in memory with the store, many in one question.
//!
//! Each partition of the store is asked by itself: one that does not answer, or answers slowly, holds
//! up the comparisons of no other.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures_util::{
    StreamExt,
    future::{BoxFuture, join_all},
    stream::FuturesUnordered,
};
use tracing::debug;

use crate::{
    PairRegistry,
    domain::ChatKey,
    pair::{Audited, News},
    ports::Position,
    supervision::catch_panic,
};

/// Chats compared in one query.
const COMPARE_LEN_MAX: usize = 20_000;
/// How long to wait before a partition that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// Partitions that are due within this time are asked together, so that the pairs are looked through
/// once for them.
const TOGETHER: Duration = Duration::from_millis(30);

/// How often a partition is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The time from one question to the next, at least.
    pub(crate) interval: Duration,
    /// The store is left alone for so many times as long as a question takes.
    pub(crate) pause_times: u32,
    /// And for no longer than this.
    pub(crate) pause_max: Duration,
}

/// Chats that are to be compared, and the questions that are under way.
pub(crate) struct Comparisons {
    pairs: PairRegistry,
    pace: Pace,
    parts: Vec<Part>,
    under_way: FuturesUnordered<BoxFuture<'static, (usize, Compared)>>,
}

/// The comparisons of one partition.
struct Part {
    is_busy: bool,
    /// Chats of the next question.
    wanted: HashSet<ChatKey>,
    /// Chats of the last question that the store could not be asked for.
    failed: usize,
    due: Instant,
    /// How long the last answers took. The shortest counts, so that one which had to wait for a
    /// connection does not make the next questions rare.
    took: [Duration; 3],
}

/// One question, answered or given up.
pub(crate) struct Compared {
    /// The chats it was about.
    pub(crate) keys: Vec<ChatKey>,
    /// Those that the store could not be asked for: they are asked for again.
    left: Vec<ChatKey>,
    began: Instant,
}

impl Comparisons {
    pub(crate) fn new(pairs: &PairRegistry, pace: Pace) -> Self {
        Self {
            pairs: pairs.clone(),
            pace,
            parts: (0..pairs.store().partitions())
                .map(|_| Part::new())
                .collect(),
            under_way: FuturesUnordered::new(),
        }
    }

    /// Has these chats compared when their partition's turn comes.
    pub(crate) fn want(&mut self, keys: impl IntoIterator<Item = ChatKey>) {
        for key in keys {
            self.part_of(key).wanted.insert(key);
        }
    }

    /// Has those of the chats compared whose partition is due; answers whether there are any. The
    /// other partitions come to their turn with what is wanted then.
    pub(crate) fn want_due(&mut self, keys: impl IntoIterator<Item = ChatKey>) -> bool {
        let due: Vec<bool> = self.parts.iter().map(Part::is_due).collect();
        let mut any = false;
        for key in keys {
            let number = self.pairs.store().partition(key);
            if due[number] {
                self.parts[number].wanted.insert(key);
                any = true;
            }
        }
        for (part, is_due) in self.parts.iter_mut().zip(due) {
            if is_due && part.wanted.is_empty() {
                part.due = Instant::now() + self.pace.interval;
            }
        }
        any
    }

    /// Whether a partition may be asked now.
    pub(crate) fn is_due(&self) -> bool {
        self.parts.iter().any(Part::is_due)
    }

    /// Waits until a partition may be asked.
    pub(crate) fn until_due(&self) -> impl Future<Output = ()> + use<> {
        let idle = self.parts.iter().filter(|part| !part.is_busy);
        sleep_until(idle.map(|part| part.due).min())
    }

    /// For how many chats the store did not answer when it was last asked for them.
    pub(crate) fn failed(&self) -> usize {
        self.parts.iter().map(|part| part.failed).sum()
    }

    /// Asks for what is wanted, and waits until a question is answered or given up. Nothing is lost
    /// when this is dropped before.
    pub(crate) async fn next(&mut self) -> Compared {
        loop {
            self.start();
            let wanted = self.parts.iter().filter(|part| part.is_wanted());
            let until_due = sleep_until(wanted.map(|part| part.due).min());
            tokio::select! {
                Some((number, compared)) = self.under_way.next() => {
                    self.settle(number, &compared);
                    return compared;
                }
                () = until_due => {}
            }
        }
    }

    fn start(&mut self) {
        let now = Instant::now();
        for (number, part) in self.parts.iter_mut().enumerate() {
            if part.is_wanted() && part.due <= now + TOGETHER {
                part.is_busy = true;
                let keys = std::mem::take(&mut part.wanted).into_iter().collect();
                let pairs = self.pairs.clone();
                let compared = async move { (number, compare(&pairs, keys).await) };
                self.under_way.push(Box::pin(compared));
            }
        }
    }

    fn settle(&mut self, number: usize, compared: &Compared) {
        let part = &mut self.parts[number];
        part.is_busy = false;
        part.failed = compared.left.len();
        part.wanted.extend(&compared.left);
        part.pause(self.pace, compared.began, Instant::now());
    }

    fn part_of(&mut self, key: ChatKey) -> &mut Part {
        let number = self.pairs.store().partition(key);
        &mut self.parts[number]
    }
}

impl Part {
    fn new() -> Self {
        Self {
            is_busy: false,
            wanted: HashSet::new(),
            failed: 0,
            due: Instant::now(),
            took: [Duration::ZERO; 3],
        }
    }

    /// Says when the next question may come after one that `began` then and is over now.
    fn pause(&mut self, pace: Pace, began: Instant, now: Instant) {
        let pause = match self.failed {
            0 => {
                self.took.rotate_left(1);
                self.took[2] = now - began;
                let took = self.took.iter().min().copied().unwrap_or_default();
                pace.pause_max.min(took * pace.pause_times)
            }
            // How long an answer was waited for in vain says nothing of what an answer costs.
            _ => ASK_AGAIN,
        };
        self.due = (now + pause).max(began + pace.interval);
    }

    fn is_due(&self) -> bool {
        !self.is_busy && self.due <= Instant::now() + TOGETHER
    }

    fn is_wanted(&self) -> bool {
        !self.is_busy && !self.wanted.is_empty()
    }
}

/// Waits until then, or for ever.
async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Tells pairs what the store has that they do not, without waking the others.
async fn compare(pairs: &PairRegistry, keys: Vec<ChatKey>) -> Compared {
    let began = Instant::now();
    let parts = keys.chunks(COMPARE_LEN_MAX);
    let left = join_all(parts.map(|part| compare_in_one_query(pairs, part))).await;
    Compared {
        left: left.concat(),
        keys,
        began,
    }
}

/// Answers the chats that the store could not be asked for.
async fn compare_in_one_query(pairs: &PairRegistry, keys: &[ChatKey]) -> Vec<ChatKey> {
    let (keys, asked): (Vec<ChatKey>, Vec<Position>) = keys
        .iter()
        .filter_map(|key| Some((*key, pairs.known(*key)?)))
        .unzip();
    if keys.is_empty() {
        return Vec::new();
    }
    let positions = match catch_panic(pairs.store().positions(&keys)).await {
        Ok(positions) => positions,
        Err(panic) => {
            debug!(panic, "the pairs are compared with the store later");
            return keys;
        }
    };
    let mut left = Vec::new();
    for ((key, asked), position) in keys.iter().zip(asked).zip(positions) {
        match position {
            Ok(position) if pairs.is_behind(*key, &asked, position) => {
                pairs.tell(*key, News::Audited(Audited { asked, position }));
            }
            Ok(_) => {}
            Err(failure) => {
                if left.is_empty() {
                    debug!(%failure, "some pairs are compared with the store later");
                }
                left.push(*key);
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        interval: Duration::from_millis(300),
        pause_times: 9,
        pause_max: Duration::from_secs(4),
    };

    /// The pauses after questions that took so many milliseconds each, in milliseconds.
    fn pauses(took_ms: &[u64], failed: usize) -> Vec<u128> {
        let mut part = Part::new();
        part.failed = failed;
        let mut pauses = Vec::new();
        for took in took_ms {
            let began = Instant::now();
            let over = began + Duration::from_millis(*took);
            part.pause(PACE, began, over);
            pauses.push((part.due - over).as_millis());
        }
        pauses
    }

    #[test]
    fn one_slow_answer_or_two_make_no_question_rare() {
        assert_eq!(pauses(&[5_000, 5_000, 10], 0), [0, 0, 290]);
        assert_eq!(pauses(&[10, 10, 10, 7_000, 7_000], 0)[3..], [90, 90]);
    }

    #[test]
    fn a_store_whose_answers_all_take_long_is_left_most_of_its_time_up_to_a_bound() {
        assert_eq!(pauses(&[100; 4], 0), [200, 200, 900, 900]);
        assert_eq!(pauses(&[2_000; 3], 0)[2], 4_000);
    }

    #[test]
    fn a_store_that_does_not_answer_is_asked_again_soon_however_long_it_was_waited_for() {
        assert_eq!(pauses(&[7_000, 7_000, 7_000, 10], 3), [250, 250, 250, 290]);
    }
}
