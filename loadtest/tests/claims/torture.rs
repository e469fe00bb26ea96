//! A short run of torture over the server of the same build; longer ones are made by hand.

use std::time::Duration;

use harness::faults::Fault;
use loadtest::{
    progress::Progress,
    report::{Outcome, Report},
    torture::{self, Options},
};

fn options() -> Options {
    Options {
        duet: Some(crate::duet()),
        seed: Some(20),
        duration: Duration::from_secs(15),
        instances: 2,
        postgres_servers: 1,
        pairs: 5,
        rate: 50.0,
        faults: Vec::new(),
        clocks_apart: Duration::from_secs(600),
        tail: Duration::from_secs(60),
    }
}

async fn no_promise_is_broken(options: Options) {
    let report = torture::run(&options, &Progress::shown()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Kept, "{report}");
    assert!(!report.rounds.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_row_of_faults_breaks_no_promise() {
    no_promise_is_broken(options()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_one_of_two_postgresql_servers_break_no_promise() {
    no_promise_is_broken(Options {
        postgres_servers: 2,
        faults: vec![
            Fault::PostgresKilled,
            Fault::CommitsUnanswered,
            Fault::InstanceWithoutPostgres,
            Fault::RedisStaysAway,
        ],
        ..options()
    })
    .await;
}
