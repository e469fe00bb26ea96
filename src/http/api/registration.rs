//! Making chats.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use actors::{
    NameSeatTwo, Refusal,
    domain::{
        ChatKey, Encryption, Lifetime, PairHash, RegistrationId, SealedHash, Timestamp, UserName,
    },
    ports::{NewChat, Registered, Store},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    config::CustomHashes,
    http::{
        State,
        body::Json,
        envelope::{Envelope, Nothing, ok},
        field, integers,
        problem::Problem,
        schema::{Auth, EncryptionVersion, Hash, Moment, Name, SecretId},
        wire,
    },
};

/// How long a reserved hash is kept.
const RESERVED_FOR: Duration = Duration::from_secs(600);
/// Fresh hashes tried before giving up: a collision means a broken source of randomness.
const HASH_TRIES: usize = 3;
/// Hashes made until one suits the store: with a server in fifty within reach, one in 10^8 searches
/// finds none.
const SUITABLE_TRIES: usize = 1_000;

/// A chat to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"userOne": "Abhi", "userTwo": "Anny", "hash": "abc123"}))]
pub struct RegisterBody {
    /// The first person's name.
    #[schema(required, value_type = Name)]
    pub user_one: Option<String>,
    /// The second person's name; differs from the first after case folding.
    #[schema(required, value_type = Name)]
    pub user_two: Option<String>,
    /// The link's secret part, where the client brings its own.
    #[schema(value_type = Option<Hash>)]
    pub hash: Option<String>,
    /// How long the chat lives.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(minimum = 1, maximum = 720, example = 168)]
    pub ttl_hours: Option<i64>,
    /// The same again, with the same names, answers with the same chat.
    #[schema(value_type = Option<SecretId>)]
    pub id: Option<Uuid>,
    /// How its clients will seal what they say; left out for a plain chat.
    #[schema(value_type = Option<EncryptionVersion>)]
    pub encryption: Option<String>,
    /// Proof of having the whole link; goes with `encryption`.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

/// A chat to be made, whose second person chooses their own name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"user": "Abhi", "hash": "abc123"}))]
pub struct User1Body {
    /// The first person's name.
    #[schema(required, value_type = Name)]
    pub user: Option<String>,
    /// The link's secret part, where the client brings its own.
    #[schema(value_type = Option<Hash>)]
    pub hash: Option<String>,
    /// How long the chat lives.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(minimum = 1, maximum = 720, example = 168)]
    pub ttl_hours: Option<i64>,
    /// The same again, with the same names, answers with the same chat.
    #[schema(value_type = Option<SecretId>)]
    pub id: Option<Uuid>,
    /// How its clients will seal what they say; left out for a plain chat.
    #[schema(value_type = Option<EncryptionVersion>)]
    pub encryption: Option<String>,
    /// Proof of having the whole link; goes with `encryption`.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

/// The second person's name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"user": "Anny", "hash": "abc123"}))]
pub struct User2Body {
    /// The second person's name.
    #[schema(required, value_type = Name)]
    pub user: Option<String>,
    /// The link's secret part.
    #[schema(required, value_type = Hash)]
    pub hash: Option<String>,
    /// Proof of having the whole link, in an encrypted chat.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

/// A body whose fields do not matter.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct NoBody {}

/// A reserved hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reserved {
    /// The link's secret part: 22 base58 characters.
    #[schema(value_type = Hash)]
    pub hash: String,
}

/// A chat that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The link's secret part.
    #[schema(value_type = Hash)]
    pub hash: String,
    /// The link to share.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:8080/demo/chat/user/7YxPQdR2kVw9mJt4HnZb3c"
    )]
    pub url: String,
    /// When the chat goes by itself.
    #[schema(value_type = Moment)]
    pub expires_at: String,
    /// How texts are sealed, in an encrypted chat. What follows the link's `#` is its client's secret,
    /// and not in `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EncryptionVersion)]
    pub encryption: Option<&'static str>,
}

