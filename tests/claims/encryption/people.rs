//! Two people whose clients encrypt.

use actors::domain::{PairHash, Seat, Timestamp};
use duet::encryption::{Contents, Keys, Link, SALT_BYTES};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::support::{Api, Person, chat::try_login};

/// An encrypted chat of Abhi and Anny, with what only they know.
pub struct Encrypted {
    /// The hash in the link.
    pub hash: String,
    /// What follows the # in the link, without `v1.`.
    pub secret: String,
    /// The keys that both come to.
    pub keys: Keys,
}

/// Somebody in an encrypted chat.
pub struct Speaker {
    /// The session.
    pub person: Person,
    seat: Seat,
    session: [u8; 8],
    number: u32,
    /// The last message that they have opened.
    pub after: Option<Uuid>,
}

impl Encrypted {
    /// A fresh link, of which the server knows nothing yet.
    pub fn link() -> Self {
        let hash = format!("encrypted-{}", Uuid::new_v4().simple());
        let secret: [u8; 32] = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()]
            .concat()
            .try_into()
            .unwrap();
        let link = Link::new(PairHash::parse(&hash).unwrap(), secret);
        let encoded = base64_url(&secret);
        Self {
            keys: Keys::of(&link),
            secret: encoded,
            hash,
        }
    }

    /// A chat that is registered.
    pub async fn begin(api: &Api) -> Self {
        let chat = Self::link();
        api.post("/chat-server/register", chat.registration())
            .await
            .ok();
        chat
    }

    /// What registers it.
    pub fn registration(&self) -> Value {
        json!({"userOne": "Abhi", "userTwo": "Anny", "hash": self.hash, "encryption": "v1",
            "auth": self.keys.auth()})
    }

    /// What goes with a login.
    pub fn proof(&self) -> Value {
        json!({ "auth": self.keys.auth() })
    }

    /// The whole link.
    pub fn whole_link(&self) -> String {
        let Self { hash, secret, .. } = self;
        format!("http://chat.example/demo/chat/user/{hash}#v1.{secret}")
    }

    /// Somebody takes their seat.
    pub async fn log_in(&self, api: &Api, name: &str) -> Speaker {
        let seat = if name == "Abhi" { Seat::One } else { Seat::Two };
        Speaker {
            person: Person::log_in_by(api, &self.hash, name, self.proof()).await,
            seat,
            session: Uuid::new_v4().into_bytes()[..8].try_into().unwrap(),
            number: 0,
            after: None,
        }
    }
}

impl Speaker {
    /// What is sealed next, and under which id.
    pub fn seal(&mut self, chat: &Encrypted, text: &str) -> (Uuid, String) {
        self.number += 1;
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let contents = Contents {
            session: self.session,
            number: self.number,
            after: self.after,
            written_at: Timestamp::from_unix_ms(now.try_into().unwrap()),
            text: text.to_owned().into(),
        };
        let id = Uuid::new_v4();
        let salt: [u8; SALT_BYTES] = Uuid::new_v4().into_bytes();
        let sealed = chat.keys.seal(self.seat, id, &contents, salt).unwrap();
        (id, sealed)
    }

    /// Seals a text and sends it; its id.
    pub async fn say(&mut self, chat: &Encrypted, text: &str) -> Uuid {
        let (id, sealed) = self.seal(chat, text);
        self.person.say_as(id, &sealed).await.ok();
        self.after = Some(id);
        id
    }

    /// Another login of the same person.
    pub async fn again(&self, chat: &Encrypted, api: &Api) -> Person {
        let code = self.person.return_code.as_ref().unwrap();
        let proof = json!({"auth": chat.keys.auth(), "returnCode": code});
        let login = try_login(api, &chat.hash, &self.person.name, proof).await;
        let token = login.ok()["token"].as_str().unwrap().to_owned();
        Person {
            api: api.with(&token),
            token,
            ..self.person.clone()
        }
    }
}

/// Base64url without padding.
pub fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - part.len()));
        for at in 0..=part.len() {
            let place = bits >> (18 - 6 * at) & 63;
            text.push(char::from(ALPHABET[place as usize]));
        }
    }
    text
}
