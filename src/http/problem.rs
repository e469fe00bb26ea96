//! Why a request fails, and the one place where that becomes a status, a word and a sentence.

mod refusals;
pub mod words;

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    http::{StatusCode, header},
};
use actors::Refusal;
use tracing::error;
use uuid::Uuid;

use super::{
    envelope::{FailureBody, FailureEnvelope},
    observe::{self, request_id},
};
use crate::config::Role;

/// When to come back after a 503.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);
/// When to come back to a server whose disk is full: somebody has to make room.
const STORAGE_FULL_RETRY: Duration = Duration::from_secs(60);

/// A sentence that a person can act on.
type Sentence = Cow<'static, str>;

/// Why a request failed.
#[derive(Debug, Clone)]
pub enum Problem {
    /// It was understood, and refused.
    Refused(Refusal),
    /// It cannot be understood, and no single field is at fault.
    Malformed(Sentence),
    /// A field is not of the type or the form that is wanted.
    Field {
        /// Its name.
        field: Cow<'static, str>,
        /// What is wrong with it.
        message: Sentence,
    },
    /// A field that is required was left out.
    Missing(&'static str),
    /// Another site sent it.
    CrossSite,
    /// The address leads nowhere.
    NoSuchPage,
    /// The address belongs to the other one of two services.
    OtherService {
        /// What this instance is.
        here: Role,
        /// What the address belongs to.
        there: Role,
    },
    /// The address does not take this method; it takes these, as `Allow` lists them.
    Method(&'static str),
    /// The method is none that is known here.
    UnknownMethod,
    /// It is addressed to a host that is not ours.
    Misdirected,
    /// A GET or HEAD came with a body, where it means nothing (RFC 9110, 9.3.1).
    BodyWithoutUse,
    /// It is not HTTP.
    NotHttp,
    /// Its head is too long.
    HeadTooLarge,
    /// Its body is too long.
    BodyTooLarge,
    /// It did not arrive in time.
    Timeout,
    /// Its body is not of the media type that is wanted.
    MediaType(&'static str),
    /// Its body is compressed.
    Compressed,
    /// There is no memory to answer it right now.
    Busy,
    /// A defect of ours, which is in the log under this reference.
    Defect {
        /// What to quote when asking for help.
        reference: Box<str>,
    },
}

impl Problem {
    /// A field's fault.
    pub fn invalid(field: impl Into<Sentence>, message: impl Into<Sentence>) -> Self {
        Self::Field {
            field: field.into(),
            message: message.into(),
        }
    }

    /// A 429.
    pub fn too_many(retry_after: Duration) -> Self {
        Self::Refused(Refusal::TooMany { retry_after })
    }

    /// A 500: what went wrong goes to the log, once; its sender gets a reference to it.
    pub fn defect(cause: impl fmt::Display) -> Self {
        let reference = match request_id() {
            // The line has it already.
            Some(id) => {
                error!(%cause, "a request failed");
                id
            }
            None => {
                let reference = Uuid::new_v4().simple().to_string();
                error!(%reference, %cause, "a request failed");
                reference
            }
        };
        Self::Defect {
            reference: reference.into(),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.row().0
    }

    /// A stable word.
    pub fn error(&self) -> &'static str {
        self.row().1
    }

    /// A sentence that a person can act on.
    pub fn message(&self) -> Sentence {
        self.row().2
    }

    /// Status, word and sentence, as the contract's table has them.
    fn row(&self) -> (StatusCode, &'static str, Sentence) {
        use StatusCode as S;
        let (status, error, message) = match self {
            Self::Refused(refusal) => return refusals::row(refusal),
            Self::Malformed(message) => return (S::BAD_REQUEST, "malformed", message.clone()),
            Self::Field { message, .. } => {
                return (S::BAD_REQUEST, "invalid_field", message.clone());
            }
            Self::Missing(field) => {
                let message = format!("The field \"{field}\" is missing.");
                return (S::BAD_REQUEST, "missing_field", message.into());
            }
            Self::OtherService { here, there } => {
                let message = format!(
                    "This is the service \"{here}\" alone; the address belongs to \"{there}\". Ask \
                     at the public address, which leads to both."
                );
                return (S::NOT_FOUND, "other_service", message.into());
            }
            Self::Method(allow) => {
                let message = format!("This address takes {allow} alone.");
                return (S::METHOD_NOT_ALLOWED, "method_not_allowed", message.into());
            }
            Self::MediaType(wanted) => {
                let message = format!("Send the body as {wanted} and say so in Content-Type.");
                return (
                    S::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_media_type",
                    message.into(),
                );
            }
            Self::CrossSite => (
                S::FORBIDDEN,
                "cross_site",
                "This request came from another site and was not carried out. Open the page itself \
                 and try again there.",
            ),
            Self::NoSuchPage => (
                S::NOT_FOUND,
                "not_found",
                "There is nothing at this address. Check it for typing errors.",
            ),
            Self::UnknownMethod => (
                S::NOT_IMPLEMENTED,
                "unknown_method",
                "This method is not known here. Use GET, HEAD or POST.",
            ),
            Self::Misdirected => (
                S::MISDIRECTED_REQUEST,
                "misdirected_request",
                "This server is not reached under that name. Use the address of the link.",
            ),
            Self::BodyWithoutUse => (
                S::BAD_REQUEST,
                "malformed",
                "A GET or HEAD request has no body. Send it without one.",
            ),
            Self::NotHttp => (
                S::BAD_REQUEST,
                "malformed",
                "This is not a request as HTTP has it.",
            ),
            Self::HeadTooLarge => (
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
                "The head of a request has at most 32 KiB and 96 fields.",
            ),
            Self::BodyTooLarge => (
                S::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "A request body has at most 64 KiB.",
            ),
            Self::Timeout => (
                S::REQUEST_TIMEOUT,
                "timeout",
                "The request did not arrive in time. Send it again.",
            ),
            Self::Compressed => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "Send the body as it is, without Content-Encoding.",
            ),
            Self::Busy => (S::SERVICE_UNAVAILABLE, "unavailable", refusals::UNAVAILABLE),
            Self::Defect { .. } => (S::INTERNAL_SERVER_ERROR, "defect", refusals::DEFECT),
        };
        (status, error, message.into())
    }

    /// The field at fault, where it is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Refused(Refusal::Invalid { field, .. } | Refusal::Disagrees { field })
            | Self::Missing(field) => Some(field),
            Self::Refused(Refusal::SameNames) => Some("userTwo"),
            Self::Refused(Refusal::TextTooLong) => Some("message"),
            Self::Field { field, .. } => Some(field),
            _ => None,
        }
    }

