//! Whatever two people do on two instances, and whatever the bus loses meanwhile, what they are
//! answered and what their streams show is what a model of a few lines says.

use std::collections::HashSet;

use actix::System;
use actors::{Refusal, domain::Seq, testing::eventually};
use proptest::{
    collection, prelude::*, sample::Index, test_runner::Config, test_runner::TestRunner,
};
use uuid::Uuid;

use crate::world::{Instance, Person, Shown, Watch, World, roomy};

const CASES: u32 = 64;
const STEPS_MAX: usize = 40;

/// What somebody does, or what happens. An index picks one of the sessions or streams there are.
#[derive(Debug, Clone)]
enum Step {
    Say {
        session: Index,
        at: usize,
    },
    /// The commit is lost on its way back; the same is sent again at the other instance.
    SayTwice {
        session: Index,
        at: usize,
    },
    Read {
        session: Index,
        at: usize,
    },
    LogIn {
        seat: usize,
        at: usize,
    },
    LogOut {
        session: Index,
        at: usize,
    },
    Listen {
        session: Index,
        at: usize,
        again_from: Option<Index>,
    },
    Leave {
        stream: Index,
    },
    /// Notices to an instance are lost from here on, without a word.
    Deafen {
        at: usize,
    },
    /// They arrive again, and the bus says that some were lost.
    Hear {
        at: usize,
    },
    /// Both were stopped for a while.
    Sleep,
    /// An instance is lost, and another one takes its place.
    Crash {
        at: usize,
    },
    End {
        session: Index,
        at: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let (index, at) = (any::<Index>(), 0..2_usize);
    prop_oneof![
        10 => (index.clone(), at.clone()).prop_map(|(session, at)| Step::Say { session, at }),
        2 => (index.clone(), at.clone()).prop_map(|(session, at)| Step::SayTwice { session, at }),
        3 => (index.clone(), at.clone()).prop_map(|(session, at)| Step::Read { session, at }),
        2 => (at.clone(), at.clone()).prop_map(|(seat, at)| Step::LogIn { seat, at }),
        2 => (index.clone(), at.clone()).prop_map(|(session, at)| Step::LogOut { session, at }),
        4 => (index.clone(), at.clone(), proptest::option::of(index.clone()))
            .prop_map(|(session, at, again_from)| Step::Listen { session, at, again_from }),
        2 => index.clone().prop_map(|stream| Step::Leave { stream }),
        2 => at.clone().prop_map(|at| Step::Deafen { at }),
        2 => at.clone().prop_map(|at| Step::Hear { at }),
        1 => Just(Step::Sleep),
        1 => at.clone().prop_map(|at| Step::Crash { at }),
        1 => (index, at).prop_map(|(session, at)| Step::End { session, at }),
    ]
}

/// A login that was once good.
struct Session {
    person: Person,
    ended: bool,
    /// The instances that may not have heard of its end, and trust it until they do.
    trusted_at: HashSet<usize>,
}

struct Listening {
    session: usize,
    at: usize,
    after: Seq,
    watch: Watch,
    /// Its client has gone, or its instance was lost.
    left: bool,
}

/// The system, and what must be true of it.
struct Model {
    world: World,
    instances: [Instance; 2],
    deaf: [bool; 2],
    /// The first login of each seat: its return code lets in again.
    owners: [Person; 2],
    sessions: Vec<Session>,
    streams: Vec<Listening>,
    texts: Vec<String>,
    ended: bool,
}

impl Model {
    async fn new() -> Self {
        let world = World::new();
        let instances = [world.instance(roomy()), world.instance(roomy())];
        let owners = instances[0].couple(&world).await;
        let session = |person: &Person| Session {
            person: person.clone(),
            ended: false,
            trusted_at: HashSet::new(),
        };
        Self {
            sessions: owners.iter().map(session).collect(),
            world,
            instances,
            deaf: [false; 2],
            owners,
            streams: Vec::new(),
            texts: Vec::new(),
            ended: false,
        }
    }

    fn last(&self) -> Seq {
        self.texts.len() as Seq
    }

    fn person(&self, session: usize, at: usize) -> Person {
        self.sessions[session].person.at(&self.instances[at])
    }

    /// Whether an answer is what this session gets at this instance; `true` when it was let in.
    #[track_caller]
    fn is_let_in<T: std::fmt::Debug>(
        &self,
        session: usize,
        at: usize,
        answer: &Result<T, Refusal>,
    ) -> bool {
        let held = &self.sessions[session];
        match answer {
            _ if self.ended => assert!(matches!(answer, Err(Refusal::Gone)), "{answer:?}"),
            Err(Refusal::NoSession) => assert!(held.ended, "a living session was refused"),
            Ok(_) => assert!(
                !held.ended || held.trusted_at.contains(&at),
                "a session that ended was let in"
            ),
            Err(refusal) => panic!("{refusal:?}"),
        }
        answer.is_ok()
    }

