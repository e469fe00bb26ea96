//! Asks: being let in without a code. Somebody asks, and the person in the other seat answers.

use std::{sync::Arc, time::Duration};

use actix::{AtomicResponse, Handler, ResponseFuture};
use rand::Rng;
use uuid::Uuid;

use super::{Pair, requests::receive};
use crate::{
    Credential, Refusal, Replacement,
    domain::{
        Ask, AskNumber, AskRef, BySeat, Caller, Seat, SeatChange, SecretDigest, Token, UserName,
    },
    environment::Environment,
    ports::{AnswerOutcome, AskAnswer, AskState, BusState, NewAsk, Store},
};

/// How long an ask waits for an answer, and how long an allowed one can be used to log in.
const ASK_VALID: Duration = Duration::from_secs(120);

/// The numbers of the latest asks, which are not used again soon. The ask that a new one replaces may still be
/// on somebody's screen, and a stranger must not get its number by asking repeatedly. The rate limit of logins
/// allows fewer asks than this list holds before an ask lapses.
#[derive(Debug, Default)]
pub(super) struct RecentNumbers(Vec<AskNumber>);

impl RecentNumbers {
    const LEN_MAX: usize = 80;

    /// Adds the numbers of asks that were read from the store.
    pub(super) fn remember(&mut self, asks: &[Ask]) {
        for ask in asks {
            self.push(ask.number);
        }
    }

    fn choose(&mut self, rng: &mut impl Rng) -> AskNumber {
        let number = AskNumber::generate(rng, &self.0);
        self.push(number);
        number
    }

    fn push(&mut self, number: AskNumber) {
        if self.0.contains(&number) {
            return;
        }
        if self.0.len() == Self::LEN_MAX {
            self.0.remove(0);
        }
        self.0.push(number);
    }
}

/// Asks to be let in.
#[derive(Debug, Clone)]
pub struct AskToEnter {
    /// The name of the seat.
    pub name: UserName,
    /// The digest of the link's proof, in an encrypted chat.
    pub auth: Option<SecretDigest>,
}

receive!(BLOCKING: AskToEnter => (Token, AskNumber));

impl Handler<AskToEnter> for Pair {
    type Result = AtomicResponse<Self, Result<(Token, AskNumber), Refusal>>;

    fn handle(&mut self, ask: AskToEnter, _: &mut Self::Context) -> Self::Result {
        let seat = match self.check_ask(&ask) {
            Ok(seat) => seat,
            Err(refusal) => return Self::refuse(refusal),
        };
        let secret = Token::generate(self.key, &mut rand::rng());
        let ask_ref = Uuid::new_v4();
        let number = self.recent_numbers.choose(&mut rand::rng());
        let new = NewAsk {
            ask_ref,
            digest: secret.digest(),
            seat,
            number,
            valid: ASK_VALID,
        };
        let (store, key) = (self.store(), self.key);
        let record = async move {
            store.ask(key, new).await??;
            Ok((secret, number))
        };
        self.change(record, move |pair, asked| {
            pair.announce_seat(seat, SeatChange::Asking(ask_ref, number));
            asked
        })
    }
}

impl Pair {
    fn check_ask(&mut self, ask: &AskToEnter) -> Result<Seat, Refusal> {
        let seat = self.check_entry(&ask.name, ask.auth)?;
        let seat = seat.ok_or_else(|| Refusal::WrongName.unconfirmed())?;
        match self.chat()?.seats[seat].taken {
            true => Ok(seat),
            false => Err(Refusal::SeatFree.unconfirmed()),
        }
    }

    /// The asks that wait for an answer. The store says how much time each had left when it was read, and only the
    /// time since then is measured here, so the instances' clocks need not agree.
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

/// Gets the state of an ask.
#[derive(Debug, Clone)]
pub struct GetAskStatus {
    /// The asker's secret.
    pub secret: SecretDigest,
}

/// The state of an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskStatus {
    /// Its state.
    pub state: AskState,
    /// The name of the seat asked for.
    pub user: UserName,
    /// The number that the people in the chat see too.
    pub number: AskNumber,
    /// Whether the chat's texts are sealed.
    pub encrypted: bool,
}

receive!(CONCURRENT: GetAskStatus => AskStatus);

impl Handler<GetAskStatus> for Pair {
    type Result = ResponseFuture<Result<AskStatus, Refusal>>;

