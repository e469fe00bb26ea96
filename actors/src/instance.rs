//! Composes an instance and starts its tasks.

use std::sync::Arc;

use actix::ArbiterHandle;

use crate::{
    Limits, Metrics, PairRegistry, Tasks, World,
    environment::Environment,
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
    for (lane, arbiter) in environment
        .journal
        .lanes()
        .iter()
        .zip(arbiters.iter().cycle())
    {
        let (lane, tasks) = (lane.clone(), tasks.clone());
        arbiter.spawn(async move { tasks.supervise("journal", || lane.clone().run()).await });
    }
    let pairs = PairRegistry::new(environment, arbiters.clone());
    let starter = Starter {
        pairs: &pairs,
        tasks,
        arbiter: &arbiters[0],
    };
    starter.start("deferred_writes", |pairs| {
        pairs.environment().deferred.clone().run()
    });
    starter.start("relay", relay::run);
    starter.start("catch_up", relay::catch_up);
    starter.start("news", relay::poll_store);
    starter.start("peers", peers::run);
    starter.start("sweep", sweeper::run);
    starter.start("audit", sweeper::audit);
    starter.start("lease", |pairs| async move {
        pairs.environment().lease.renew_for_ever().await;
    });
    pairs
}

/// Starts supervised tasks on the first arbiter.
struct Starter<'a> {
    pairs: &'a PairRegistry,
    tasks: &'a Tasks,
    arbiter: &'a ArbiterHandle,
}

impl Starter<'_> {
    fn start<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        task: impl Fn(PairRegistry) -> F + Send + Sync + 'static,
    ) {
        let (pairs, tasks) = (self.pairs.clone(), self.tasks.clone());
        self.arbiter.spawn(async move {
            tasks.supervise(name, || task(pairs.clone())).await;
        });
    }
}