    async fn take(&mut self, step: Step) {
        let of = |index: &Index, len: usize| index.index(len);
        let count = self.sessions.len();
        match step {
            Step::Say { session, at } => self.send(of(&session, count), at, false).await,
            Step::SayTwice { session, at } => self.send(of(&session, count), at, true).await,
            Step::Read { session, at } => self.read(of(&session, count), at).await,
            Step::LogIn { seat, at } => self.log_in(seat, at).await,
            Step::LogOut { session, at } => self.log_out(of(&session, count), at).await,
            Step::Listen {
                session,
                at,
                again_from,
            } => {
                let after = again_from.map(|index| index.index(self.texts.len() + 1) as Seq);
                self.listen(of(&session, count), at, after).await;
            }
            Step::Leave { stream } if !self.streams.is_empty() => {
                let stream = of(&stream, self.streams.len());
                self.streams[stream].watch.close();
                self.streams[stream].left = true;
            }
            Step::Leave { .. } => {}
            Step::Deafen { at } => {
                self.deaf[at] = true;
                self.instances[at].bus.set_deaf(true);
            }
            Step::Hear { at } => self.restore_bus(at).await,
            Step::Sleep => {
                self.world.time.advance(std::time::Duration::from_secs(2));
                // Nobody is trusted any more, whatever was not heard.
                for session in &mut self.sessions {
                    session.trusted_at.clear();
                }
            }
            Step::Crash { at } => {
                self.instances[at] = self.world.instance(roomy());
                self.deaf[at] = false;
                for session in &mut self.sessions {
                    session.trusted_at.remove(&at);
                }
                for stream in self.streams.iter_mut().filter(|stream| stream.at == at) {
                    stream.left = true;
                }
            }
            Step::End { session, at } => {
                let answer = self.person(of(&session, count), at).end_chat().await;
                // Ending it twice is no harm.
                if !(self.ended && answer.is_ok()) {
                    self.ended |= self.is_let_in(of(&session, count), at, &answer);
                }
            }
        }
    }

    async fn send(&mut self, session: usize, at: usize, lost: bool) {
        let (id, text) = (Uuid::new_v4(), format!("text {}", self.last() + 1));
        if lost {
            self.instances[at].store.lose_next_appends(1);
        }
        let mut answer = self.person(session, at).send_as(id, &text).await;
        if let Err(Refusal::Unavailable(_)) = answer {
            assert!(lost);
            answer = self.person(session, at).send_as(id, &text).await;
        }
        // A loss that met no message waits for nobody.
        self.instances[at].store.lose_next_appends(0);
        if self.is_let_in(session, at, &answer) {
            self.texts.push(text);
            assert_eq!(answer.map(|sent| sent.seq), Ok(self.last()));
        }
    }

    async fn read(&mut self, session: usize, at: usize) {
        let answer = self.person(session, at).texts().await;
        if self.is_let_in(session, at, &answer) {
            assert_eq!(answer.as_ref(), Ok(&self.texts));
        }
    }

    async fn log_in(&mut self, seat: usize, at: usize) {
        if self.ended {
            return;
        }
        let person = self.owners[seat].again(&self.instances[at]).await;
        self.sessions.push(Session {
            person,
            ended: false,
            trusted_at: HashSet::new(),
        });
    }

    async fn log_out(&mut self, session: usize, at: usize) {
        let answer = self.person(session, at).log_out().await;
        // To leave what is over is no harm, wherever that is not known yet.
        if self.ended && answer.is_ok() {
            return;
        }
        if !self.is_let_in(session, at, &answer) {
            return;
        }
        let other = 1 - at;
        let already = std::mem::replace(&mut self.sessions[session].ended, true);
        self.sessions[session].trusted_at.remove(&at);
        if self.deaf[other] && !already {
            self.sessions[session].trusted_at.insert(other);
        } else if !self.deaf[other] {
            self.until_refused(session, other).await;
        }
    }

    async fn until_refused(&mut self, session: usize, at: usize) {
        let person = self.person(session, at);
        eventually("a session that ended is refused", || async {
            matches!(
                person.prove_seat().await,
                Err(Refusal::NoSession | Refusal::Gone)
            )
        })
        .await;
        self.sessions[session].trusted_at.remove(&at);
    }

    async fn listen(&mut self, session: usize, at: usize, after: Option<Seq>) {
        let opened = Watch::open_after(&self.person(session, at), after).await;
        let opened = opened.map(|watch| Listening {
            session,
            at,
            after: after.unwrap_or(self.last()),
            watch,
            left: false,
        });
        let answer = opened.as_ref().map(|_| ()).map_err(Clone::clone);
        if self.is_let_in(session, at, &answer) {
            self.streams.extend(opened.ok());
        }
    }

    async fn restore_bus(&mut self, at: usize) {
        self.deaf[at] = false;
        self.instances[at].bus.set_deaf(false);
        self.instances[at].bus.report_missed(None);
        for session in 0..self.sessions.len() {
            if self.sessions[session].trusted_at.contains(&at) {
                self.until_refused(session, at).await;
            }
        }
    }

    /// Once everybody hears again, every stream has shown what it must: each message once, in
    /// order, from where it began.
    async fn settle(mut self) {
        for at in 0..2 {
            self.restore_bus(at).await;
        }
        for stream in std::mem::take(&mut self.streams) {
            let lives = !stream.left && !self.ended && !self.sessions[stream.session].ended;
            if lives {
                eventually("a stream has shown everything", || async {
                    stream.watch.seqs().len() as Seq == self.last() - stream.after
                })
                .await;
            } else if !stream.left {
                stream.watch.until_over().await;
            }
            let shown = stream.watch.shown().into_iter();
            let shown: Vec<Shown> = shown
                .filter(|shown| matches!(shown, Shown::Message(..)))
                .collect();
            let behind = self.texts.iter().zip(1..).skip(stream.after as usize);
            let expected: Vec<Shown> = behind
                .map(|(text, seq)| Shown::Message(seq, text.clone()))
                .take(shown.len())
                .collect();
            assert_eq!(shown, expected);
        }
        for session in 0..self.sessions.len() {
            for at in 0..2 {
                self.read(session, at).await;
            }
        }
    }
}

#[test]
fn whatever_happens_is_what_the_model_says() {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let steps = collection::vec(step(), 1..STEPS_MAX);
    let run = TestRunner::new(config).run(&steps, |steps| {
        System::new().block_on(async {
            let mut model = Model::new().await;
            for step in steps {
                model.take(step).await;
            }
            model.settle().await;
        });
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}
