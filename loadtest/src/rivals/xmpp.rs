//! The people of a run at servers that speak XMPP: accounts, messages, acknowledgements and archives, driven and checked like
//! duet's own.
//!
//! What stands for what: two accounts are a pair. A message is acknowledged when the sender's server has acknowledged its stanza
//! (XEP-0198), by which time a server that archives everything has stored the sender's copy. It is delivered when the other
//! person's connection shows it with the mark of that person's archive (XEP-0359), so that both copies are stored. The history is
//! the archive (XEP-0313) of one of the two.
//!
//! XMPP numbers no messages and promises an order only from one person to the other, so each direction of a pair is checked as
//! a chat of its own, whose numbers the sender gives. The sender's own messages are not shown to the sender, as duet does.

mod address;
mod archive;
mod element;
mod login;
mod person;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use harness::checker::{Ledger, Seat, View};
use tokio::{net::tcp::OwnedReadHalf, task::JoinSet, time::timeout};
use uuid::Uuid;

use crate::{
    flow::{Saying, Talkers},
    meter::Meter,
    progress::Progress,
    stamp::Stamps,
    text::Texts,
};
pub use address::Address;
use element::{Element, Elements};
use person::{Heard, Person, StanzaId};

/// How long a server may take for a step of a log-in, or for a page of an archive.
const PATIENCE: Duration = Duration::from_secs(60);
const AT_ONCE_MAX: usize = 32;

/// Why a run over XMPP could not be made.
#[derive(Debug, thiserror::Error)]
pub enum XmppError {
    /// The address is none.
    #[error("{0:?} is not an address of an XMPP server: give xmpp://host:port/domain")]
    Address(String),
    /// Nobody answers, or the connection was lost.
    #[error("{address}: {source}")]
    Lost {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// A log-in took too long.
    #[error("{0} did not answer in time")]
    Late(String),
    /// The server ended the stream.
    #[error("{0} ended the stream")]
    Ended(String),
    /// The server did not do what a log-in needs.
    #[error("{address} was told {question} and answered {answer}")]
    Refused {
        /// Where.
        address: String,
        /// What it was told.
        question: String,
        /// What it answered.
        answer: String,
    },
}

/// Pairs who talk over XMPP.
#[derive(Debug)]
pub(crate) struct Run {
    /// By chat and seat.
    people: Vec<[Person; 2]>,
    pub(crate) stamps: Stamps,
    /// Of two directions for each pair: see [`direction`].
    pub(crate) ledger: Ledger,
    pub(crate) meter: Arc<Meter>,
}

/// A message as it is shown.
struct Said<'a> {
    stanza: StanzaId,
    due: Duration,
    from: Seat,
    text: &'a str,
}

/// The connections of a run, read in the background until this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    _tasks: JoinSet<()>,
}

impl Run {
    /// Makes accounts for so many pairs, the two of each at different servers, logs everybody in and listens.
    pub(crate) async fn gather(
        addresses: &[Address],
        pairs: usize,
        progress: &Progress,
    ) -> Result<(Arc<Self>, Listening), XmppError> {
        let run_name = Uuid::new_v4().simple().to_string();
        let (run_name, made) = (&run_name[..8], AtomicUsize::new(0));
        let made = &made;
        let entering = stream::iter(0..2 * pairs).map(|number| async move {
            let (chat, seat) = (number / 2, number % 2);
            let address = &addresses[(chat + seat) % addresses.len()];
            let entered = login::enter(address, &format!("{run_name}-{chat}-{seat}")).await;
            made.fetch_add(1, Relaxed);
            entered.map(Person::new)
        });
        let entered = progress
            .during(
                format!("registering {pairs} pairs and logging both people in"),
                (2 * pairs as u64, "people"),
                || made.load(Relaxed) as u64,
                entering.buffered(AT_ONCE_MAX).try_collect::<Vec<_>>(),
            )
            .await?;
        let (mut people, mut elements) = (Vec::with_capacity(pairs), Vec::new());
        let mut entered = entered.into_iter();
        while let (Some((one, from_one)), Some((two, from_two))) = (entered.next(), entered.next())
        {
            people.push([one, two]);
            elements.extend([from_one, from_two]);
        }
        let run = Arc::new(Self {
            people,
            stamps: Stamps::starting_now(),
            ledger: Ledger::requiring(2 * pairs, &[View::Stream(RECIPIENT), View::History]),
            meter: Arc::default(),
        });
        let listening = run.listen(elements);
        Ok((run, listening))
    }

