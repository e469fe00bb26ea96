//! The codes and sessions of the caller's seat.

use actors::domain::{AccessCode, Session, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{
    field,
    problem::Problem,
    schema::{Code, DateTime, DeviceName, Id},
};

/// A code for another device.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceReply {
    /// Works once: log in with it as `deviceCode`.
    #[schema(value_type = Code)]
    pub device_code: String,
    /// When it expires.
    #[schema(value_type = DateTime)]
    pub expires_at: String,
}

impl DeviceReply {
    /// A code, and when it expires.
    pub fn of(code: &AccessCode, expires_at: Timestamp) -> Self {
        Self {
            device_code: code.reveal(),
            expires_at: expires_at.to_string(),
        }
    }
}

/// A new return code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReturnCodeReply {
    /// The code; the old one no longer works.
    #[schema(value_type = Code)]
    pub return_code: String,
}

impl ReturnCodeReply {
    /// A new code.
    pub fn of(code: &AccessCode) -> Self {
        Self {
            return_code: code.reveal(),
        }
    }
}

/// The sessions of a seat.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsReply {
    /// The oldest first.
    pub sessions: Vec<SessionView>,
}

impl SessionsReply {
    /// The sessions of a seat, one of which is the caller's.
    pub fn of(sessions: &[Session], current: Uuid) -> Self {
        let view = |session: &Session| SessionView {
            id: session.id,
            since: session.since.to_string(),
            last_seen: session.last_seen.unwrap_or(session.since).to_string(),
            device: session.device.label(),
            current: session.id == current,
        };
        Self {
            sessions: sessions.iter().map(view).collect(),
        }
    }
}

/// One logged-in browser or client.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Its id, for ending it.
    #[schema(value_type = Id)]
    pub id: Uuid,
    /// When it logged in.
    #[schema(value_type = DateTime)]
    pub since: String,
    /// When it was last used, to the minute.
    #[schema(value_type = DateTime)]
    pub last_seen: String,
    /// The browser and system that it logged in with, or the one of them that is known; null when neither is.
    #[schema(required, value_type = Option<DeviceName>)]
    pub device: Option<String>,
    /// Whether it is the session of this request.
    pub current: bool,
}

/// A session to be ended.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct EndSessionBody {
    /// Its id, from the list.
    #[schema(required, value_type = Id)]
    pub id: Option<Uuid>,
}

impl EndSessionBody {
    /// Parses the session's id.
    pub fn parse(&self) -> Result<Uuid, Problem> {
        Ok(*field::required(self.id.as_ref(), "id")?)
    }
}
