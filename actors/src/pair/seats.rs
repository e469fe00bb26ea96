//! Names, logins and codes.

use std::{sync::Arc, time::Duration};

use actix::{ActorFutureExt, AtomicResponse, Handler, ResponseActFuture, WrapFuture};
use uuid::Uuid;

use super::{Pair, requests::receive};
use crate::{
    Credential, Refusal, Replacement,
    domain::{
        AccessCode, Caller, Device, Names, PairHash, RegistrationId, Seat, SeatChange,
        SecretDigest, Seq, Timestamp, Token, UserName,
    },
    ports::{Claim, Claimed, NewSession, Proof, Store},
};

/// How long a device code is valid.
const DEVICE_CODE_VALID: Duration = Duration::from_secs(600);

/// Names seat 2, once.
#[derive(Debug, Clone)]
pub struct NameSeatTwo {
    /// The name.
    pub name: UserName,
    /// The digest of the link's proof, in an encrypted chat.
    pub auth: Option<SecretDigest>,
}

receive!(BLOCKING: NameSeatTwo => ());

impl Handler<NameSeatTwo> for Pair {
    type Result = AtomicResponse<Self, Result<(), Refusal>>;

    fn handle(&mut self, naming: NameSeatTwo, _: &mut Self::Context) -> Self::Result {
        if let Err(refusal) = self.check_link(naming.auth) {
            return Self::refuse(refusal);
        }
        if self.names[Seat::Two].is_some() {
            return Self::refuse(Refusal::NamedBefore.unconfirmed());
        }
        if self.names[Seat::One].as_ref() == Some(&naming.name) {
            let (field, problem) = (
                "user",
                "The two names must differ by more than upper and lower case.",
            );
            return Self::refuse(Refusal::Invalid { field, problem }.unconfirmed());
        }
        let (store, key) = (self.store(), self.key);
        let name = async move {
            match store.name_seat_two(key, &naming.name).await?? {
                true => Ok(()),
                false => Err(Refusal::NamedBefore),
            }
        };
        self.change(name, |pair, ()| {
            pair.announce_seat(Seat::Two, SeatChange::Named)
        })
    }
}

/// Gets what anybody with the link may know.
#[derive(Debug, Clone, Copy)]
pub struct GetPublicInfo;

/// What anybody with the link may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicInfo {
    /// Whether seat 2 has no name yet.
    pub unnamed: bool,
    /// When the chat expires.
    pub expires_at: Timestamp,
    /// Whether the chat's texts are sealed.
    pub encrypted: bool,
}

receive!(CONCURRENT: GetPublicInfo => PublicInfo);

impl Handler<GetPublicInfo> for Pair {
    type Result = ResponseActFuture<Self, Result<PublicInfo, Refusal>>;

    /// Asks the store first: nothing is shown once the chat is over.
    fn handle(&mut self, _: GetPublicInfo, _: &mut Self::Context) -> Self::Result {
        let (store, key) = (self.store(), self.key);
        let status = Self::in_own_task(async move { store.status(key).await });
        Box::pin(status.into_actor(self).map(|status, pair, _| {
            status??;
            Ok(PublicInfo {
                unnamed: pair.names[Seat::Two].is_none(),
                expires_at: pair.chat()?.expires_at,
                encrypted: pair.is_encrypted(),
            })
        }))
    }
}

/// Checks that a token belongs to a seat.
#[derive(Debug, Clone, Copy)]
pub struct ProveSeat {
    /// The token.
    pub by: SecretDigest,
    /// The seat.
    pub seat: Seat,
}

receive!(CONCURRENT: ProveSeat => ());

impl Handler<ProveSeat> for Pair {
    type Result = Result<(), Refusal>;

    fn handle(&mut self, request: ProveSeat, _: &mut Self::Context) -> Self::Result {
        match self.authenticate(request.by)? {
            (seat, _) if seat == request.seat => Ok(()),
            _ => Err(Refusal::NoSession.unconfirmed()),
        }
    }
}

/// Logs in at a seat.
#[derive(Debug, Clone)]
pub struct Login {
    /// The link's hash, the key of the codes' digests.
    pub hash: PairHash,
    /// The name of the seat.
    pub name: UserName,
    /// What lets somebody in at a seat that is taken.
    pub proof: Option<LoginProof>,
    /// Idempotency key.
    pub id: Option<RegistrationId>,
    /// The device it comes from.
    pub device: Device,
    /// The digest of the link's proof, in an encrypted chat.
    pub auth: Option<SecretDigest>,
    /// Whether an unknown name becomes the second person's, if they have none yet.
    pub may_name: bool,
}

/// What lets somebody in at a seat that is taken, in clear text.
#[derive(Debug, Clone)]
pub enum LoginProof {
    /// The seat's return code.
    ReturnCode(AccessCode),
    /// The seat's device code.
    DeviceCode(AccessCode),
    /// The secret of an ask that was allowed.
    Ask(Token),
}

/// A new session.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Its token.
    pub token: Token,
    /// Its seat.
    pub seat: Seat,
    /// The seat's name, as it was registered.
    pub name: UserName,
    /// The other person's name.
    pub peer: Option<UserName>,
    /// The `seq` of the last message.
    pub last_seq: Seq,
    /// The seat's return code, where this login set it.
    pub return_code: Option<AccessCode>,
    /// Whether the chat's texts are sealed.
    pub encrypted: bool,
}

receive!(BLOCKING: Login => LoggedIn);

impl Handler<Login> for Pair {
    type Result = AtomicResponse<Self, Result<LoggedIn, Refusal>>;

