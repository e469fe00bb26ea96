//! A stream as the HTTP server opens it: it replays page by page, and attaches until it is live.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use actix::{
    Actor, ActorContext, AsyncContext, Context, Handler, Message, Recipient, WeakAddr, WrapFuture,
};
use actors::{
    Attach, Attached, GetHistory, OpenStream, OpenedStream, PairRegistry, Refusal, StreamId,
    StreamSlot,
    domain::{ChatKey, Event, Hello, Notice, Page, Seat, SecretDigest, Seq},
    testing::eventually,
};
use tokio::sync::watch;

use super::{Instance, Person, shown::Shown};

/// Messages pulled at once while replaying: few, so that it takes several turns.
const PAGE_LEN: usize = 7;

/// An open stream, seen from its client's side.
pub(crate) struct Watch {
    reader: Reader,
    reading: watch::Sender<bool>,
    actor: WeakAddr<Stream>,
}

/// Who reads a stream, and what has been read.
#[derive(Clone)]
struct Reader {
    pairs: PairRegistry,
    key: ChatKey,
    by: SecretDigest,
    id: StreamId,
    /// From the opening: an attachment answers with a hello where something has changed since.
    changes: u64,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    shown: Mutex<Vec<Shown>>,
    hellos: Mutex<Vec<Hello>>,
    /// The last place that was written.
    position: AtomicU64,
    over: AtomicBool,
}

struct Stream {
    reader: Reader,
    reading: watch::Receiver<bool>,
}

impl Actor for Stream {
    type Context = Context<Self>;

    /// Runs when the chat is over, or when the pair has dropped the only address there is.
    fn stopped(&mut self, _: &mut Self::Context) {
        self.reader.seen.over.store(true, Ordering::SeqCst);
    }
}

impl Handler<Event> for Stream {
    type Result = ();

    fn handle(&mut self, event: Event, ctx: &mut Self::Context) {
        match &event {
            Event::Hello(hello) => self.reader.seen.record_hello((**hello).clone()),
            Event::Rewound(hello) => {
                self.reader.seen.record_hello((**hello).clone());
                self.reader.seen.go_on_from(hello.position);
            }
            Event::Notice(Notice::Ended { .. }, _) | Event::Moved => ctx.stop(),
            Event::Behind => {
                let (reader, own) = (self.reader.clone(), ctx.address());
                actix::spawn(async move {
                    if reader.read_on(own.clone().recipient(), None).await.is_err() {
                        own.do_send(Die);
                    }
                });
            }
            _ => {}
        }
        self.reader.seen.show(Shown::from(event));
        if !*self.reading.borrow() {
            let mut reading = self.reading.clone();
            // A client that has gone away reads no more, and holds nothing up either.
            let resumed = async move { drop(reading.wait_for(|reading| *reading).await) };
            ctx.wait(resumed.into_actor(self));
        }
    }
}

impl Seen {
    fn record_hello(&self, hello: Hello) {
        self.hellos.lock().unwrap().push(hello);
    }

    fn show(&self, shown: impl IntoIterator<Item = Shown>) {
        for shown in shown {
            if let Shown::Message(seq, _) = shown {
                self.go_on_from(seq);
            }
            self.shown.lock().unwrap().push(shown);
        }
    }

    fn go_on_from(&self, position: Seq) {
        self.position.store(position, Ordering::SeqCst);
    }

    fn position(&self) -> Seq {
        self.position.load(Ordering::SeqCst)
    }
}

impl Reader {
    /// Reads from the store page by page, until the pair says that there is no more to read.
    async fn read_on(
        &self,
        to: Recipient<Event>,
        mut slot: Option<StreamSlot>,
    ) -> Result<(), Refusal> {
        let mut changes = self.changes;
        loop {
            let attach = Attach {
                by: self.by,
                stream: self.id,
                position: self.seen.position(),
                changes,
                to: to.clone(),
                slot: slot.take(),
            };
            match self.pairs.ask(self.key, attach).await? {
                Attached::Live(hello) => {
                    if let Some(hello) = hello {
                        self.seen.show([Shown::of(&hello)]);
                        self.seen.record_hello(*hello);
                    }
                    return Ok(());
                }
                Attached::Behind(now) => {
                    changes = now;
                    self.pull().await?;
                }
            }
        }
    }

    async fn pull(&self) -> Result<(), Refusal> {
        let history = GetHistory {
            by: self.by,
            page: Page::After(self.seen.position()),
            limit: PAGE_LEN,
        };
        let (page, _) = self.pairs.ask(self.key, history).await?;
        let messages = page.messages.into_iter();
        let shown =
            messages.map(|message| Shown::Message(message.seq, message.text.as_str().into()));
        self.seen.show(shown);
        Ok(())
    }
}

/// Makes the stream's actor stop without a word to anybody.
#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for Stream {
    type Result = ();

    fn handle(&mut self, _: Die, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// Shows what it was sent where a test fails.
impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "a stream, over: {}, was sent {:?}",
                self.is_over(),
                self.shown()
            );
        }
    }
}

impl Watch {
    /// Opens a stream at the present.
    pub(crate) async fn open(person: &Person) -> Self {
        Self::open_after(person, None).await.unwrap()
    }

