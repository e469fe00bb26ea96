//! What a run is doing, said while it does it: a moving bar on a terminal, a line per stage elsewhere.

use std::{fmt::Display, pin::pin, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::interval;

const REDRAW_EVERY: Duration = Duration::from_millis(200);

/// Says the stages of a run on standard error, so that standard output holds the report alone.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    silent: bool,
}

impl Progress {
    /// Says everything.
    pub fn shown() -> Self {
        Self { silent: false }
    }

    /// Says nothing, for runs inside a run.
    pub fn silent() -> Self {
        Self { silent: true }
    }

    /// Says what begins.
    pub fn say(&self, what: impl Display) {
        self.tell(format_args!("{what} …"));
    }

    /// Tells what is known.
    pub fn tell(&self, what: impl Display) {
        if !self.silent {
            eprintln!("{what}");
        }
    }

    /// Does the work, and shows meanwhile how many of the `total` are done.
    pub async fn during<T>(
        &self,
        what: impl Display,
        (total, unit): (u64, &'static str),
        done: impl Fn() -> u64,
        work: impl Future<Output = T>,
    ) -> T {
        self.say(&what);
        let bar = ProgressBar::new(total);
        if self.silent || bar.is_hidden() {
            return work.await;
        }
        bar.set_style(
            ProgressStyle::with_template("  {wide_bar} {human_pos} of {human_len} {msg}")
                .expect("the template is valid"),
        );
        bar.set_message(unit);
        let mut work = pin!(work);
        let mut redraw = interval(REDRAW_EVERY);
        loop {
            tokio::select! {
                worked = &mut work => {
                    bar.finish_and_clear();
                    return worked;
                }
                _ = redraw.tick() => bar.set_position(done()),
            }
        }
    }
}
