use std::time::{Duration, Instant};

/// How long a condition may take to become true; far more than any machine needs, so that only a bug exceeds it.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often a condition is checked.
const INTERVAL: Duration = Duration::from_millis(3);

/// Waits until something holds.
///
/// # Panics
/// When it does not come to hold within a minute; `what` says what was waited for.
pub async fn eventually<C>(what: &str, mut holds: impl FnMut() -> C)
where
    C: Future<Output = bool>,
{
    eventually_some(what, || {
        let holds = holds();
        async { holds.await.then_some(()) }
    })
    .await;
}

/// Waits until there is a value, and returns it.
///
/// # Panics
/// When there is nothing within a minute; `what` says what was waited for.
pub async fn eventually_some<T, C>(what: &str, mut look: impl FnMut() -> C) -> T
where
    C: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            started.elapsed() < DEADLINE,
            "this did not come about: {what}"
        );
        tokio::time::sleep(INTERVAL).await;
    }
}
