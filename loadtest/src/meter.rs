//! What is measured while a run lasts.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use harness::client::ApiError;
use hdrhistogram::Histogram;
use serde::Serialize;

/// Counters and histograms of one run. Latencies are kept in microseconds with three significant digits.
#[derive(Debug, Default)]
pub struct Meter {
    /// Messages due before this many microseconds of the run are sent and checked, but not measured.
    measured_from_us: AtomicU64,
    /// How long messages are due from then on.
    measured_for_us: AtomicU64,
    acknowledgements: Mutex<Series>,
    deliveries: Mutex<Series>,
    errors: Mutex<BTreeMap<String, u64>>,
    sent: AtomicU64,
    unanswered: AtomicU64,
    refused: AtomicU64,
    reconnects: AtomicU64,
}

#[derive(Debug)]
struct Series {
    latencies_us: Histogram<u64>,
    /// Since the measurement began.
    last_at: Duration,
    /// Those of the interval that is under way.
    interval_us: Histogram<u64>,
    /// The intervals before it.
    over_time: Vec<Interval>,
}

/// One series of latencies as it is plotted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Measured {
    /// All of it, summed up.
    #[serde(flatten)]
    pub latency: Latency,
    /// How many in a hundred took at most so many milliseconds.
    pub curve: Vec<(f64, f64)>,
    /// By the moment when they came to their end.
    pub over_time: Vec<Interval>,
}

/// A short stretch of a series; all zero where nothing came to its end in it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Interval {
    /// Seconds from the beginning of the measurement to the end of the stretch.
    pub at_seconds: f64,
    /// How many came to their end in it, by second.
    pub per_second: f64,
    /// Half of them took no longer; all in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// One series of latencies, summed up.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// How many there were per second, while messages were due, or until the last one if it came later.
    pub per_second: f64,
    /// Half of them took no longer; all in milliseconds.
    pub p50_ms: f64,
    /// 95 of 100.
    pub p95_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// 999 of 1,000.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What became of the sends and streams.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Counts {
    /// Messages sent, however they ended.
    pub sent: u64,
    /// Sends that were given up without an answer that settles them; they may be stored.
    pub unanswered: u64,
    /// Sends that were refused for good.
    pub refused: u64,
    /// Streams that were lost and asked for again.
    pub stream_reconnects: u64,
    /// Every failed attempt by its status or kind, those that were repeated with success included.
    pub errors: BTreeMap<String, u64>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent,
            unanswered,
            refused,
            stream_reconnects,
            errors,
        } = self;
        write!(
            f,
            "sent {sent}, unanswered {unanswered}, refused {refused}, streams reconnected {stream_reconnects}"
        )?;
        if !errors.is_empty() {
            let errors: Vec<_> = errors
                .iter()
                .map(|(label, count)| format!("{label} × {count}"))
                .collect();
            write!(f, "\nfailed attempts: {}", errors.join(", "))?;
        }
        Ok(())
    }
}

/// The length of a stretch.
const INTERVAL: Duration = Duration::from_millis(500);
/// Where a curve of percentiles has its points.
const CURVE_PERCENT: [f64; 17] = [
    1.0, 5.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.75, 99.9, 99.95, 99.975,
    99.99, 99.999,
];

impl Meter {
    /// From here on latencies count, for messages that are due later than this, which come for so long; all moments count
    /// from the start of the run.
    pub fn measure(&self, start: Duration, lasts: Duration) {
        for (kept, told) in [
            (&self.measured_from_us, start),
            (&self.measured_for_us, lasts),
        ] {
            kept.store(told.as_micros() as u64, Relaxed);
        }
    }

    /// Forgets everything, for another round.
    pub fn reset(&self) {
        for series in [&self.acknowledgements, &self.deliveries] {
            *lock(series) = Series::default();
        }
        lock(&self.errors).clear();
        for counter in [
            &self.sent,
            &self.unanswered,
            &self.refused,
            &self.reconnects,
        ] {
            counter.store(0, Relaxed);
        }
    }