/// Reserves a fresh hash for ten minutes.
#[utoipa::path(
    post, path = "/chat-server/hash", tag = "registration", request_body = NoBody,
    responses((status = 200, body = Envelope<Reserved>))
)]
pub async fn reserve(
    state: web::Data<State>,
    request: HttpRequest,
    _: Json<NoBody>,
) -> Result<HttpResponse, Problem> {
    state.limits.registration(&request)?;
    for _ in 0..HASH_TRIES {
        let hash = fresh_hash(&**state.pairs.store(), None);
        if state
            .pairs
            .store()
            .reserve(ChatKey::of(&hash), RESERVED_FOR)
            .await?
        {
            return Ok(ok(Reserved {
                hash: hash.as_str().into(),
            }));
        }
    }
    Err(Problem::defect("fresh hashes collide"))
}

/// Makes a chat with both names.
#[utoipa::path(
    post, path = "/chat-server/register", tag = "registration", request_body = RegisterBody,
    responses((status = 200, body = Envelope<Made>))
)]
pub async fn register(
    state: web::Data<State>,
    request: HttpRequest,
    Json(body): Json<RegisterBody>,
) -> Result<HttpResponse, Problem> {
    let name_two = field::name(body.user_two.as_deref(), "userTwo")?;
    let wish = Registration::parse(&state, body, Some(name_two))?;
    state.limits.registration(&request)?;
    Ok(ok(made(&state, &request, wish).await?))
}

/// Makes a chat whose second person chooses their own name.
#[utoipa::path(
    post, path = "/chat-server/user1", tag = "registration", request_body = User1Body,
    responses((status = 200, body = Envelope<Made>))
)]
pub async fn user1(
    state: web::Data<State>,
    request: HttpRequest,
    Json(body): Json<User1Body>,
) -> Result<HttpResponse, Problem> {
    field::name(body.user.as_deref(), "user")?;
    let body = RegisterBody {
        user_one: body.user,
        user_two: None,
        hash: body.hash,
        ttl_hours: body.ttl_hours,
        id: body.id,
        encryption: body.encryption,
        auth: body.auth,
    };
    let wish = Registration::parse(&state, body, None)?;
    state.limits.registration(&request)?;
    Ok(ok(made(&state, &request, wish).await?))
}

/// Names the second person, once.
#[utoipa::path(
    post, path = "/chat-server/user2", tag = "registration", request_body = User2Body,
    responses((status = 200, body = Envelope<Nothing>))
)]
pub async fn user2(
    state: web::Data<State>,
    request: HttpRequest,
    Json(body): Json<User2Body>,
) -> Result<HttpResponse, Problem> {
    let name = field::name(body.user.as_deref(), "user")?;
    let hash = field::hash(body.hash.as_deref())?;
    let auth = field::auth(body.auth.as_deref())?;
    state.limits.request(&request)?;
    state
        .pairs
        .ask(ChatKey::of(&hash), NameSeatTwo { name, auth })
        .await?;
    Ok(ok(Nothing {}))
}

/// A registration whose fields were all understood.
pub struct Registration {
    name_one: UserName,
    name_two: Option<UserName>,
    hash: Option<PairHash>,
    lifetime: Lifetime,
    id: Option<RegistrationId>,
    encryption: Option<Encryption>,
}

impl Registration {
    /// Understands the fields; the second name was parsed before, because it may be left out in
    /// some places.
    ///
    /// # Errors
    /// [`Problem`] 400 names the field.
    pub fn parse(
        state: &State,
        body: RegisterBody,
        name_two: Option<UserName>,
    ) -> Result<Self, Problem> {
        let name_one = field::name(body.user_one.as_deref(), "userOne")?;
        if name_two.as_ref() == Some(&name_one) {
            return Err(Refusal::SameNames.into());
        }
        let hours = body.ttl_hours.unwrap_or(state.ttl_hours);
        let lifetime = Lifetime::from_hours(hours).map_err(Refusal::invalid("ttlHours"))?;
        let hash = body
            .hash
            .as_deref()
            .map(|hash| field::hash(Some(hash)))
            .transpose()?;
        if state.custom_hashes == CustomHashes::Long
            && hash.as_ref().is_some_and(|hash| !hash.is_long())
        {
            let message =
                "A hash has at least 22 characters here. Leave it out to get a fresh one.";
            return Err(Problem::invalid("hash", message));
        }
        let id = field::secret_id(body.id)?;
        let encryption = encryption(body.encryption.as_deref(), body.auth.as_deref())?;
        Ok(Self {
            name_one,
            name_two,
            hash,
            lifetime,
            id,
            encryption,
        })
    }
}

