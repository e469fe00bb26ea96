//! Sitting down.

use actix_web::{HttpRequest, HttpResponse, web};
use actors::{
    LoggedIn, Login, LoginProof, Refusal,
    domain::{
        AccessCode, ChatKey, Device, PairHash, RegistrationId, SecretDigest, Seq, Token, UserName,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{
    State,
    body::Json,
    device,
    envelope::{Envelope, ok},
    field,
    problem::Problem,
    schema::{Auth, Code, EncryptionVersion, Hash, Name, Place, SeatNumber, Secret, SecretId},
    wire,
};

/// Who sits down where, and what lets them in.
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
    /// The seat's return code, where the seat is taken.
    #[schema(value_type = Option<Code>)]
    pub return_code: Option<String>,
    /// A device code, good once.
    #[schema(value_type = Option<Code>)]
    pub device_code: Option<String>,
    /// The `askId` of an ask that was allowed, good once.
    #[schema(value_type = Option<Secret>)]
    pub ask_id: Option<String>,
    /// While the session it made is unused, the same again makes that session anew.
    #[schema(value_type = Option<SecretId>)]
    pub id: Option<Uuid>,
    /// Proof of having the whole link, in an encrypted chat.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
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
    /// The place of the chat's last message.
    #[schema(value_type = Place)]
    pub last_seq: Seq,
    /// The seat's return code, when this login set it. It is shown this once.
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
            encryption: wire::encryption(done.encrypted),
        }
    }
}

/// Takes a seat, or comes back to it. Where somebody else was let in at the seat, a login by name
/// alone (409) and one with a code from before (403) are answered `replaced`, with `replacedAt`.
#[utoipa::path(
    post, path = "/chat-server/user/{username}/login", tag = "login", request_body = LoginBody,
    params(("username" = Name, Path, description = "The same name as `user`", example = "Abhi")),
    responses((status = 200, body = Envelope<LoginReply>))
)]
pub async fn login(
    state: web::Data<State>,
    request: HttpRequest,
    username: web::Path<String>,
    Json(body): Json<LoginBody>,
) -> Result<HttpResponse, Problem> {
    let hash = field::hash(body.hash.as_deref())?;
    let entry = Entry::parse(body, hash)?;
    same_name(&username, &entry.name)?;
    state.limits.request(&request)?;
    Ok(ok(LoginReply::from(
        entry.sit(&state, device::of(&request)).await?,
    )))
}

/// The name in the address and the one in the body are one.
///
/// # Errors
/// [`Problem`] 400 when they are not.
pub fn same_name(in_path: &str, name: &UserName) -> Result<(), Problem> {
    match UserName::parse(in_path) {
        Ok(other) if other == *name => Ok(()),
        _ => Err(Problem::invalid(
            "user",
            "The name in the address and \"user\" must agree.",
        )),
    }
}

/// A login whose fields were all understood.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The link's hash.
    pub hash: PairHash,
    /// Who it is.
    pub name: UserName,
    proof: Option<LoginProof>,
    id: Option<RegistrationId>,
    auth: Option<SecretDigest>,
}

impl Entry {
    /// Understands the fields; the hash may stand in the address instead.
    ///
    /// # Errors
    /// [`Problem`] 400 names the field.
    pub fn parse(body: LoginBody, hash: PairHash) -> Result<Self, Problem> {
        let name = field::name(body.user.as_deref(), "user")?;
        let id = field::secret_id(body.id)?;
        let code = |text: Option<String>, field| -> Result<Option<AccessCode>, Problem> {
            text.map(|text| field::code(&text, field)).transpose()
        };
        let return_code = code(body.return_code, "returnCode")?.map(LoginProof::ReturnCode);
        let device_code = code(body.device_code, "deviceCode")?.map(LoginProof::DeviceCode);
        let ask = body
            .ask_id
            .map(|secret| ask_secret(&secret))
            .transpose()?
            .map(LoginProof::Ask);
        let proofs = [&return_code, &device_code, &ask];
        if proofs.iter().filter(|proof| proof.is_some()).count() > 1 {
            let message = "Send one of returnCode, deviceCode and askId, not several.";
            return Err(Problem::Malformed(message.into()));
        }
        Ok(Self {
            hash,
            name,
            proof: return_code.or(device_code).or(ask),
            id,
            auth: field::auth(body.auth.as_deref())?,
        })
    }

    /// Sits down, on the device that it comes from.
    ///
    /// # Errors
    /// [`Problem`] says why not.
    pub async fn sit(self, state: &State, device: Device) -> Result<LoggedIn, Problem> {
        let login = Login {
            hash: self.hash.clone(),
            name: self.name,
            proof: self.proof,
            id: self.id,
            device,
            auth: self.auth,
        };
        Ok(state.pairs.ask(ChatKey::of(&self.hash), login).await?)
    }
}

/// The secret of somebody who asked to be let in.
///
/// # Errors
/// [`Problem`] 400 when it has not the form of one.
pub fn ask_secret(text: &str) -> Result<Token, Problem> {
    let wrong = Refusal::Invalid {
        field: "askId",
        problem: "This is not an askId that login/ask gave out.",
    };
    Token::parse(text).ok_or_else(|| wrong.into())
}