    fn handle(&mut self, login: Login, _: &mut Self::Context) -> Self::Result {
        let known = match self.check_entry(&login.name, login.auth) {
            Ok(known) => known,
            Err(refusal) => return Self::refuse(refusal),
        };
        let names = known.is_none() && login.may_name && self.names[Seat::Two].is_none();
        let new_name = names.then(|| login.name.clone());
        let Some(seat) = known.or(names.then_some(Seat::Two)) else {
            return Self::refuse(Refusal::WrongName.unconfirmed());
        };
        let token = Token::generate(self.key, &mut rand::rng());
        let code = AccessCode::generate(&mut rand::rng());
        let claim = Claim {
            key: self.key,
            seat,
            new_name,
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
        let makes_room = self.sessions_of(seat).count() >= claim.sessions_max;
        if makes_room {
            self.record_use_by_streams(Duration::ZERO);
        }
        let (store, deferred) = (self.store(), self.environment.deferred.clone());
        let (names, encrypted) = (self.names.clone(), self.is_encrypted());
        let named = claim.new_name.is_some();
        let log_in = async move {
            if makes_room || claim.session.login.is_some() {
                // The store must know which sessions were used: the longest unused one makes room, and the first one of
                // a repeated login is made anew unless it was used.
                deferred.write_beside(claim.key).await;
            }
            match store.take_seat(claim).await?? {
                Claimed::Seated { code_set } => Ok((token, code_set.then_some(code))),
                // Somebody else was faster, maybe with the same name.
                Claimed::NamedBefore => Err(Refusal::WrongName.unconfirmed()),
                refused => Err(Self::login_refusal(refused, seat, &names, encrypted)),
            }
        };
        let first = self.chat().is_ok_and(|chat| !chat.seats[seat].taken);
        self.change(log_in, move |pair, (token, return_code)| {
            if named {
                pair.announce_seat(seat, SeatChange::Named);
            }
            match first || return_code.is_some() || pair.sessions_of(seat).count() == 1 {
                true => pair.announce_seat(seat, SeatChange::Taken),
                false => pair.announce_sessions(),
            }
            LoggedIn {
                token,
                seat,
                name: pair.name(seat).unwrap_or(login.name),
                peer: pair.name(seat.other()),
                last_seq: pair.status.last_seq(),
                return_code,
                encrypted: pair.is_encrypted(),
            }
        })
    }
}

/// Replaces the return code of the caller's seat.
#[derive(Debug, Clone)]
pub struct NewReturnCode {
    /// The owner's token.
    pub by: SecretDigest,
    /// The link's hash, the key of the codes' digests.
    pub hash: PairHash,
}

receive!(BLOCKING: NewReturnCode => AccessCode);

impl Handler<NewReturnCode> for Pair {
    type Result = AtomicResponse<Self, Result<AccessCode, Refusal>>;

    fn handle(&mut self, new: NewReturnCode, _: &mut Self::Context) -> Self::Result {
        let asked = !self.open_asks().is_empty();
        let set = async move |store: Arc<dyn Store>, caller: Caller| {
            let code = AccessCode::generate(&mut rand::rng());
            let digest = code.digest(&new.hash, caller.seat);
            store.set_return_code(caller, digest).await??;
            Ok(code)
        };
        self.change_as(new.by, set, move |pair, code| {
            if asked {
                // The asks for this seat have ended.
                pair.announce_sessions();
                pair.resend_hello();
            }
            code
        })
    }
}

/// Makes a code for logging in on another device, once.
#[derive(Debug, Clone)]
pub struct NewDeviceCode {
    /// The owner's token.
    pub by: SecretDigest,
    /// The link's hash, the key of the codes' digests.
    pub hash: PairHash,
}

receive!(BLOCKING: NewDeviceCode => (AccessCode, Timestamp));

impl Handler<NewDeviceCode> for Pair {
    type Result = AtomicResponse<Self, Result<(AccessCode, Timestamp), Refusal>>;

    fn handle(&mut self, new: NewDeviceCode, _: &mut Self::Context) -> Self::Result {
        let set = async move |store: Arc<dyn Store>, caller: Caller| {
            let code = AccessCode::generate(&mut rand::rng());
            let digest = code.digest(&new.hash, caller.seat);
            let set = store.set_device_code(caller, digest, DEVICE_CODE_VALID);
            let lapses_at = set.await??;
            Ok((code, lapses_at))
        };
        self.change_as(new.by, set, |_, made| made)
    }
}

impl Pair {
    /// The seat of this name, for somebody who has the link and wants to come in; `None` if neither has it.
    pub(super) fn check_entry(
        &mut self,
        name: &UserName,
        auth: Option<SecretDigest>,
    ) -> Result<Option<Seat>, Refusal> {
        self.chat()?;
        self.check_login_rate()?;
        self.check_link(auth)?;
        let named = |seat: &Seat| self.names[*seat].as_ref() == Some(name);
        Ok(Seat::BOTH.into_iter().find(named))
    }

    /// Why a login was refused.
    fn login_refusal(refused: Claimed, seat: Seat, names: &Names, encrypted: bool) -> Refusal {
        let user = names[seat].clone();
        let replaced = |credential, at, peer| {
            Refusal::Replaced(Box::new(Replacement {
                credential,
                at,
                user,
                peer,
                encrypted,
            }))
        };
        match refused {
            // Anybody with the link and a name gets this answer, so it does not contain the other person's name.
            Claimed::Taken {
                replaced_at: Some(at),
            } => replaced(Credential::Name, at, None),
            Claimed::WrongProof {
                replaced_at: Some(at),
            } => replaced(Credential::Code, at, names[seat.other()].clone()),
            Claimed::WrongProof { replaced_at: None } => Refusal::WrongCode,
            Claimed::Taken { replaced_at: None }
            | Claimed::NamedBefore
            | Claimed::Seated { .. } => Refusal::SeatTaken,
        }
    }
}