/// The two fields go together: a client that means to encrypt must not get a plain chat.
fn encryption(version: Option<&str>, auth: Option<&str>) -> Result<Option<Encryption>, Problem> {
    let auth = field::auth(auth)?;
    let Some(version) = version else {
        return match auth {
            Some(_) => Err(Problem::Missing("encryption")),
            None => Ok(None),
        };
    };
    Encryption::check_version(version).map_err(Refusal::invalid("encryption"))?;
    let auth = auth.ok_or(Problem::Missing("auth"))?;
    Ok(Some(Encryption { auth }))
}

/// A hash of the server's own making that suits the store.
fn fresh_hash(store: &dyn Store, id: Option<RegistrationId>) -> PairHash {
    let id = id.map(|id| id.digest());
    let hashes = || PairHash::generate(&mut rand::rng());
    let suits = |hash: &PairHash| store.suits(ChatKey::of(hash), id.as_ref());
    let suitable = std::iter::repeat_with(hashes)
        .take(SUITABLE_TRIES)
        .find(suits);
    // With any other the store says what is the matter.
    suitable.unwrap_or_else(hashes)
}

/// Makes the chat, or finds the one that the same registration made.
///
/// # Errors
/// [`Problem`] when the hash is taken or the store is out of reach.
pub async fn make(state: &State, wish: Registration) -> Result<(PairHash, Timestamp), Problem> {
    let own_hash = wish.hash.is_some();
    for _ in 0..HASH_TRIES {
        let hash = match &wish.hash {
            Some(hash) => hash.clone(),
            None => fresh_hash(&**state.pairs.store(), wish.id),
        };
        let seal =
            |id: RegistrationId| (id.digest(), SealedHash::seal(&hash, id, &mut rand::rng()));
        let new = NewChat {
            key: ChatKey::of(&hash),
            name_one: wish.name_one.clone(),
            name_two: wish.name_two.clone(),
            lifetime: wish.lifetime,
            registration: wish.id.map(seal),
            must_be_reserved: own_hash && state.custom_hashes == CustomHashes::Off,
            encryption: wish.encryption,
        };
        match state.pairs.store().register(new).await? {
            Registered::Made { expires_at } => return Ok((hash, expires_at)),
            Registered::Before {
                key,
                sealed,
                expires_at,
                same_names,
                encryption,
            } => {
                let opened = wish.id.and_then(|id| sealed.open(id, key));
                let hash = opened.ok_or_else(|| Problem::defect("a sealed hash does not open"))?;
                let same_hash = wish.hash.as_ref().is_none_or(|wished| *wished == hash);
                let same = same_names && same_hash && encryption == wish.encryption;
                return match same {
                    true => Ok((hash, expires_at)),
                    false => Err(Refusal::RegistrationReused.into()),
                };
            }
            Registered::Taken if own_hash => return Err(Refusal::HashTaken.into()),
            Registered::Taken => {}
            Registered::NotReserved => {
                let message = "A hash must come from /chat-server/hash here. Leave it out to get a \
                               fresh one.";
                return Err(Problem::invalid("hash", message));
            }
        }
    }
    Err(Problem::defect("fresh hashes collide"))
}

async fn made(state: &State, request: &HttpRequest, wish: Registration) -> Result<Made, Problem> {
    let encryption = wire::encryption(wish.encryption.is_some());
    let (hash, expires_at) = make(state, wish).await?;
    Ok(Made {
        hash: hash.as_str().into(),
        url: state.link(request, &hash),
        expires_at: expires_at.to_string(),
        encryption,
    })
}