    /// Opens a stream where somebody is, and one at another instance.
    pub(crate) async fn open_twice(person: &Person, there: &Instance) -> [Self; 2] {
        [
            Self::open(person).await,
            Self::open(&person.at(there)).await,
        ]
    }

    /// Opens a stream behind a place, and replays until it is live.
    pub(crate) async fn open_after(person: &Person, after: Option<Seq>) -> Result<Self, Refusal> {
        Self::attach(person, Self::begin(person, after).await?).await
    }

    /// Opens a stream that is not attached yet.
    pub(crate) async fn begin(
        person: &Person,
        after: Option<Seq>,
    ) -> Result<OpenedStream, Refusal> {
        let by = person.by;
        person
            .pairs()
            .ask(person.key, OpenStream { by, after })
            .await
    }

    /// Replays until it is live.
    pub(crate) async fn attach(person: &Person, opened: OpenedStream) -> Result<Self, Refusal> {
        let (pairs, key, by) = (person.pairs().clone(), person.key, person.by);
        let seen = Arc::new(Seen::default());
        let OpenedStream { snapshot, slot } = opened;
        seen.go_on_from(snapshot.hello.position);
        seen.show([Shown::of(&snapshot.hello)]);
        seen.record_hello(snapshot.hello);
        let reader = Reader {
            pairs,
            key,
            by,
            id: StreamId::next(),
            changes: snapshot.changes,
            seen,
        };
        let (reading, reads) = watch::channel(true);
        let stream = Stream {
            reader: reader.clone(),
            reading: reads,
        };
        let address = stream.start();
        let watch = Self {
            reader,
            reading,
            actor: address.downgrade(),
        };
        watch
            .reader
            .read_on(address.recipient(), Some(slot))
            .await?;
        Ok(watch)
    }

    /// Everything it was sent.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.reader.seen.shown.lock().unwrap().clone()
    }

    /// Everything but hellos that came after the first one.
    pub(crate) fn news(&self) -> Vec<Shown> {
        let shown = self.shown();
        shown
            .into_iter()
            .filter(|shown| !matches!(shown, Shown::Hello { .. }))
            .collect()
    }

    /// The `seq`s of the messages it was sent.
    pub(crate) fn seqs(&self) -> Vec<Seq> {
        let place = |shown: Shown| match shown {
            Shown::Message(seq, _) => Some(seq),
            _ => None,
        };
        self.shown().into_iter().filter_map(place).collect()
    }

    /// The presence it was sent.
    pub(crate) fn presence(&self, of: Seat) -> Vec<bool> {
        let online = |shown: Shown| match shown {
            Shown::Presence { seat, online, .. } if seat == of => Some(online),
            _ => None,
        };
        self.shown().into_iter().filter_map(online).collect()
    }

    /// The state it was given last.
    pub(crate) fn hello(&self) -> Hello {
        self.reader
            .seen
            .hellos
            .lock()
            .unwrap()
            .last()
            .expect("every stream begins with one")
            .clone()
    }

    /// How often it was given the state.
    pub(crate) fn hello_count(&self) -> usize {
        self.reader.seen.hellos.lock().unwrap().len()
    }

    /// Whether the pair has let go of it.
    pub(crate) fn is_over(&self) -> bool {
        self.reader.seen.over.load(Ordering::SeqCst)
    }

    /// Waits until it has been sent this.
    pub(crate) async fn until(&self, what: &Shown) {
        eventually(&format!("a stream is sent {what:?}"), || async {
            self.shown().contains(what)
        })
        .await;
    }

    /// Waits until it has been sent the message with this `seq`.
    pub(crate) async fn until_place(&self, seq: Seq) {
        eventually(&format!("message {seq} arrives"), || async {
            self.seqs().last() == Some(&seq)
        })
        .await;
    }

    /// Waits until the presence it was sent is exactly this.
    pub(crate) async fn until_presence(&self, of: Seat, expected: &[bool]) {
        eventually(&format!("presence is sent as {expected:?}"), || async {
            let shown = self.presence(of);
            assert!(
                expected.starts_with(&shown),
                "presence was sent as {shown:?}"
            );
            shown == expected
        })
        .await;
    }

    /// Waits until the last presence it was sent is this.
    pub(crate) async fn until_presence_now(&self, of: Seat, online: bool) {
        eventually(&format!("presence is {online}"), || async {
            self.presence(of).last() == Some(&online)
        })
        .await;
    }

    /// Waits until the pair has let go of it.
    pub(crate) async fn until_over(&self) {
        eventually("the stream is over", || async { self.is_over() }).await;
    }

    /// Stops taking events in, as a client that does not read.
    pub(crate) fn stall(&self) {
        self.reading.send_replace(false);
    }

    /// Goes on reading.
    pub(crate) fn resume(&self) {
        self.reading.send_replace(true);
    }

    /// Stops without a word to the pair.
    pub(crate) async fn die(&self) {
        self.actor
            .upgrade()
            .expect("the pair holds its address")
            .do_send(Die);
        self.until_over().await;
    }

    /// Goes away, as when a tab is closed.
    pub(crate) fn close(&self) {
        let Reader { pairs, key, id, .. } = &self.reader;
        pairs.detach(*key, *id);
    }
}
