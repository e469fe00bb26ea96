//! Names, logins and codes.

use std::{sync::Arc, time::Duration};

use actix::{AtomicResponse, Handler};
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
        // A name never changes, so the store need not be asked: anybody with the link could send this again and again.
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
    type Result = Result<PublicInfo, Refusal>;

    fn handle(&mut self, _: GetPublicInfo, _: &mut Self::Context) -> Self::Result {
        Ok(PublicInfo {
            unnamed: self.names[Seat::Two].is_none(),
            expires_at: self.chat()?.expires_at,
            encrypted: self.chat()?.encryption.is_some(),
        })
    }
}

/// Gets the seat that a token belongs to.
#[derive(Debug, Clone, Copy)]
pub struct GetSeat {
    /// The token.
    pub by: SecretDigest,
}

receive!(CONCURRENT: GetSeat => Seat);

impl Handler<GetSeat> for Pair {
    type Result = Result<Seat, Refusal>;

    fn handle(&mut self, request: GetSeat, _: &mut Self::Context) -> Self::Result {
        self.authenticate(request.by).map(|(seat, _)| seat)
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
        let seat = match self.check_entry(&login.name, login.auth) {
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
        let makes_room = self.sessions_of(seat).count() >= claim.sessions_max;
        if makes_room {
            self.record_use_by_streams(Duration::ZERO);
        }
        let (store, deferred) = (self.store(), self.environment.deferred.clone());
        let (names, encrypted) = (self.names.clone(), self.is_encrypted());
        let log_in = async move {
            if makes_room || claim.session.login.is_some() {
                // The store must know which sessions were used: the longest unused one makes room, and the first one of
                // a repeated login is made anew unless it was used.
                deferred.write_beside(claim.key).await;
            }
            match store.take_seat(claim).await?? {
                Claimed::Seated { code_set } => Ok((token, code_set.then_some(code))),
                refused => Err(Self::login_refusal(refused, seat, &names, encrypted)),
            }
        };
        let first = self.chat().is_ok_and(|chat| !chat.seats[seat].taken);
        self.change(log_in, move |pair, (token, return_code)| {
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
    /// The seat of this name, for somebody who has the link and wants to come in.
    pub(super) fn check_entry(
        &mut self,
        name: &UserName,
        auth: Option<SecretDigest>,
    ) -> Result<Seat, Refusal> {
        self.chat()?;
        self.check_login_rate()?;
        self.check_link(auth)?;
        let named = |seat: &Seat| self.names[*seat].as_ref() == Some(name);
        let seat = Seat::BOTH.into_iter().find(named);
        seat.ok_or_else(|| self.unless_named_since(Refusal::WrongName))
    }

    /// A refusal because of a name. A name never changes, so it is final unless another instance may have named seat 2 since
    /// the chat was read.
    pub(super) fn unless_named_since(&self, refusal: Refusal) -> Refusal {
        match self.names[Seat::Two] {
            Some(_) => refusal,
            None => refusal.unconfirmed(),
        }
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
            Claimed::Taken { replaced_at: None } | Claimed::Seated { .. } => Refusal::SeatTaken,
        }
    }
}
