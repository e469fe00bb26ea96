//! Asking to be let in, and answering.

use actors::{
    AskToEnter,
    domain::{AskNumber, Token},
    ports::AskState,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{
    actions::AnswerRequest,
    field,
    problem::Problem,
    schema::{Auth, Hash, Id, Name, Secret, TwoDigits},
};

/// Who wants to be let in.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"user": "Anny", "hash": "abc123"}))]
pub struct AskBody {
    /// The name of the seat.
    #[schema(required, value_type = Name)]
    pub user: Option<String>,
    /// The link's secret part.
    #[schema(required, value_type = Hash)]
    pub hash: Option<String>,
    /// Proof of having the whole link, in an encrypted chat.
    #[schema(value_type = Option<Auth>)]
    pub auth: Option<String>,
}

impl AskBody {
    /// Parses the fields except the hash, which may be in the path instead.
    pub fn parse(&self) -> Result<AskToEnter, Problem> {
        Ok(AskToEnter {
            name: field::name(self.user.as_deref(), "user")?,
            auth: field::auth(self.auth.as_deref())?,
        })
    }
}

/// An ask to be let in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskReply {
    /// The asker's secret: reads the state of the ask, and logs in once it is allowed.
    #[schema(value_type = Secret)]
    pub ask_id: String,
    /// Two digits that the people in the chat see as well, to be compared some other way.
    #[schema(value_type = TwoDigits)]
    pub number: String,
}

impl AskReply {
    /// The secret of an ask and its number.
    pub fn of((secret, number): (Token, AskNumber)) -> Self {
        Self {
            ask_id: secret.reveal(),
            number: number.to_string(),
        }
    }
}

/// The state of an ask.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskStateReply {
    /// `waiting`, `allowed` (`login` takes the `askId` within two minutes), `refused`, or `expired`:
    /// after two minutes, or when a newer ask for the same seat took its place.
    #[schema(pattern = "^(waiting|allowed|refused|expired)$", example = "waiting")]
    pub state: &'static str,
}

impl From<AskState> for AskStateReply {
    fn from(state: AskState) -> Self {
        let state = match state {
            AskState::Waiting => "waiting",
            AskState::Allowed => "allowed",
            AskState::Refused => "refused",
            AskState::Expired => "expired",
        };
        Self { state }
    }
}

/// An answer to somebody who wants in.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct AnswerBody {
    /// The `ask` word of the `seat` event.
    #[schema(required, value_type = Id)]
    pub ask: Option<Uuid>,
    /// Whether they may log in.
    #[schema(required, nullable = false)]
    pub allow: Option<bool>,
}

impl AnswerBody {
    /// Parses the answer.
    pub fn parse(&self) -> Result<AnswerRequest, Problem> {
        Ok(AnswerRequest {
            ask: *field::required(self.ask.as_ref(), "ask")?,
            allow: *field::required(self.allow.as_ref(), "allow")?,
        })
    }
}