    fn listen(self: &Arc<Self>, elements: Vec<Elements<OwnedReadHalf>>) -> Listening {
        let mut tasks = JoinSet::new();
        for (number, elements) in elements.into_iter().enumerate() {
            let run = Arc::clone(self);
            tasks.spawn(async move {
                let (chat, seat) = (number / 2, number % 2);
                let person = &run.people[chat][seat];
                let ended = person.listen(elements, |heard| run.hear(chat, person, heard));
                let error = ended.await;
                run.meter.failed(format!("connection lost: {error}"));
            });
        }
        Listening { _tasks: tasks }
    }

    fn hear(&self, chat: usize, person: &Person, heard: Heard<'_>) {
        let now = self.stamps.elapsed();
        let message = match heard {
            Heard::Message(message) => message,
            Heard::Failure(failure) => return self.meter.failed(format!("told {failure:?}")),
        };
        if message.attribute("type") == "error" {
            return self.meter.failed("a message came back".to_owned());
        }
        if !is_archived(message, &person.account) {
            // It is missing in the ledger then, and will be found lost.
            return self
                .meter
                .failed("delivered without being archived".to_owned());
        }
        let Some(said) = self.read(message) else {
            return self.meter.failed("message not understood".to_owned());
        };
        self.meter.delivered(said.due, now);
        let StanzaId { number, id } = said.stanza;
        self.ledger
            .delivered(direction(chat, said.from), RECIPIENT, number, id, said.text);
    }

    /// A message of this run.
    fn read<'a>(&self, message: &'a Element) -> Option<Said<'a>> {
        let stanza = StanzaId::read(message.attribute("id"))?;
        let (due, from) = self.stamps.read(stanza.id)?;
        let text = &message.child("body")?.text;
        Some(Said {
            stanza,
            due,
            from,
            text,
        })
    }

    /// Reads one archive of every pair, half of them of the one person and half of the other, and writes it into the ledger.
    pub(crate) async fn recall(&self) {
        let pairs = stream::iter(self.people.iter().enumerate());
        let reading = pairs.map(|(chat, pair)| async move {
            let person = &pair[chat % 2];
            let archive = archive::read(person).await.unwrap_or_else(|reason| {
                for from in Seat::BOTH {
                    let why = format!("{}: {reason}", person.account);
                    self.ledger.unread(direction(chat, from), why);
                }
                Vec::new()
            });
            for message in &archive {
                if let Some(said) = self.read(message) {
                    let StanzaId { number, id } = said.stanza;
                    let direction = direction(chat, said.from);
                    self.ledger.remembered(direction, number, id, said.text);
                }
            }
        });
        reading.buffer_unordered(AT_ONCE_MAX).collect().await
    }
}

/// Each direction has its own sender at seat one, and its own recipient here.
const RECIPIENT: Seat = Seat::Two;

/// The ledger's number for what this person of a pair says.
fn direction(chat: usize, from: Seat) -> usize {
    2 * chat + usize::from(from == Seat::Two)
}

/// Whether a message bears the mark that it stands in this account's archive.
fn is_archived(message: &Element, account: &str) -> bool {
    let mark = message.child("stanza-id");
    mark.is_some_and(|mark| mark.attribute("by") == account && !mark.attribute("id").is_empty())
}

impl Talkers for Run {
    fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    fn meter(&self) -> &Meter {
        &self.meter
    }

    fn pairs(&self) -> usize {
        self.people.len()
    }

    fn texts(&self, len: usize) -> Texts {
        Texts::for_xml(len)
    }

    async fn say(&self, saying: Saying<'_>) {
        let Saying {
            chat,
            seat,
            due,
            id,
            text,
            patience,
        } = saying;
        let [one, two] = &self.people[chat];
        let (from, to) = match seat {
            Seat::One => (one, two),
            Seat::Two => (two, one),
        };
        let failure = match timeout(patience, from.say(&to.jid, id, text)).await {
            Ok(Ok(number)) => {
                self.meter.acknowledged(due, self.stamps.elapsed());
                self.ledger
                    .acknowledged(direction(chat, seat), number, id, text);
                return;
            }
            Ok(Err(_)) => "connection lost",
            Err(_) => "no answer in time",
        };
        self.meter.failed(failure.to_owned());
        self.meter.unanswered();
    }
}

#[cfg(test)]
mod tests;
