//! Being let in without a code: somebody asks, the person in the other seat answers.

use std::time::Duration;

use actix::{AtomicResponse, Handler, ResponseFuture};
use uuid::Uuid;

use super::Pair;
use crate::{
    Refusal,
    domain::{AskWord, Seat, SeatChange, SecretDigest, Token, UserName},
    ports::{Answered, AskState, NewAsk},
};

/// How long somebody waits for an answer.
const ASK_VALID: Duration = Duration::from_secs(120);

/// Asks to be let in.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<Token, Refusal>")]
pub struct AskIn {
    /// The name of the seat wished for.
    pub name: UserName,
    /// The digest of the proof of having the link, in an encrypted chat.
    pub auth: Option<SecretDigest>,
}

impl Handler<AskIn> for Pair {
    type Result = AtomicResponse<Self, Result<Token, Refusal>>;

    fn handle(&mut self, ask: AskIn, _: &mut Self::Context) -> Self::Result {
        let seat = match self.askable(&ask) {
            Ok(seat) => seat,
            Err(refusal) => return Self::refuse(refusal),
        };
        let secret = Token::generate(self.key, &mut rand::rng());
        let word = Uuid::new_v4();
        let new = NewAsk {
            word,
            digest: secret.digest(),
            seat,
            valid: ASK_VALID,
        };
        let (store, key) = (self.shared.world.store.clone(), self.key);
        let record = async move {
            store.ask(key, new).await?;
            Ok(secret)
        };
        self.change(record, move |pair, secret| {
            pair.tell_seat(seat, SeatChange::Asking(word));
            secret
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
}

/// How a wish to be let in stands.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(AskState, UserName), Refusal>")]
pub struct AskStateOf {
    /// The asker's secret.
    pub secret: SecretDigest,
}

impl Handler<AskStateOf> for Pair {
    type Result = ResponseFuture<Result<(AskState, UserName), Refusal>>;

    fn handle(&mut self, ask: AskStateOf, _: &mut Self::Context) -> Self::Result {
        let (store, key, names) = (
            self.shared.world.store.clone(),
            self.key,
            self.names.clone(),
        );
        Box::pin(async move {
            let (seat, state) = store
                .ask_state(key, ask.secret)
                .await?
                .ok_or(Refusal::WrongCode)?;
            Ok((state, names[seat].clone().ok_or(Refusal::WrongCode)?))
        })
    }
}

/// Lets somebody in, or does not.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct Answer {
    /// The token of the one who answers.
    pub by: SecretDigest,
    /// Which wish.
    pub word: AskWord,
    /// Whether the asker may log in.
    pub allow: bool,
}

impl Handler<Answer> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, answer: Answer, _: &mut Self::Context) -> Self::Result {
        let seat = match self.answerable(&answer) {
            Ok(seat) => seat,
            Err(refusal) => return Self::refuse(refusal),
        };
        let (store, key) = (self.shared.world.store.clone(), self.key);
        let record = async move {
            match store.answer(key, answer.word, answer.allow).await? {
                Answered::Done(_) => Ok(()),
                Answered::Over => Err(Refusal::AskOver),
            }
        };
        let change = match answer.allow {
            true => SeatChange::Replaced,
            false => SeatChange::Taken,
        };
        self.change(record, move |pair, ()| {
            pair.tell_seat(seat, change);
            // Says who still waits, and so who does not.
            pair.greet_again();
        })
    }
}

impl Pair {
    fn answerable(&mut self, answer: &Answer) -> Result<Seat, Refusal> {
        let (own, _) = self.who(answer.by)?;
        let asks = self.open_asks();
        let ask = asks.iter().find(|ask| ask.word == answer.word);
        let seat = ask.ok_or(Refusal::AskOver)?.seat;
        if answer.allow && seat == own {
            return Err(Refusal::OwnSeat);
        }
        if answer.allow && (self.has_stream(seat) || self.online(seat) == Some(true)) {
            return Err(Refusal::SeatOpen);
        }
        Ok(seat)
    }
}
