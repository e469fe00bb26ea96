//! Names, logins and codes.

use std::time::Duration;

use actix::{AtomicResponse, Handler};
use uuid::Uuid;

use super::Pair;
use crate::{
    CameWith, Refusal, WasReplaced,
    domain::{
        AccessCode, Device, Names, PairHash, RegistrationId, Seat, SeatChange, SecretDigest, Seq,
        Timestamp, Token, UserName,
    },
    ports::{Claim, Claimed, Lookup, NewSession, Proof},
};

/// How long a device code is good.
const DEVICE_CODE_VALID: Duration = Duration::from_secs(600);

/// Names seat 2, once.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(), Refusal>")]
pub struct NameSeatTwo {
    /// The name.
    pub name: UserName,
    /// The digest of the proof of having the link, in an encrypted chat.
    pub auth: Option<SecretDigest>,
}

impl Handler<NameSeatTwo> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, naming: NameSeatTwo, _: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.check_link(naming.auth) {
            return Self::refuse(refusal);
        }
        // A name stays: the store need not be asked, by anybody who has the link, again and again.
        if self.names[Seat::Two].is_some() {
            return Self::refuse(Refusal::NamedBefore);
        }
        if self.names[Seat::One].as_ref() == Some(&naming.name) {
            let problem = "The two names must differ by more than upper and lower case.";
            return Self::refuse(Refusal::Invalid {
                field: "user",
                problem,
            });
        }
        let (store, key) = (self.environment.world.store.clone(), self.key);
        let name = async move {
            match store.name_seat_two(key, &naming.name).await? {
                Lookup::Live(true) => Ok(()),
                Lookup::Live(false) => Err(Refusal::NamedBefore),
                Lookup::Ended => Err(Refusal::Gone),
                Lookup::Missing => Err(Refusal::NotFound),
            }
        };
        self.change(name, |pair, ()| {
            pair.tell_seat(Seat::Two, SeatChange::Named)
        })
    }
}

/// Asks for all that a stranger may know.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "Result<Glanced, Refusal>")]
pub struct Glance;

/// All that a stranger may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glanced {
    /// Whether the second person still chooses their own name.
    pub unnamed: bool,
    /// When the chat expires.
    pub expires_at: Timestamp,
    /// Whether the chat's texts are sealed.
    pub encrypted: bool,
}

impl Handler<Glance> for Pair {
    type Result = Result<Glanced, Refusal>;

    fn handle(&mut self, _: Glance, _: &mut Self::Context) -> Self::Result {
        Ok(Glanced {
            unnamed: self.names[Seat::Two].is_none(),
            expires_at: self.chat()?.expires_at,
            encrypted: self.chat()?.encryption.is_some(),
        })
    }
}

/// Asks which seat a token proves.
#[derive(Debug, Clone, Copy, actix::Message)]
#[rtype(result = "Result<Seat, Refusal>")]
pub struct SeatOf {
    /// The token.
    pub by: SecretDigest,
}

impl Handler<SeatOf> for Pair {
    type Result = Result<Seat, Refusal>;

    fn handle(&mut self, asked: SeatOf, _: &mut Self::Context) -> Self::Result {
        self.who(asked.by).map(|(seat, _)| seat)
    }
}

/// Sits down.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<LoggedIn, Refusal>")]
pub struct Login {
    /// The link's hash: the codes are keyed with it.
    pub hash: PairHash,
    /// Who it is.
    pub name: UserName,
    /// What lets them in at a seat that is taken.
    pub proof: Option<LoginProof>,
    /// What the same login is recognised by.
    pub id: Option<RegistrationId>,
    /// What it comes from.
    pub device: Device,
    /// The digest of the proof of having the link, in an encrypted chat.
    pub auth: Option<SecretDigest>,
}

/// What lets somebody in at a seat that is taken, as it comes from outside.
#[derive(Debug, Clone)]
pub enum LoginProof {
    /// The seat's return code.
    ReturnCode(AccessCode),
    /// The seat's device code.
    DeviceCode(AccessCode),
    /// A wish that was allowed.
    Ask(Token),
}

/// A new session.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// What it proves itself with from now on.
    pub token: Token,
    /// Where it sits.
    pub seat: Seat,
    /// The seat's name, as it was registered.
    pub name: UserName,
    /// The other person's name.
    pub peer: Option<UserName>,
    /// The place of the last message.
    pub last_seq: Seq,
    /// The seat's return code, where this login set it.
    pub return_code: Option<AccessCode>,
    /// Whether the chat's texts are sealed.
    pub encrypted: bool,
}

impl Handler<Login> for Pair {
    type Result = AtomicResponse<Self, Result<LoggedIn, Refusal>>;

