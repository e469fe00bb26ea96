//! The envelope, and the one place where an error becomes a status, a word and a sentence.

mod refusals;

use std::{fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use actors::{CameWith, WasReplaced};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;
use uuid::Uuid;

use super::schema::Moment;
use crate::config::Role;

/// When to come back after a 503.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);
/// When to come back to a server whose disk is full: somebody has to make room.
const STORAGE_FULL_RETRY: Duration = Duration::from_secs(60);

/// The word of a request without a living session.
const NO_SESSION: &str = "no_session";

/// What every answer of the API is wrapped in.
#[derive(Serialize, ToSchema)]
pub struct Envelope<T> {
    /// The answer.
    pub data: Answer<T>,
}

/// A success.
#[derive(Serialize, ToSchema)]
pub struct Answer<T> {
    /// `OK`.
    #[schema(pattern = "^OK$", example = "OK")]
    pub status: &'static str,
    /// The HTTP status again.
    #[schema(minimum = 200, maximum = 200)]
    pub code: u16,
    /// What was asked for.
    #[serde(flatten)]
    pub body: T,
}

/// An answer without anything to say.
#[derive(Serialize, ToSchema)]
pub struct Nothing {}

/// A success with its content.
pub fn ok<T: Serialize>(body: T) -> HttpResponse {
    let data = Answer {
        status: "OK",
        code: 200,
        body,
    };
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Envelope { data })
}

/// A failure, as it goes over the wire.
#[derive(Serialize, ToSchema)]
pub struct FailureEnvelope {
    /// The failure.
    pub data: FailureBody,
}

/// A failure.
#[derive(Serialize, ToSchema)]
pub struct FailureBody {
    /// `FAIL`; on `message_send` `Failed`.
    #[schema(pattern = "^(FAIL|Failed)$", example = "FAIL")]
    pub status: &'static str,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599, example = 409)]
    pub code: u16,
    /// A stable word.
    #[schema(pattern = "^[a-z_]+$", example = "seat_taken")]
    pub error: &'static str,
    /// A sentence that a person can act on.
    pub message: Box<str>,
    /// The field at fault, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Box<str>>,
    /// What to quote when asking for help with a 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Box<str>>,
    /// With `replaced`: when somebody else was let in at this seat.
    #[serde(rename = "replacedAt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, nullable = false)]
    pub replaced_at: Option<String>,
}

/// Why a request failed, ready to be told.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable word.
    pub error: &'static str,
    /// A sentence that a person can act on.
    pub message: Box<str>,
    /// The field at fault, where it is one.
    pub field: Option<Box<str>>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// For a 405: what would do.
    pub allow: Option<&'static str>,
    /// For a 500: what to quote when asking for help.
    pub reference: Option<Box<str>>,
    /// For somebody whose seat was given to somebody else.
    pub replaced: Option<Box<WasReplaced>>,
}

impl Problem {
    fn new(status: StatusCode, error: &'static str, message: &str) -> Self {
        Self {
            status,
            error,
            message: message.into(),
            field: None,
            retry_after: None,
            allow: None,
            reference: None,
            replaced: None,
        }
    }

