//! Being let in without a code: somebody asks, the person in the other seat answers.

use std::{collections::VecDeque, time::Duration};

use actix::{AtomicResponse, Handler, ResponseFuture};
use rand::Rng;
use uuid::Uuid;

use super::Pair;
use crate::{
    CameWith, Refusal, WasReplaced,
    domain::{Ask, AskNumber, AskWord, Caller, Seat, SeatChange, SecretDigest, Token, UserName},
    environment::Environment,
    ports::{Answered, AskState, BusState, Lookup, NewAsk, Store, Verdict},
};

/// How long somebody waits for an answer, and how long one who was allowed has to log in.
const ASK_VALID: Duration = Duration::from_secs(120);

/// The numbers of the asks that came last. The one that a new ask takes the place of may still be on somebody's screen,
/// and nobody must get its number by asking often enough: the tries to log in are counted, and an ask
/// is over before so many have come to an instance.
#[derive(Debug, Default)]
pub(super) struct RecentNumbers(VecDeque<AskNumber>);

impl RecentNumbers {
    const LEN_MAX: usize = 80;

    /// Notes those that were read from the store.
    pub(super) fn note(&mut self, asks: &[Ask]) {
        for ask in asks {
            self.push(ask.number);
        }
    }

    fn choose(&mut self, rng: &mut impl Rng) -> AskNumber {
        let number = AskNumber::generate(rng, self.0.make_contiguous());
        self.push(number);
        number
    }

    fn push(&mut self, number: AskNumber) {
        if self.0.contains(&number) {
            return;
        }
        if self.0.len() == Self::LEN_MAX {
            self.0.pop_front();
        }
        self.0.push_back(number);
    }
}

/// Asks to be let in.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(Token, AskNumber), Refusal>")]
pub struct AskIn {
    /// The name of the seat asked for.
    pub name: UserName,
    /// The digest of the proof of having the link, in an encrypted chat.
    pub auth: Option<SecretDigest>,
}

impl Handler<AskIn> for Pair {
    type Result = AtomicResponse<Self, Result<(Token, AskNumber), Refusal>>;

    fn handle(&mut self, ask: AskIn, _: &mut Self::Context) -> Self::Result {
        let seat = match self.askable(&ask) {
            Ok(seat) => seat,
            Err(refusal) => return Self::refuse(refusal),
        };
        let secret = Token::generate(self.key, &mut rand::rng());
        let word = Uuid::new_v4();
        let number = self.recent_numbers.choose(&mut rand::rng());
        let new = NewAsk {
            word,
            digest: secret.digest(),
            seat,
            number,
            valid: ASK_VALID,
        };
        let (store, key) = (self.environment.world.store.clone(), self.key);
        let record = async move {
            match store.ask(key, new).await? {
                Lookup::Live(()) => Ok((secret, number)),
                Lookup::Ended => Err(Refusal::Gone),
                Lookup::Missing => Err(Refusal::NotFound),
            }
        };
        self.change(record, move |pair, asked| {
            pair.tell_seat(seat, SeatChange::Asking(word, number));
            asked
        })
    }
}

impl Pair {
    fn askable(&mut self, ask: &AskIn) -> Result<Seat, Refusal> {
        self.chat()?;
        self.check_login_rate()?;
        self.check_link(ask.auth)?;
        let seat = self.seat_by_name(&ask.name)?;
        match self.chat()?.seats[seat].taken {
            true => Ok(seat),
            false => Err(Refusal::SeatFree),
        }
    }

    /// Those who wait to be let in. The store says how long each has left when it is read, and only
    /// the time since then is measured here: no instance's clock judges an ask.
    pub(super) fn open_asks(&self) -> Vec<Ask> {
        let age = self
            .environment
            .world
            .clock
            .uptime()
            .saturating_sub(self.read_at);
        let asks = self.chat.as_ref().map_or(&[][..], |chat| &chat.asks);
        asks.iter().filter(|ask| ask.left > age).cloned().collect()
    }
}

/// How an ask to be let in stands.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<AskStanding, Refusal>")]
pub struct AskStateOf {
    /// The asker's secret.
    pub secret: SecretDigest,
}

/// How an ask to be let in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskStanding {
    /// How it stands.
    pub state: AskState,
    /// The name of the seat asked for.
    pub user: UserName,
    /// What the people in the chat see as well.
    pub number: AskNumber,
}

