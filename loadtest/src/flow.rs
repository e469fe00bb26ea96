//! `flow`: pairs talk, at a fixed rate or as fast as a number of senders can, and everything is measured and checked.
//!
//! The stages, in the order [`run`] takes them: gather the pairs, open both people's streams, send, wait until the
//! streams have shown everything, read the history, judge.
//!
//! **Latency is counted from when a message was due.** With `--rate`, messages fall due on a fixed timetable; a server
//! that stalls for a second makes every message of that second late, and all of them count. A tool that waited for
//! answers before sending on would have measured one slow message and called the rest fast (coordinated omission).
//!
//! **Instances are spread so that nothing stays local.** The two streams of a pair are open on different instances, and
//! with two of them each message is sent on the one where the recipient's stream is not: every delivery takes the long way.

mod listen;
mod options;
pub(crate) mod recall;
mod report;
pub(crate) mod send;
mod talk;
mod timetable;

use std::{sync::Arc, time::Duration};

use harness::{
    checker::{Ledger, Seat, View},
    client::{ApiError, Client, Message, send_until_settled},
    stream::Signal,
};
use tokio::time::{Instant, sleep};

use crate::{
    crowd::CrowdError,
    meter::Meter,
    options::ServersError,
    pairs::{self, Pair},
    progress::Progress,
    rivals::xmpp::XmppError,
    stamp::Stamps,
    text::Texts,
};
pub use options::{Load, Options};
pub use report::{FlowReport, plots, server_plots};
pub(crate) use send::{Saying, Talkers};
pub(crate) use talk::{Talk, Used};

/// How often the tail's end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Why a run could not be made. What happens to single messages during a run is no such reason, and is in its report.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The servers cannot be driven as asked.
    #[error(transparent)]
    Servers(#[from] ServersError),
    /// The pairs could not be made.
    #[error("the pairs could not be registered and logged in: {0}")]
    Gathering(ApiError),
    /// The streams could not be opened.
    #[error(transparent)]
    Streams(#[from] CrowdError),
    /// The people could not be made or read over XMPP.
    #[error(transparent)]
    Xmpp(#[from] XmppError),
    /// There is nothing over XMPP that stands for it.
    #[error("{0} is for servers that speak duet's API")]
    ApiAlone(&'static str),
}

/// What all parts of a run share.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) clients: Arc<[Client]>,
    pub(crate) pairs: Vec<Pair>,
    pub(crate) stamps: Stamps,
    pub(crate) ledger: Ledger,
    pub(crate) meter: Arc<Meter>,
}

/// Makes one run.
pub async fn run(options: &Options, progress: &Progress) -> Result<FlowReport, FlowError> {
    let talk = Talk::prepare(&options.servers, options.pairs, progress).await?;
    let talk = talk.beside(&options.beside)?;
    talk.register(options.silent_chats, progress).await?;
    let used = talk.send(options, progress).await;
    talk.settle(options.tail, progress).await;
    let meter = Arc::clone(talk.meter());
    let verdict = talk.judge(options.patience, progress).await;
    Ok(FlowReport::new(options, &meter, used, verdict))
}

/// Waits until no stream owes a message; `false` when the deadline came first.
pub(crate) async fn wait_for_tail(ledger: &Ledger, deadline: Duration) -> bool {
    let give_up_at = Instant::now() + deadline;
    while ledger.outstanding() > 0 {
        if Instant::now() > give_up_at {
            return false;
        }
        sleep(LOOK_EVERY).await;
    }
    true
}

impl Run {
    /// Registers pairs and logs everyone in; the run's clock starts then.
    pub(crate) async fn gather(
        clients: Arc<[Client]>,
        pairs: usize,
        progress: &Progress,
    ) -> Result<Self, FlowError> {
        let pairs = pairs::gather(&clients, pairs, progress)
            .await
            .map_err(FlowError::Gathering)?;
        let views: &[View] = if clients.iter().all(Client::speaks_duet) {
            &View::ALL
        } else {
            &[View::Stream(Seat::One), View::Stream(Seat::Two)]
        };
        Ok(Self {
            clients,
            stamps: Stamps::starting_now(),
            ledger: Ledger::requiring(pairs.len(), views),
            meter: Arc::default(),
            pairs,
        })
    }

    /// The number of the instance where this person's stream is open first.
    pub(crate) fn listens_at(&self, chat: usize, seat: Seat) -> usize {
        chat + usize::from(u8::from(seat))
    }

    /// Writes down what happened to a stream; the message, when it shows one.
    pub(crate) fn heard<'a>(&self, signal: &Signal<'a>) -> Option<Message<'a>> {
        match signal {
            Signal::Event(event) => match Message::of(event)? {
                Ok(message) => return Some(message),
                // It is missing in the ledger then, and will be found lost.
                Err(_) => self.meter.failed("stream: event not understood".to_owned()),
            },
            Signal::Lost { error, .. } => {
                self.meter.reconnecting();
                self.meter.failed(format!("stream: {}", error.label()));
            }
            Signal::Refused { error } => self
                .meter
                .failed(format!("stream: refused with {}", error.label())),
            Signal::Opened => {}
        }
        None
    }

    /// Writes down that a stream has shown a message.
    pub(crate) fn shown(&self, chat: usize, seat: Seat, message: &Message<'_>, now: Duration) {
        // The sender's own stream shows the message too, and is checked, but it is the other person who waits for it.
        if let Some((due, from)) = self.stamps.read(message.id)
            && from != seat
        {
            self.meter.delivered(due, now);
        }
        self.ledger
            .delivered(chat, seat, message.seq, message.id, &message.text);
    }

    /// The number of the instance where this person's messages are sent first.
    fn sends_at(&self, chat: usize, seat: Seat) -> usize {
        chat + usize::from(u8::from(seat)) + 2
    }
}

impl Talkers for Run {
    fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }

    fn pairs(&self) -> usize {
        self.pairs.len()
    }

    fn texts(&self, len: usize) -> Texts {
        Texts::of(len)
    }

    async fn say(&self, saying: Saying<'_>) {
        let Self {
            clients,
            pairs,
            stamps,
            ledger,
            meter,
        } = self;
        let Saying {
            chat,
            seat,
            due,
            id,
            text,
            patience,
        } = saying;
        let session = pairs[chat].session(seat);
        let first = self.sends_at(chat, seat);
        let count = |error: &ApiError| meter.failed(error.label());
        match send_until_settled(clients, first, session, (id, text), patience, count).await {
            Ok(sent) => {
                meter.acknowledged(due, stamps.elapsed());
                ledger.acknowledged(chat, sent.seq, sent.id, text);
            }
            Err(last) => meter.gave_up(&last),
        }
    }
}
