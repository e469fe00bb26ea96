//! Logging in.

use actors::{
    LoggedIn, Login, LoginProof,
    domain::{AccessCode, Device, PairHash, Seq},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::encryption;
use crate::http::{
    field,
    problem::{Problem, Result},
    schema::{Auth, Code, EncryptionVersion, Hash, MessageSeq, Name, SeatNumber, Secret, SecretId},
};

/// The name and the proof to log in with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"user": "Abhi", "hash": "abc123"}))]
pub struct LoginBody {
    /// The name of the seat.
    #[schema(required, value_type = Name)]
    pub user: Option<String>,
    /// The link's secret part.
    #[schema(required, value_type = Hash)]
    pub hash: Option<String>,
    /// The seat's return code, if the seat is taken.
    #[schema(value_type = Option<Code>)]
    pub return_code: Option<String>,
    /// A device code, good once.
    #[schema(value_type = Option<Code>)]
    pub device_code: Option<String>,
    /// The `askId` of an ask that was allowed; works once.
    #[schema(value_type = Option<Secret>)]
    pub ask_id: Option<String>,
    /// Makes a repeated login safe: while the first one's session is unused, the same id replaces it.
    #[schema(value_type = Option<SecretId>)]
    pub id: Option<Uuid>,
    /// Proof of having the whole link, in an encrypted chat.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

impl LoginBody {
    /// Parses the fields except the hash, which may be in the path instead: an address that names no chat (404) is
    /// reported after a wrong field (400).
    pub fn parse(self, hash: Result<PairHash>, device: Device) -> Result<Login> {
        let name = field::name(self.user.as_deref(), "user")?;
        let id = field::secret_id(self.id)?;
        let code = |text: Option<String>, field| -> Result<Option<AccessCode>> {
            text.map(|text| field::code(&text, field)).transpose()
        };
        let return_code = code(self.return_code, "returnCode")?.map(LoginProof::ReturnCode);
        let device_code = code(self.device_code, "deviceCode")?.map(LoginProof::DeviceCode);
        let ask = self.ask_id.as_deref().map(field::ask_secret).transpose()?;
        let proofs = [return_code, device_code, ask.map(LoginProof::Ask)];
        let mut proofs = proofs.into_iter().flatten();
        let proof = proofs.next();
        if proofs.next().is_some() {
            let message = "Send one of returnCode, deviceCode and askId, not several.";
            return Err(Problem::Malformed(message.into()));
        }
        Ok(Login {
            name,
            proof,
            id,
            device,
            auth: field::auth(self.auth.as_deref())?,
            may_name: false,
            hash: hash?,
        })
    }
}

/// A new session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginReply {
    /// The bearer token.
    #[schema(value_type = Secret)]
    pub token: String,
    /// 1 or 2.
    #[schema(value_type = SeatNumber)]
    pub seat: u8,
    /// The other person's name; null while unnamed.
    #[schema(required, value_type = Option<Name>)]
    pub peer: Option<String>,
    /// The `seq` of the chat's last message.
    #[schema(value_type = MessageSeq)]
    pub last_seq: Seq,
    /// The seat's return code, if this login created it. It is shown only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Code)]
    pub return_code: Option<String>,
    /// How texts are sealed, in an encrypted chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EncryptionVersion)]
    pub encryption: Option<&'static str>,
}

impl From<LoggedIn> for LoginReply {
    fn from(done: LoggedIn) -> Self {
        Self {
            token: done.token.reveal(),
            seat: done.seat.number(),
            peer: done.peer.map(|peer| peer.to_string()),
            last_seq: done.last_seq,
            return_code: done.return_code.map(|code| code.reveal()),
            encryption: encryption(done.encrypted),
        }
    }
}
