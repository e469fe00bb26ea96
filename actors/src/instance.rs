//! Composes an instance and starts its tasks.

use std::sync::Arc;

use actix::ArbiterHandle;

use crate::{
    Limits, Metrics, PairRegistry, Tasks, World,
    environment::Environment,
    pair::Signal,
    tasks::{peers, relay, sweeper},
};

/// Starts an instance and its tasks on these arbiters. Must be called inside an actix system.
///
/// # Panics
/// Without an arbiter.
pub fn start(
    world: World,
    limits: Limits,
    arbiters: Vec<ArbiterHandle>,
    metrics: Metrics,
    tasks: &Tasks,
) -> PairRegistry {
    let environment = Arc::new(Environment::new(world, limits, metrics));
    environment.world.bus.listen(environment.inbox.clone());
    let pairs = PairRegistry::new(environment.clone(), arbiters.clone());
    let lanes = environment.journal.lanes().iter().cloned();
    for (lane, arbiter) in lanes.zip(arbiters.iter().cycle()) {
        start_task(arbiter, "journal", tasks, &pairs, move |pairs| {
            let committed = move |key, messages| pairs.signal(key, Signal::Committed(messages));
            lane.clone().run(committed)
        });
    }
    let first = &arbiters[0];
    start_task(first, "deferred_writes", tasks, &pairs, |pairs| {
        pairs.environment().deferred.clone().run()
    });
    start_task(first, "relay", tasks, &pairs, relay::run);
    start_task(first, "catch_up", tasks, &pairs, relay::catch_up);
    start_task(first, "news", tasks, &pairs, relay::poll_store);
    start_task(first, "peers", tasks, &pairs, peers::run);
    start_task(first, "sweep", tasks, &pairs, sweeper::run);
    start_task(first, "audit", tasks, &pairs, sweeper::audit);
    start_task(first, "lease", tasks, &pairs, |pairs| async move {
        pairs.environment().lease.renew_for_ever().await;
    });
    pairs
}

/// Starts a supervised task.
fn start_task<F: Future<Output = ()> + Send + 'static>(
    arbiter: &ArbiterHandle,
    name: &'static str,
    tasks: &Tasks,
    pairs: &PairRegistry,
    task: impl Fn(PairRegistry) -> F + Send + Sync + 'static,
) {
    let (pairs, tasks) = (pairs.clone(), tasks.clone());
    arbiter.spawn(async move { tasks.supervise(name, || task(pairs.clone())).await });
}
