//! The open loop's timetable: says when each message is due, on time and whatever the answers do.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::options::Extent;

/// A message that is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Due {
    pub(super) number: u64,
    /// Since the timetable began.
    pub(super) since_first: Duration,
}

/// Hands out every message of the timetable when it is due.
///
/// The timetable has a thread of its own because the runtime's timer counts in whole milliseconds: being up to one late
/// would be most of what is measured on a fast server. The channel has no bound, since a bound would make the timetable
/// wait for the servers.
pub(super) fn begin(began: Instant, rate: f64, extent: Extent) -> UnboundedReceiver<Due> {
    let (due_now, due) = unbounded_channel();
    thread::spawn(move || {
        for number in 0.. {
            let since_first = Duration::from_secs_f64(number as f64 / rate);
            if !extent.covers(number, since_first) {
                return;
            }
            thread::sleep((began + since_first).saturating_duration_since(Instant::now()));
            if due_now
                .send(Due {
                    number,
                    since_first,
                })
                .is_err()
            {
                return;
            }
        }
    });
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_message_is_handed_out_and_none_before_its_time() {
        let began = Instant::now();
        let mut due = begin(began, 2000.0, Extent::Time(Duration::from_millis(100)));
        let mut numbers = Vec::new();
        while let Some(Due {
            number,
            since_first,
        }) = due.recv().await
        {
            assert!(began.elapsed() >= since_first);
            assert_eq!(since_first, Duration::from_micros(500 * number));
            numbers.push(number);
        }
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_late_reader_gets_the_times_that_were_planned() {
        let began = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        let mut due = begin(began, 1.0, Extent::Messages(3));
        for number in 0..3 {
            assert_eq!(
                due.recv().await,
                Some(Due {
                    number,
                    since_first: Duration::from_secs(number)
                })
            );
        }
        assert_eq!(due.recv().await, None);
    }
}
