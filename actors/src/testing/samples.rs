//! What tests store: random keys and digests, and the commonest chat and login.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    domain::{ChatKey, Device, Lifetime, Seat, SecretDigest, UserName},
    ports::{Claim, NewChat, NewSession, Proof},
};

/// More sessions than any test makes.
const SESSIONS_MAX: usize = 100;
/// Far longer than any test takes.
const HOUR: Duration = Duration::from_secs(3600);

/// A random key.
pub fn key() -> ChatKey {
    ChatKey::from_bytes(*Uuid::new_v4().as_bytes())
}

/// A random digest.
pub fn digest() -> SecretDigest {
    SecretDigest::from_bytes(rand::random())
}

/// A chat between Abhi and Anny that lives for an hour.
pub fn new_chat(key: ChatKey) -> NewChat {
    NewChat {
        key,
        fresh_key: false,
        name_one: UserName::from_store("Abhi"),
        name_two: Some(UserName::from_store("Anny")),
        lifetime: Lifetime::of(HOUR),
        registration: None,
        must_be_reserved: false,
        encryption: None,
    }
}

/// A login with random secrets.
pub fn claim(key: ChatKey, seat: Seat, proof: Option<Proof>) -> Claim {
    Claim {
        key,
        seat,
        new_name: None,
        proof,
        session: NewSession {
            id: Uuid::new_v4(),
            digest: digest(),
            login: None,
            device: Device::default(),
        },
        return_code: digest(),
        sessions_max: SESSIONS_MAX,
    }
}