    /// A message goes out.
    pub fn sending(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    /// A message that was due then is acknowledged now.
    pub fn acknowledged(&self, due: Duration, now: Duration) {
        self.record(&self.acknowledgements, due, now);
    }

    /// A message that was due then has reached the other person now.
    pub fn delivered(&self, due: Duration, now: Duration) {
        self.record(&self.deliveries, due, now);
    }

    /// A send ended without success.
    pub fn gave_up(&self, error: &ApiError) {
        if error.is_transient() {
            self.unanswered();
        } else {
            self.refused.fetch_add(1, Relaxed);
        }
    }

    /// A send ended without an answer.
    pub fn unanswered(&self) {
        self.unanswered.fetch_add(1, Relaxed);
    }

    /// A stream was lost and will be asked for again.
    pub fn reconnecting(&self) {
        self.reconnects.fetch_add(1, Relaxed);
    }

    /// An attempt failed.
    pub fn failed(&self, label: String) {
        *lock(&self.errors).entry(label).or_default() += 1;
    }

    /// How many messages went out so far.
    pub fn sent_count(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Acknowledgement latencies so far.
    pub fn acknowledgements(&self) -> Measured {
        lock(&self.acknowledgements).measured(self.measured_for())
    }

    /// Delivery latencies so far.
    pub fn deliveries(&self) -> Measured {
        lock(&self.deliveries).measured(self.measured_for())
    }

    /// Counters so far.
    pub fn counts(&self) -> Counts {
        Counts {
            sent: self.sent.load(Relaxed),
            unanswered: self.unanswered.load(Relaxed),
            refused: self.refused.load(Relaxed),
            stream_reconnects: self.reconnects.load(Relaxed),
            errors: lock(&self.errors).clone(),
        }
    }

    fn measured_from(&self) -> Duration {
        Duration::from_micros(self.measured_from_us.load(Relaxed))
    }

    fn measured_for(&self) -> Duration {
        Duration::from_micros(self.measured_for_us.load(Relaxed))
    }

    fn record(&self, series: &Mutex<Series>, due: Duration, now: Duration) {
        let from = self.measured_from();
        if due >= from {
            lock(series).record(now.saturating_sub(due), now.saturating_sub(from));
        }
    }
}

impl Default for Series {
    fn default() -> Self {
        Self {
            latencies_us: latencies_us(3),
            last_at: Duration::ZERO,
            interval_us: latencies_us(2),
            over_time: Vec::new(),
        }
    }
}

impl Series {
    fn record(&mut self, latency: Duration, now: Duration) {
        let latency_us = latency.as_micros() as u64;
        self.latencies_us.saturating_record(latency_us);
        self.last_at = self.last_at.max(now);
        loop {
            let ends = INTERVAL * (self.over_time.len() as u32 + 1);
            if now < ends {
                break;
            }
            self.over_time.push(stretch(&self.interval_us, ends));
            self.interval_us.reset();
        }
        self.interval_us.saturating_record(latency_us);
    }

    fn measured(&self, lasts: Duration) -> Measured {
        let at_percent = |percent: f64| {
            let us = self.latencies_us.value_at_quantile(percent / 100.0);
            (percent, us as f64 / 1000.0)
        };
        Measured {
            latency: self.summary(lasts),
            // Of a hundred messages none is the slowest of a thousand.
            curve: CURVE_PERCENT
                .into_iter()
                .filter(|percent| self.latencies_us.len() as f64 * (100.0 - percent) >= 100.0)
                .map(at_percent)
                .collect(),
            // Without the stretch that is not over yet: its count by second would be too low.
            over_time: self.over_time.clone(),
        }
    }

    fn summary(&self, lasts: Duration) -> Latency {
        let count = self.latencies_us.len();
        let at = |quantile| self.latencies_us.value_at_quantile(quantile) as f64 / 1000.0;
        let seconds = self.last_at.max(lasts).as_secs_f64();
        Latency {
            count,
            per_second: if seconds > 0.0 {
                count as f64 / seconds
            } else {
                0.0
            },
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: self.latencies_us.max() as f64 / 1000.0,
        }
    }
}

/// An empty histogram of latencies up to an hour, in microseconds, exact to so many digits.
pub(crate) fn latencies_us(digits: u8) -> Histogram<u64> {
    const LONGEST_US: u64 = 3_600_000_000;
    Histogram::new_with_max(LONGEST_US, digits).expect("the bounds are valid")
}

fn stretch(latencies_us: &Histogram<u64>, ends: Duration) -> Interval {
    let at = |quantile| latencies_us.value_at_quantile(quantile) as f64 / 1000.0;
    Interval {
        at_seconds: ends.as_secs_f64(),
        per_second: latencies_us.len() as f64 / INTERVAL.as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: latencies_us.max() as f64 / 1000.0,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_latency_counts_from_when_the_message_was_due() {
        let meter = Meter::default();
        for number in 1..=100 {
            meter.acknowledged(ms(1000), ms(1000 + number));
        }
        let latency = meter.acknowledgements().latency;
        assert_eq!(latency.count, 100);
        for (value, expected) in [
            (latency.p50_ms, 50.0),
            (latency.p99_ms, 99.0),
            (latency.max_ms, 100.0),
        ] {
            assert!(
                (value - expected).abs() <= expected / 500.0,
                "{value} is not {expected}"
            );
        }
        assert!((latency.per_second - 100.0 / 1.1).abs() < 0.001);
    }

    #[test]
    fn a_stretch_in_which_nothing_came_is_told_as_such() {
        let meter = Meter::default();
        // Stretches begin with the measurement, or the first would be a shorter one.
        meter.measure(ms(300), ms(2600));
        for at in [900, 2400, 2900] {
            meter.delivered(ms(at), ms(at + 10));
        }
        let over_time = meter.deliveries().over_time;
        let told = over_time.iter().map(|at| (at.at_seconds, at.per_second));
        let expected = [(0.5, 0.0), (1.0, 2.0), (1.5, 0.0), (2.0, 0.0), (2.5, 2.0)];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_was_due_in_the_warm_up_is_not_measured() {
        let meter = Meter::default();
        meter.measure(ms(500), ms(500));
        meter.delivered(ms(499), ms(2000));
        assert_eq!(meter.deliveries().latency.count, 0);
        meter.delivered(ms(500), ms(1500));
        let latency = meter.deliveries().latency;
        assert_eq!((latency.count, latency.per_second), (1, 1.0));
    }

    #[test]
    fn a_timetable_of_few_messages_has_the_rate_it_was_made_for() {
        let meter = Meter::default();
        meter.measure(ms(0), ms(5000));
        for due in [0, 1000, 2000, 3000, 4000] {
            meter.delivered(ms(due), ms(due + 10));
        }
        assert_eq!(meter.deliveries().latency.per_second, 1.0);
    }
}