    fn handle(&mut self, login: Login, _: &mut Self::Context) -> Self::Result {
        let found = self.chat().map(|_| ()).and_then(|()| {
            self.check_login_rate()?;
            self.check_link(login.auth)?;
            self.seat_by_name(&login.name)
        });
        let seat = match found {
            Ok(seat) => seat,
            Err(refusal) => return Self::refuse(refusal),
        };
        let token = Token::generate(self.key, &mut rand::rng());
        let code = AccessCode::generate(&mut rand::rng());
        let claim = Claim {
            key: self.key,
            seat,
            proof: login.proof.map(|proof| match proof {
                LoginProof::ReturnCode(code) => Proof::ReturnCode(code.digest(&login.hash, seat)),
                LoginProof::DeviceCode(code) => Proof::DeviceCode(code.digest(&login.hash, seat)),
                LoginProof::Ask(secret) => Proof::Ask(secret.digest()),
            }),
            session: NewSession {
                id: Uuid::new_v4(),
                digest: token.digest(),
                login: login.id.map(|id| id.digest()),
                device: login.device,
            },
            return_code: code.digest(&login.hash, seat),
            sessions_max: self.environment.limits.sessions_per_seat_max,
        };
        let (store, deferred) = (
            self.environment.world.store.clone(),
            self.environment.deferred.clone(),
        );
        let (names, encrypted) = (self.names.clone(), self.is_encrypted());
        let sit = async move {
            if claim.session.login.is_some() {
                // Whether the session that this login made before was used must be known now.
                deferred.write_all().await;
            }
            let code_set = match store.take_seat(claim).await? {
                Lookup::Live(Claimed::Sat { code_set }) => code_set,
                Lookup::Live(refused) => {
                    return Err(Self::not_seated(refused, seat, &names, encrypted));
                }
                Lookup::Ended => return Err(Refusal::Gone),
                Lookup::Missing => return Err(Refusal::NotFound),
            };
            Ok((token, code_set.then_some(code)))
        };
        let first = self.chat().is_ok_and(|chat| !chat.seats[seat].taken);
        self.change(sit, move |pair, (token, return_code)| {
            match first || return_code.is_some() || pair.sessions_of(seat).count() == 1 {
                true => pair.tell_seat(seat, SeatChange::Taken),
                false => pair.tell_sessions(),
            }
            LoggedIn {
                token,
                seat,
                name: pair.name(seat).unwrap_or(login.name),
                peer: pair.name(seat.other()),
                last_seq: pair.usage.position(),
                return_code,
                encrypted: pair.is_encrypted(),
            }
        })
    }
}

/// Replaces the return code of the sender's seat.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<AccessCode, Refusal>")]
pub struct NewReturnCode {
    /// The owner's token.
    pub by: SecretDigest,
    /// The link's hash: the codes are keyed with it.
    pub hash: PairHash,
}

impl Handler<NewReturnCode> for Pair {
    type Result = AtomicResponse<Self, Result<AccessCode, Refusal>>;

    fn handle(&mut self, new: NewReturnCode, _: &mut Self::Context) -> Self::Result {
        let caller = match self.caller(new.by) {
            Ok(caller) => caller,
            Err(refusal) => return Self::refuse(refusal),
        };
        let asked = !self.open_asks().is_empty();
        let store = self.environment.world.store.clone();
        let set = async move {
            let code = AccessCode::generate(&mut rand::rng());
            let digest = code.digest(&new.hash, caller.seat);
            store.set_return_code(caller, digest).await?.granted()?;
            Ok(code)
        };
        self.change(set, move |pair, code| {
            if asked {
                // Whoever asked for this seat does not wait any more.
                pair.tell_sessions();
                pair.greet_again();
            }
            code
        })
    }
}

/// Makes a code that lets the sender in on another device, once.
#[derive(Debug, Clone, actix::Message)]
#[rtype(result = "Result<(AccessCode, Timestamp), Refusal>")]
pub struct DeviceCode {
    /// The owner's token.
    pub by: SecretDigest,
    /// The link's hash: the codes are keyed with it.
    pub hash: PairHash,
}

impl Handler<DeviceCode> for Pair {
    type Result = AtomicResponse<Self, Result<(AccessCode, Timestamp), Refusal>>;

    fn handle(&mut self, new: DeviceCode, _: &mut Self::Context) -> Self::Result {
        let caller = match self.caller(new.by) {
            Ok(caller) => caller,
            Err(refusal) => return Self::refuse(refusal),
        };
        let store = self.environment.world.store.clone();
        let set = async move {
            let code = AccessCode::generate(&mut rand::rng());
            let digest = code.digest(&new.hash, caller.seat);
            let set = store.set_device_code(caller, digest, DEVICE_CODE_VALID);
            let lapses = set.await?.granted()?;
            Ok((code, lapses))
        };
        self.change(set, |_, made| made)
    }
}

impl Pair {
    /// Why nobody sat down.
    fn not_seated(refused: Claimed, seat: Seat, names: &Names, encrypted: bool) -> Refusal {
        let user = names[seat].clone();
        let replaced = |came_with, at, peer| {
            Refusal::Replaced(Box::new(WasReplaced {
                came_with,
                at,
                user,
                peer,
                encrypted,
            }))
        };
        match refused {
            // Anybody with the link and a name is answered so: who the other person is called is
            // not for them.
            Claimed::Taken {
                replaced_at: Some(at),
            } => replaced(CameWith::Name, at, None),
            Claimed::WrongProof {
                replaced_at: Some(at),
            } => replaced(CameWith::Code, at, names[seat.other()].clone()),
            Claimed::WrongProof { replaced_at: None } => Refusal::WrongCode,
            Claimed::Taken { replaced_at: None } | Claimed::Sat { .. } => Refusal::SeatTaken,
        }
    }
}