impl Handler<AskStateOf> for Pair {
    type Result = ResponseFuture<Result<AskStanding, Refusal>>;

    fn handle(&mut self, ask: AskStateOf, _: &mut Self::Context) -> Self::Result {
        let (store, key, names) = (
            self.environment.world.store.clone(),
            self.key,
            self.names.clone(),
        );
        Box::pin(async move {
            let found = store.ask_state(key, ask.secret).await?;
            let found = found.ok_or(Refusal::WrongCode)?;
            Ok(AskStanding {
                state: found.state,
                user: names[found.seat].clone().ok_or(Refusal::WrongCode)?,
                number: found.number,
            })
        })
    }
}

/// Lets somebody in, or does not.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Answer {
    /// The token of the one who answers.
    pub by: SecretDigest,
    /// Which ask.
    pub word: AskWord,
    /// Whether the asker may log in.
    pub allow: bool,
}

impl Handler<Answer> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, answer: Answer, _: &mut Self::Context) -> Self::Result {
        let caller = match self.caller(answer.by) {
            Ok(caller) => caller,
            Err(refusal) => return Self::refuse(refusal),
        };
        let (store, environment) = (
            self.environment.world.store.clone(),
            self.environment.clone(),
        );
        let peer = caller.seat.other();
        let open_here = self.has_stream(peer) || self.present[peer];
        let record = async move {
            let verdict = match answer.allow {
                true => {
                    give(&*store, caller, answer.word, Verdict::Weigh).await?;
                    absent(&environment, caller, open_here).await?;
                    Verdict::Allow { valid: ASK_VALID }
                }
                false => Verdict::Refuse,
            };
            give(&*store, caller, answer.word, verdict).await
        };
        let change = match answer.allow {
            true => SeatChange::Replaced,
            false => SeatChange::Taken,
        };
        self.change(record, move |pair, seat| {
            pair.tell_seat(seat, change);
            // Says who still waits, and so who does not.
            pair.greet_again();
        })
    }
}

async fn give(
    store: &dyn Store,
    caller: Caller,
    word: AskWord,
    verdict: Verdict,
) -> Result<Seat, Refusal> {
    match store.answer(caller, word, verdict).await?.granted()? {
        Answered::Done(seat) => Ok(seat),
        Answered::OwnSeat => Err(Refusal::OwnSeat),
        Answered::Over => Err(Refusal::AskOver),
    }
}

/// Nobody is let in at the seat of somebody who is there. What was heard of other instances before
/// may be out of date, so the bus is asked; while it cannot say, nobody is taken for absent. It cannot
/// while it is away, nor while an instance lives that it does not reach: the owner may be there.
async fn absent(environment: &Environment, caller: Caller, open_here: bool) -> Result<(), Refusal> {
    if open_here {
        return Err(Refusal::SeatOpen);
    }
    if environment.bus_state(caller.key) == BusState::Away || !environment.hears_everybody().await?
    {
        return Err(Refusal::PresenceUnknown);
    }
    match environment.world.bus.open_elsewhere(caller.key).await {
        Ok(open) if open[caller.seat.other()] => Err(Refusal::SeatOpen),
        Ok(_) => Ok(()),
        Err(_) => Err(Refusal::PresenceUnknown),
    }
}

/// Asks whether a token stopped working because somebody else was let in at its seat.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "Result<Option<WasReplaced>, Refusal>")]
pub struct ReplacedBy {
    /// The token.
    pub token: SecretDigest,
}

impl Handler<ReplacedBy> for Pair {
    type Result = ResponseFuture<Result<Option<WasReplaced>, Refusal>>;

    fn handle(&mut self, asked: ReplacedBy, _: &mut Self::Context) -> Self::Result {
        let (store, key, names) = (
            self.environment.world.store.clone(),
            self.key,
            self.names.clone(),
        );
        let encrypted = self.is_encrypted();
        Box::pin(async move {
            let replaced = store.replaced(key, asked.token).await?;
            Ok(replaced.map(|replaced| WasReplaced {
                came_with: CameWith::Token,
                at: replaced.at,
                user: names[replaced.seat].clone(),
                peer: names[replaced.seat.other()].clone(),
                encrypted,
            }))
        })
    }
}
