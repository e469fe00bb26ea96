//! Waiting for what is to come.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// Long enough for a machine that has much else to do.
pub const DEADLINE: Duration = Duration::from_secs(60);

const STEP: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < give_up, "in vain waited until {what}");
        sleep(STEP).await;
    }
}

/// The result of something that must not take for ever.
pub async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => panic!("after {limit:?} still waiting: {what}"),
    }
}