    /// When to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(Refusal::TooMany { retry_after }) => Some(*retry_after),
            Self::Refused(Refusal::StorageFull(_)) => Some(STORAGE_FULL_RETRY),
            Self::Refused(
                Refusal::Unavailable(_) | Refusal::PresenceUnknown | Refusal::PartAway,
            )
            | Self::Busy => Some(UNAVAILABLE_RETRY),
            _ => None,
        }
    }

    /// Whether the server could not do it for now, and may have done a part of it.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Unavailable(_)) | Self::Busy)
    }

    /// Whether the disk is full.
    pub fn is_storage_full(&self) -> bool {
        matches!(self, Self::Refused(Refusal::StorageFull(_)))
    }

    /// Whether a request was for something that does not exist here: an address, a method, a host.
    pub fn is_about_nothing(&self) -> bool {
        matches!(
            self,
            Self::NoSuchPage
                | Self::OtherService { .. }
                | Self::Method(_)
                | Self::UnknownMethod
                | Self::Misdirected
        )
    }

    /// The failure as a response of the API: `failed` is the status word, and `message` the sentence.
    pub fn respond_with(&self, failed: &'static str, message: Sentence) -> HttpResponse {
        let replaced_at = match self {
            Self::Refused(Refusal::Replaced(replaced)) => Some(replaced.at.to_string()),
            _ => None,
        };
        let mut response = HttpResponse::build(self.status());
        self.write_headers(&mut response);
        response.json(FailureEnvelope {
            data: FailureBody {
                status: failed,
                code: self.status().as_u16(),
                error: self.error(),
                message: message.into(),
                field: self.field().map(Into::into),
                reference: self.reference().map(Into::into),
                replaced_at,
            },
        })
    }

    /// The same with its own sentence.
    pub fn respond(&self, failed: &'static str) -> HttpResponse {
        self.respond_with(failed, self.message())
    }

    /// For a 500: what to quote when asking for help.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Defect { reference } => Some(reference),
            _ => None,
        }
    }

    /// `Retry-After`, `Allow`, and what else belongs to the status in any form it is told.
    pub fn write_headers(&self, response: &mut HttpResponseBuilder) {
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(after) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, whole_seconds(after)));
        }
        if let Self::Method(allow) = self {
            response.insert_header((header::ALLOW, *allow));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
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
        write!(f, "{} {}", self.status().as_u16(), self.error())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// A stand-in: the doors write the response in their own form, unless the request was lost.
    fn error_response(&self) -> HttpResponse {
        observe::lost(self)
    }
}
