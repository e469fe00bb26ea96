//! Pairs with open streams, over whichever protocol: made to talk, watched meanwhile, and judged in the end.

use std::{sync::Arc, time::Duration};

use harness::checker::{Ledger, Verdict};

use super::{FlowError, Options, Run, listen, recall, send, wait_for_tail};
use crate::{
    crowd::Crowd,
    meter::Meter,
    options::{Servers, ServersError},
    pairs,
    perf::Counting,
    progress::Progress,
    rivals::xmpp,
    stamp::Stamps,
    usage::{self, Processes},
    watch::{ServerUsage, Watch},
};

/// Pairs with open streams, ready to talk; what was said is checked in the end, over all rounds of sending.
#[derive(Debug)]
pub(crate) struct Talk {
    driver: Driver,
    servers: Processes,
    beside: Processes,
}

#[derive(Debug)]
enum Driver {
    /// duet's API.
    Api { run: Arc<Run>, streams: Crowd },
    Xmpp {
        run: Arc<xmpp::Run>,
        listening: xmpp::Listening,
    },
}

/// What a round of sending used.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// Processor seconds of the tool itself.
    pub(crate) tool_cpu_seconds: f64,
    pub(crate) servers: Option<ServerUsage>,
    /// What the processes used that the servers stand on.
    pub(crate) beside: Option<ServerUsage>,
    /// Instructions of all of them.
    pub(crate) instructions: Option<u64>,
}

impl Talk {
    /// Registers the pairs, logs everyone in, and opens their streams.
    pub(crate) async fn prepare(
        servers: &Servers,
        pairs: usize,
        progress: &Progress,
    ) -> Result<Self, FlowError> {
        let processes = servers.processes()?;
        let driver = match servers.over_xmpp()? {
            Some(addresses) => {
                let (run, listening) = xmpp::Run::gather(&addresses, pairs, progress).await?;
                Driver::Xmpp { run, listening }
            }
            None => {
                let clients = servers.clients().await?;
                let run = Arc::new(Run::gather(clients, pairs, progress).await?);
                let mut streams = listen::open(&run);
                streams.all_open(progress).await?;
                Driver::Api { run, streams }
            }
        };
        Ok(Self {
            driver,
            servers: processes,
            beside: Processes::default(),
        })
    }

    /// Watches the processes that the servers stand on as well.
    pub(crate) fn beside(mut self, pids: &[u32]) -> Result<Self, FlowError> {
        self.beside = Processes::new(pids).map_err(ServersError::from)?;
        Ok(self)
    }

    /// Registers chats in which nobody talks.
    pub(crate) async fn register(
        &self,
        silent_chats: usize,
        progress: &Progress,
    ) -> Result<(), FlowError> {
        match &self.driver {
            Driver::Api { run, .. } => pairs::register(&run.clients, silent_chats, progress)
                .await
                .map_err(FlowError::Gathering),
            Driver::Xmpp { .. } if silent_chats > 0 => Err(FlowError::ApiAlone("--silent-chats")),
            Driver::Xmpp { .. } => Ok(()),
        }
    }

    /// Sends as the options say, and measures that alone.
    pub(crate) async fn send(&self, options: &Options, progress: &Progress) -> Used {
        let counting = self.counting(options, progress).await;
        self.meter().reset();
        let begins = self.stamps().elapsed();
        self.meter()
            .measure(begins + options.warmup, options.measured());
        let (servers, beside) = (Watch::begin(&self.servers), Watch::begin(&self.beside));
        let cpu_before = usage::cpu_seconds();
        match &self.driver {
            Driver::Api { run, .. } => send::all(run, options, progress).await,
            Driver::Xmpp { run, .. } => send::all(run, options, progress).await,
        }
        Used {
            tool_cpu_seconds: usage::cpu_seconds() - cpu_before,
            servers: servers.end().await,
            beside: beside.end().await,
            instructions: counting.and_then(Counting::end),
        }
    }

    async fn counting(&self, options: &Options, progress: &Progress) -> Option<Counting> {
        if !options.instructions {
            return None;
        }
        let mut pids = self.servers.ids();
        pids.extend(self.beside.ids());
        let counting = Counting::begin(&pids).await;
        counting
            .inspect_err(|error| progress.tell(format!("instructions are not counted: {error}")))
            .ok()
    }

    /// Waits until both people have seen everything that was sent, or for that long.
    pub(crate) async fn settle(&self, tail: Duration, progress: &Progress) {
        progress.say("waiting until both people have seen everything");
        if !wait_for_tail(self.ledger(), tail).await {
            progress.say(format!("giving up on it after {} s", tail.as_secs_f64()));
        }
    }

    /// What was measured since the last round of sending began.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        match &self.driver {
            Driver::Api { run, .. } => &run.meter,
            Driver::Xmpp { run, .. } => &run.meter,
        }
    }

    fn stamps(&self) -> &Stamps {
        match &self.driver {
            Driver::Api { run, .. } => &run.stamps,
            Driver::Xmpp { run, .. } => &run.stamps,
        }
    }

    fn ledger(&self) -> &Ledger {
        match &self.driver {
            Driver::Api { run, .. } => &run.ledger,
            Driver::Xmpp { run, .. } => &run.ledger,
        }
    }

    /// Reads every history, asking for so long where no server answers, and judges everything that was said.
    pub(crate) async fn judge(self, patience: Duration, progress: &Progress) -> Verdict {
        progress.say("reading the history");
        // The streams stay open meanwhile: what they show again now is still counted.
        match self.driver {
            Driver::Api { run, streams } => {
                recall::all(&run, patience).await;
                drop(streams);
                run.ledger.verdict()
            }
            Driver::Xmpp { run, listening } => {
                run.recall().await;
                drop(listening);
                run.ledger.verdict()
            }
        }
    }
}
