//! What may be stored a moment later: marks, and when somebody was last seen. Merged per seat and
//! session, and written together; what the store does not take is kept for the next round.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{
    Actor, ActorFutureExt, Addr, ArbiterHandle, AsyncContext, Context, Handler, ResponseFuture,
    Supervised, Supervisor, WrapFuture,
};
use futures_util::future::{FutureExt, Shared};
use tokio::sync::oneshot;
use tracing::warn;

use crate::{
    Metrics,
    domain::{ChatKey, Seat, SessionId},
    ports::{Note, Store, StoreError},
};

/// How often what has gathered is written.
const WRITE_INTERVAL: Duration = Duration::from_millis(500);
/// How many notes may wait; past that, new ones are dropped, and clients send their marks again.
const NOTES_MAX: usize = 200_000;
/// How many are written at once.
const WRITE_LEN_MAX: usize = 1_000;

/// The notes of all chats of this instance.
#[derive(Debug, Clone)]
pub(crate) struct Notes(Addr<Notebook>);

impl Notes {
    pub(crate) fn start(arbiter: &ArbiterHandle, store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self(Supervisor::start_in_arbiter(arbiter, move |_| Notebook {
            store,
            metrics,
            waiting: HashMap::new(),
            in_flight: None,
        }))
    }

    /// Notes something down.
    pub(crate) fn jot(&self, key: ChatKey, note: Note) {
        // Merging keeps the notebook small, so a box that runs full is emptied in no time.
        self.0.do_send(Jot(key, note));
    }

    /// Writes everything that has gathered, and waits for what is being written already.
    pub(crate) async fn write_all(&self) {
        let _ = self.0.send(WriteAll).await;
    }
}

/// What a note replaces when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Marks(Seat),
    LastSeen(Seat),
    Used(SessionId),
}

#[derive(actix::Message)]
#[rtype(result = "()")]
struct Jot(ChatKey, Note);

#[derive(actix::Message)]
#[rtype(result = "()")]
struct WriteAll;

/// What the store did not take.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Kept(Vec<(ChatKey, Note)>, StoreError);

struct Notebook {
    store: Arc<dyn Store>,
    metrics: Metrics,
    waiting: HashMap<(ChatKey, Subject), Note>,
    /// Ready when what is being written is written, or put back.
    in_flight: Option<Shared<oneshot::Receiver<()>>>,
}

impl Actor for Notebook {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(WRITE_INTERVAL, |notebook, ctx| notebook.write_next(ctx));
    }
}

impl Supervised for Notebook {}

impl Handler<Jot> for Notebook {
    type Result = ();

    fn handle(&mut self, Jot(key, note): Jot, _: &mut Self::Context) {
        if self.waiting.len() < NOTES_MAX {
            self.waiting.insert((key, subject(&note)), note);
            self.metrics.notes_queue_len.set(self.waiting.len() as i64);
        }
    }
}

impl Handler<WriteAll> for Notebook {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: WriteAll, ctx: &mut Self::Context) -> Self::Result {
        let (store, notebook) = (self.store.clone(), ctx.address());
        let in_flight = self.in_flight.clone();
        let notes: Vec<_> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|((key, _), note)| (key, note))
            .collect();
        self.metrics.notes_queue_len.set(0);
        Box::pin(async move {
            if let Some(in_flight) = in_flight {
                let _ = in_flight.await;
            }
            for part in notes.chunks(WRITE_LEN_MAX) {
                if let Err(failure) = store.note(part).await {
                    notebook.do_send(Kept(part.to_vec(), failure));
                }
            }
        })
    }
}

impl Handler<Kept> for Notebook {
    type Result = ();

    fn handle(&mut self, Kept(notes, failure): Kept, _: &mut Self::Context) {
        self.keep(notes, &failure);
    }
}

impl Notebook {
    fn write_next(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight.is_some() || self.waiting.is_empty() {
            return;
        }
        let subjects: Vec<_> = self.waiting.keys().take(WRITE_LEN_MAX).copied().collect();
        let notes: Vec<(ChatKey, Note)> = subjects
            .iter()
            .filter_map(|of| Some((of.0, self.waiting.remove(of)?)))
            .collect();
        self.metrics.notes_queue_len.set(self.waiting.len() as i64);

        let store = self.store.clone();
        let (done, written) = oneshot::channel();
        let (over, is_over) = oneshot::channel();
        self.in_flight = Some(is_over.shared());
        tokio::spawn(async move {
            let failure = store.note(&notes).await.err();
            let _ = done.send(failure.map(|failure| (failure, notes)));
            let _ = over.send(());
        });
        ctx.spawn(written.into_actor(self).map(|written, notebook, ctx| {
            notebook.in_flight = None;
            match written {
                Ok(Some((failure, notes))) => notebook.keep(notes, &failure),
                Ok(None) | Err(_) => notebook.write_next(ctx),
            }
        }));
    }

    /// Puts back what was not written, unless something newer has come.
    fn keep(&mut self, notes: Vec<(ChatKey, Note)>, failure: &StoreError) {
        warn!(%failure, notes = notes.len(), "marks wait for the store");
        for (key, note) in notes {
            self.waiting.entry((key, subject(&note))).or_insert(note);
        }
    }
}

fn subject(note: &Note) -> Subject {
    match note {
        Note::Marks(seat, _) => Subject::Marks(*seat),
        Note::LastSeen(seat, _) => Subject::LastSeen(*seat),
        Note::Used(session, _) => Subject::Used(*session),
    }
}
