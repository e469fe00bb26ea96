//! Making chats.

use actors::{
    Refusal,
    domain::{Encryption, Lifetime, PairHash, SecretDigest, Timestamp, UserName},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::encryption;
use crate::http::{
    actions::Registration,
    field, integers,
    problem::{Problem, Result},
    schema::{Auth, DateTime, EncryptionVersion, Hash, Name, SecretId},
};

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
    /// The link's secret part, if the client chooses it.
    #[schema(value_type = Option<Hash>)]
    pub hash: Option<String>,
    /// How long the chat lives.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(minimum = 1, maximum = 720, example = 168)]
    pub ttl_hours: Option<i64>,
    /// Makes a repeated request safe: the same id with the same names returns the same chat.
    #[schema(value_type = Option<SecretId>)]
    pub id: Option<Uuid>,
    /// How its clients encrypt texts; left out for a plain chat.
    #[schema(value_type = Option<EncryptionVersion>)]
    pub encryption: Option<String>,
    /// Proof of having the whole link; goes with `encryption`.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

impl RegisterBody {
    /// Parses the fields; the second name is optional.
    pub fn parse(self, ttl_hours_default: i64) -> Result<Registration> {
        let name_one = field::name(self.user_one.as_deref(), "userOne")?;
        let name_two = self.user_two.as_deref();
        let name_two = name_two.map(|name| field::name(Some(name), "userTwo"));
        let hours = self.ttl_hours.unwrap_or(ttl_hours_default);
        let hash = self.hash.as_deref().map(|hash| field::hash(Some(hash)));
        Ok(Registration {
            name_one,
            name_two: name_two.transpose()?,
            hash: hash.transpose()?,
            lifetime: Lifetime::from_hours(hours).map_err(Refusal::invalid("ttlHours"))?,
            id: field::secret_id(self.id)?,
            encryption: parse_encryption(self.encryption.as_deref(), self.auth.as_deref())?,
        })
    }
}

/// Requires both fields or neither: a client that wants encryption must not get a plain chat.
fn parse_encryption(version: Option<&str>, auth: Option<&str>) -> Result<Option<Encryption>> {
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

/// A chat to be made, whose second person chooses their own name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"user": "Abhi", "hash": "abc123"}))]
pub struct User1Body {
    /// The first person's name.
    #[schema(required, value_type = Name)]
    pub user: Option<String>,
    /// The link's secret part, if the client chooses it.
    #[schema(value_type = Option<Hash>)]
    pub hash: Option<String>,
    /// How long the chat lives.
    #[serde(default, deserialize_with = "integers::optional")]
    #[schema(minimum = 1, maximum = 720, example = 168)]
    pub ttl_hours: Option<i64>,
    /// Makes a repeated request safe: the same id with the same names returns the same chat.
    #[schema(value_type = Option<SecretId>)]
    pub id: Option<Uuid>,
    /// How its clients encrypt texts; left out for a plain chat.
    #[schema(value_type = Option<EncryptionVersion>)]
    pub encryption: Option<String>,
    /// Proof of having the whole link; goes with `encryption`.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

impl User1Body {
    /// Parses the fields.
    pub fn parse(self, ttl_hours_default: i64) -> Result<Registration> {
        field::name(self.user.as_deref(), "user")?;
        let body = RegisterBody {
            user_one: self.user,
            user_two: None,
            hash: self.hash,
            ttl_hours: self.ttl_hours,
            id: self.id,
            encryption: self.encryption,
            auth: self.auth,
        };
        body.parse(ttl_hours_default)
    }
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

impl User2Body {
    /// Parses the chat's hash, the name and the digest of the link's proof.
    pub fn parse(&self) -> Result<(PairHash, UserName, Option<SecretDigest>)> {
        let name = field::name(self.user.as_deref(), "user")?;
        let hash = field::hash(self.hash.as_deref())?;
        Ok((hash, name, field::auth(self.auth.as_deref())?))
    }
}

/// A reserved hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct HashReply {
    /// The link's secret part: 22 base58 characters.
    #[schema(value_type = Hash)]
    pub hash: String,
}

/// A chat that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterReply {
    /// The link's secret part.
    #[schema(value_type = Hash)]
    pub hash: String,
    /// The link to share.
    #[schema(
        format = "uri",
        example = "http://127.0.0.1:8080/demo/chat/user/7YxPQdR2kVw9mJt4HnZb3c"
    )]
    pub url: String,
    /// When the chat deletes itself.
    #[schema(value_type = DateTime)]
    pub expires_at: String,
    /// How texts are encrypted, in an encrypted chat. What follows the link's `#` is a secret of the clients
    /// and not part of `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EncryptionVersion)]
    pub encryption: Option<&'static str>,
}

impl RegisterReply {
    /// A chat with its link.
    pub fn of(hash: &PairHash, url: String, expires_at: Timestamp, is_encrypted: bool) -> Self {
        Self {
            hash: hash.as_str().into(),
            url,
            expires_at: expires_at.to_string(),
            encryption: encryption(is_encrypted),
        }
    }
}
