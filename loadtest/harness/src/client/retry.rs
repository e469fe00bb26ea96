//! Trying again: as long as the server asks to wait, or gently where nobody is there to ask.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::ApiError;

/// The first wait after a failed connection; it doubles up to [`WAIT_MAX`].
const WAIT_FIRST: Duration = Duration::from_millis(50);
/// An instance that comes back should be noticed within a second.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The patience of one request. After each failure, [`Retry::pause`] waits and says to go on, or gives the error back
/// when it is final or the time is up.
#[derive(Debug)]
pub struct Retry {
    give_up_at: Instant,
    wait: Duration,
    attempts: usize,
}

impl Retry {
    /// Goes on trying for this long.
    pub fn for_up_to(patience: Duration) -> Self {
        Self {
            give_up_at: Instant::now() + patience,
            wait: WAIT_FIRST,
            attempts: 0,
        }
    }

    /// How often it has failed: add it to an instance's number to ask the next one.
    pub fn attempts(&self) -> usize {
        self.attempts
    }

    /// Waits as long as the error asks for.
    pub async fn pause(&mut self, error: ApiError) -> Result<(), ApiError> {
        if !error.is_transient() {
            return Err(error);
        }
        let wait = error.retry_after().unwrap_or(self.wait).max(WAIT_FIRST);
        self.wait = (self.wait * 2).min(WAIT_MAX);
        self.attempts += 1;
        let back_at = Instant::now() + wait;
        if back_at > self.give_up_at {
            return Err(error);
        }
        sleep_until(back_at).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, retry_after: Option<u64>) -> ApiError {
        ApiError::Refused {
            url: String::new(),
            code,
            error: String::new(),
            message: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_is_the_one_the_server_asked_for() {
        let mut retry = Retry::for_up_to(Duration::from_secs(60));
        let start = Instant::now();
        retry.pause(refused(429, Some(7))).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 7);
        assert_eq!(retry.attempts(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_word_from_the_server_the_wait_doubles_up_to_a_second() {
        let mut retry = Retry::for_up_to(Duration::from_secs(60));
        let mut waits = Vec::new();
        for _ in 0..7 {
            let start = Instant::now();
            retry
                .pause(ApiError::TimedOut { url: String::new() })
                .await
                .unwrap();
            waits.push(start.elapsed().as_millis());
        }
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_final_answer_and_the_end_of_patience_give_the_error_back() {
        let mut retry = Retry::for_up_to(Duration::from_secs(5));
        assert_eq!(
            retry.pause(refused(422, None)).await.unwrap_err().code(),
            Some(422)
        );
        retry.pause(refused(503, Some(4))).await.unwrap();
        let start = Instant::now();
        assert_eq!(
            retry.pause(refused(503, Some(4))).await.unwrap_err().code(),
            Some(503)
        );
        assert_eq!(
            start.elapsed(),
            Duration::ZERO,
            "it does not wait for what it will not try"
        );
    }
}