    /// A 400 that is no single field's fault.
    pub fn malformed(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// A 400 that is a field's fault.
    pub fn invalid(field: &str, message: &str) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(StatusCode::BAD_REQUEST, "invalid_field", message)
        }
    }

    /// A 400 for a field that has to be there.
    pub fn missing(field: &str) -> Self {
        Self {
            error: "missing_field",
            ..Self::invalid(field, &format!("The field \"{field}\" is missing."))
        }
    }

    /// A 401.
    pub fn no_session() -> Self {
        let message = "You are not logged in here, or that session has ended. Log in again.";
        Self::new(StatusCode::UNAUTHORIZED, NO_SESSION, message)
    }

    /// Whether it is [`no_session`](Self::no_session).
    pub fn is_no_session(&self) -> bool {
        self.error == NO_SESSION
    }

    /// A 403 for a token of another chat.
    pub fn other_chat() -> Self {
        let message = "This token belongs to another chat. Use the one its login gave you.";
        Self::new(StatusCode::FORBIDDEN, "other_chat", message)
    }

    /// A 403 for a form that another site sent.
    pub fn cross_site() -> Self {
        let message = "This request came from another site and was not carried out. Open the \
                       page itself and try again there.";
        Self::new(StatusCode::FORBIDDEN, "cross_site", message)
    }

    /// A 404 for an address that does not exist.
    pub fn no_such_page() -> Self {
        let message = "There is nothing at this address. Check it for typing errors.";
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// A 404 for an address that another service has.
    pub fn other_service(here: Role, there: Role) -> Self {
        let message = format!(
            "This is the service \"{here}\" alone; the address belongs to \"{there}\". Ask at the \
             public address, which leads to both."
        );
        Self::new(StatusCode::NOT_FOUND, "other_service", &message)
    }

    /// A 405; `allow` as the header has it.
    pub fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                &format!("This address takes {allow} alone."),
            )
        }
    }

    /// A 400 for a body that comes with a GET or HEAD, where it means nothing (RFC 9110, 9.3.1).
    pub fn body_without_use() -> Self {
        Self::malformed("A GET or HEAD request has no body. Send it without one.")
    }

    /// A 400 for what is no request of HTTP.
    pub fn not_http() -> Self {
        Self::malformed("This is not a request as HTTP has it.")
    }

    /// A 431.
    pub fn head_too_large() -> Self {
        let message = "The head of a request has at most 32 KiB and 96 fields.";
        Self::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
            message,
        )
    }

    /// A 501.
    pub fn not_implemented() -> Self {
        let message = "This method is not known here. Use GET, HEAD or POST.";
        Self::new(StatusCode::NOT_IMPLEMENTED, "unknown_method", message)
    }

    /// A 421.
    pub fn misdirected() -> Self {
        let message = "This server is not reached under that name. Use the address of the link.";
        Self::new(
            StatusCode::MISDIRECTED_REQUEST,
            "misdirected_request",
            message,
        )
    }

    /// Whether a request was for something that does not exist here: an address, a method, a host.
    pub fn is_about_nothing(&self) -> bool {
        matches!(
            self.error,
            "not_found"
                | "other_service"
                | "method_not_allowed"
                | "unknown_method"
                | "misdirected_request"
        )
    }

    /// A 408.
    pub fn timeout() -> Self {
        let message = "The request did not arrive in time. Send it again.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
    }

    /// A 413.
    pub fn body_too_large() -> Self {
        let message = "A request body has at most 64 KiB.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    /// A 413 for a message.
    pub fn message_too_long(message: &str) -> Self {
        Self {
            field: Some("message".into()),
            ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, "message_too_long", message)
        }
    }

    /// A 415; `wanted` is the type that would do.
    pub fn media_type(wanted: &str) -> Self {
        let message = format!("Send the body as {wanted} and say so in Content-Type.");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            &message,
        )
    }

    /// A 415 for a body that is compressed.
    pub fn compressed() -> Self {
        let message = "Send the body as it is, without Content-Encoding.";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    }

    /// A 429.
    pub fn too_many(retry_after: Duration) -> Self {
        let seconds = whole_seconds(retry_after);
        Self {
            retry_after: Some(retry_after),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                &format!("Too many requests. Wait {seconds} seconds and try again."),
            )
        }
    }

    /// A 503.
    pub fn unavailable() -> Self {
        let message = "The server cannot do this right now. Try again in a moment; sending a \
                       message again with the same id is safe.";
        Self {
            retry_after: Some(UNAVAILABLE_RETRY),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
        }
    }

    /// A 503 where only somebody's absence would allow it.
    pub fn presence_unknown() -> Self {
        let message = "Nobody can say right now whether that person has this chat open, so nobody \
                       is let in as them. Try again in a moment.";
        Self {
            error: "presence_unknown",
            message: message.into(),
            ..Self::unavailable()
        }
    }

    /// A 401, 403 or 409, by what somebody came with whose seat was given to somebody else.
    pub fn replaced(replaced: Box<WasReplaced>) -> Self {
        let (status, message) = match replaced.came_with {
            CameWith::Token => (
                StatusCode::UNAUTHORIZED,
                "The other person let somebody in at this seat, which ended this session. If you \
                 did not agree to that, tell them some other way, and ask to be let in.",
            ),
            CameWith::Code => (
                StatusCode::FORBIDDEN,
                "The other person let somebody in at this seat, which ended this code. If you did \
                 not agree to that, tell them some other way, and ask to be let in.",
            ),
            CameWith::Name => (
                StatusCode::CONFLICT,
                "This seat is taken: the other person let somebody in, which ended what was known \
                 of it before. Enter the return code from then, or ask to be let in.",
            ),
        };
        Self {
            replaced: Some(replaced),
            ..Self::new(status, "replaced", message)
        }
    }

    /// A 503 until the operator has made room.
    fn storage_full() -> Self {
        let message = "This server has no room for new messages and chats right now. What is \
                       stored can be read, and chats can be ended.";
        Self {
            retry_after: Some(STORAGE_FULL_RETRY),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full", message)
        }
    }

    /// A 500: what went wrong goes to the log, once; its sender gets a reference to it.
    pub fn defect(cause: impl fmt::Display) -> Self {
        let reference = Uuid::new_v4().to_string();
        error!(%reference, %cause, "a request failed");
        let message = "Something went wrong on the server. Try again; if it stays so, report \
                       the reference.";
        Self {
            reference: Some(reference.into()),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "defect", message)
        }
    }

    /// The failure as a response of the API: `failed` is the status word.
    pub fn respond(&self, failed: &'static str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        self.write_headers(&mut response);
        response.json(FailureEnvelope {
            data: FailureBody {
                status: failed,
                code: self.status.as_u16(),
                error: self.error,
                message: self.message.clone(),
                field: self.field.clone(),
                reference: self.reference.clone(),
                replaced_at: self
                    .replaced
                    .as_ref()
                    .map(|replaced| replaced.at.to_string()),
            },
        })
    }

    /// `Retry-After`, `Allow`, and what else belongs to the status in any form it is told.
    pub fn write_headers(&self, response: &mut actix_web::HttpResponseBuilder) {
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(after) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, whole_seconds(after)));
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
    }
}

/// At least one, and never early.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs_f64().ceil().max(1.0) as u64
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.error)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// A stand-in: the doors write the response in their own form.
    fn error_response(&self) -> HttpResponse {
        self.respond("FAIL")
    }
}