    fn handle(&mut self, ask: GetAskStatus, _: &mut Self::Context) -> Self::Result {
        let (store, key, names) = (self.store(), self.key, self.names.clone());
        let encrypted = self.is_encrypted();
        Box::pin(async move {
            let found = store.ask_state(key, ask.secret).await??;
            let found = found.ok_or(Refusal::WrongCode)?;
            let user = names[found.seat].clone();
            Ok(AskStatus {
                state: found.state,
                user: user.ok_or_else(|| Refusal::WrongCode.unconfirmed())?,
                number: found.number,
                encrypted,
            })
        })
    }
}

/// Answers an ask.
#[derive(Debug, Clone)]
pub struct AnswerAsk {
    /// The token of the person who answers.
    pub by: SecretDigest,
    /// The public id of the ask.
    pub ask_ref: AskRef,
    /// Whether the asker may log in.
    pub allow: bool,
}

receive!(BLOCKING: AnswerAsk => ());

impl Handler<AnswerAsk> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, answer: AnswerAsk, _: &mut Self::Context) -> Self::Result {
        let environment = self.environment.clone();
        let is_open = |seat| self.has_stream(seat) || self.present[seat];
        let open_here = BySeat(Seat::BOTH.map(is_open));
        let record = async move |store: Arc<dyn Store>, caller: Caller| {
            let verdict = match answer.allow {
                true => {
                    answer_in_store(&*store, caller, answer.ask_ref, AskAnswer::DryRun).await?;
                    check_absent(&environment, caller, open_here[caller.seat.other()]).await?;
                    AskAnswer::Allow { valid: ASK_VALID }
                }
                false => AskAnswer::Refuse,
            };
            answer_in_store(&*store, caller, answer.ask_ref, verdict).await
        };
        self.change_as(answer.by, record, move |pair, seat| {
            match answer.allow {
                true => pair.announce_seat(seat, SeatChange::Replaced),
                false => pair.announce_sessions(),
            }
            // Its list of asks shows that this one is answered.
            pair.resend_hello();
        })
    }
}

async fn answer_in_store(
    store: &dyn Store,
    caller: Caller,
    ask_ref: AskRef,
    verdict: AskAnswer,
) -> Result<Seat, Refusal> {
    match store.answer(caller, ask_ref, verdict).await?? {
        AnswerOutcome::Done(seat) => Ok(seat),
        AnswerOutcome::OwnSeat => Err(Refusal::OwnSeat),
        AnswerOutcome::Over => Err(Refusal::AskOver),
    }
}

/// Refuses while the seat's owner has a stream open anywhere, or while that is unknown. The pair's copy of the
/// other instances' presence may be out of date, so the bus is asked. The answer is unknown while the bus is
/// away, or while there is an instance that it does not reach, where the owner may be.
async fn check_absent(
    environment: &Environment,
    caller: Caller,
    open_here: bool,
) -> Result<(), Refusal> {
    if open_here {
        return Err(Refusal::SeatOpen);
    }
    if environment.bus_state(caller.key) == BusState::Away {
        return Err(Refusal::PresenceUnknown);
    }
    match environment.world.bus.open_elsewhere(caller.key).await {
        Ok(open) if open[caller.seat.other()] => return Err(Refusal::SeatOpen),
        Ok(_) => {}
        Err(_) => return Err(Refusal::PresenceUnknown),
    }
    // Asked last, since the presence counts as complete only if these instances are on the list that it was read with.
    match environment.hears_all_peers().await? {
        true => Ok(()),
        false => Err(Refusal::PresenceUnknown),
    }
}

/// Gets why a token stopped working, if somebody else was let in at its seat.
#[derive(Debug, Clone, Copy)]
pub struct GetReplacement {
    /// The token.
    pub token: SecretDigest,
}

receive!(CONCURRENT: GetReplacement => Option<Replacement>);

impl Handler<GetReplacement> for Pair {
    type Result = ResponseFuture<Result<Option<Replacement>, Refusal>>;

    fn handle(&mut self, asked: GetReplacement, _: &mut Self::Context) -> Self::Result {
        let (store, key, names) = (self.store(), self.key, self.names.clone());
        let encrypted = self.is_encrypted();
        Box::pin(async move {
            let replaced = store.replaced(key, asked.token).await?;
            Ok(replaced.map(|replaced| Replacement {
                credential: Credential::Token,
                at: replaced.at,
                user: names[replaced.seat].clone(),
                peer: names[replaced.seat.other()].clone(),
                encrypted,
            }))
        })
    }
}
