use actors::{
    Refusal,
    domain::{
        ChatKey, Encryption, Lifetime, PairHash, RegistrationId, SealedHash, Timestamp, UserName,
    },
    ports::{NewChat, Registered},
};

use super::fresh_hash::{HASH_TRIES, fresh_hash};
use crate::{config::CustomHashes, http::State};

/// A request to make a chat.
pub struct Registration {
    /// The first person.
    pub name_one: UserName,
    /// The second person; `None` lets them choose their own name.
    pub name_two: Option<UserName>,
    /// The link's hash, where the client chooses it.
    pub hash: Option<PairHash>,
    pub lifetime: Lifetime,
    /// Idempotency key: the same id with the same names finds the same chat.
    pub id: Option<RegistrationId>,
    /// How the clients encrypt; `None` for a plain chat.
    pub encryption: Option<Encryption>,
}

impl Registration {
    /// Refuses an impossible chat before it is counted or stored.
    pub fn check(&self, state: &State) -> Result<(), Refusal> {
        if self.name_two.as_ref() == Some(&self.name_one) {
            return Err(Refusal::SameNames);
        }
        let is_short = self.hash.as_ref().is_some_and(|hash| !hash.is_long());
        match state.custom_hashes == CustomHashes::Long && is_short {
            true => Err(Refusal::Invalid {
                field: "hash",
                problem: "A hash has at least 22 characters here. Leave it out to get a fresh one.",
            }),
            false => Ok(()),
        }
    }
}

/// Makes the chat, or finds the one that the same registration made. Returns its hash, and when it
/// expires.
pub async fn register(
    state: &State,
    wanted: &Registration,
) -> Result<(PairHash, Timestamp), Refusal> {
    let own_hash = wanted.hash.is_some();
    for _ in 0..HASH_TRIES {
        let hash = match &wanted.hash {
            Some(hash) => hash.clone(),
            None => fresh_hash(&**state.pairs.store(), wanted.id),
        };
        let seal =
            |id: RegistrationId| (id.digest(), SealedHash::seal(&hash, id, &mut rand::rng()));
        let new = NewChat {
            key: ChatKey::of(&hash),
            fresh_key: !own_hash,
            name_one: wanted.name_one.clone(),
            name_two: wanted.name_two.clone(),
            lifetime: wanted.lifetime,
            registration: wanted.id.map(seal),
            must_be_reserved: own_hash && state.custom_hashes == CustomHashes::Off,
            encryption: wanted.encryption,
        };
        match state.pairs.store().register(new).await? {
            Registered::Made { expires_at } => return Ok((hash, expires_at)),
            Registered::Duplicate {
                key,
                sealed,
                expires_at,
                same_names,
                encryption,
            } => {
                let opened = wanted.id.and_then(|id| sealed.open(id, key));
                let hash =
                    opened.ok_or_else(|| Refusal::Defect("a sealed hash does not open".into()))?;
                let same_hash = wanted.hash.as_ref().is_none_or(|wished| *wished == hash);
                let same = same_names && same_hash && encryption == wanted.encryption;
                return match same {
                    true => Ok((hash, expires_at)),
                    false => Err(Refusal::RegistrationReused),
                };
            }
            Registered::Taken if own_hash => return Err(Refusal::HashTaken),
            Registered::PartitionUnavailable if own_hash || wanted.id.is_some() => {
                return Err(Refusal::PartitionUnavailable);
            }
            Registered::PartitionUnavailable => {
                let away = "no server of the store takes new chats";
                return Err(Refusal::Unavailable(away.into()));
            }
            Registered::Taken => {}
            Registered::NotReserved => {
                return Err(Refusal::Invalid {
                    field: "hash",
                    problem: "A hash must come from /chat-server/hash here. Leave it out to get a \
                              fresh one.",
                });
            }
        }
    }
    Err(Refusal::Defect("fresh hashes collide".into()))
}
