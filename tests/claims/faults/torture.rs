//! A short run of the load tool's torture; longer ones are made by hand.

use std::time::Duration;

use loadtest::{
    progress::Progress,
    report::{Outcome, Report},
    torture::{self, Options},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_row_of_faults_breaks_no_promise() {
    let options = Options {
        duet: Some(env!("CARGO_BIN_EXE_duet").into()),
        seed: Some(20),
        duration: Duration::from_secs(15),
        instances: 2,
        pairs: 5,
        rate: 50.0,
        faults: Vec::new(),
        clocks_apart: Duration::from_secs(600),
        tail: Duration::from_secs(60),
    };
    let report = torture::run(&options, &Progress::shown()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Kept, "{report}");
    assert!(!report.rounds.is_empty());
}
