//! Why a request fails, and the one place that maps it to a status, an error word and a sentence.

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
    observe::request_id,
};
use crate::config::Role;

/// `Retry-After` of a 503.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);
/// `Retry-After` when the disk is full: an operator has to make room.
const STORAGE_FULL_RETRY: Duration = Duration::from_secs(60);

/// A sentence that a person can act on.
type Sentence = Cow<'static, str>;

/// The result of parsing or answering a request.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// Why a request failed.
#[derive(Debug, Clone)]
pub enum Problem {
    /// The request is valid, and was refused.
    Refused(Refusal),
    /// The request cannot be parsed, and no single field is invalid.
    Malformed(Sentence),
    /// A field has the wrong type or format.
    Field {
        /// Its name.
        field: Cow<'static, str>,
        /// What is wrong with it.
        message: Sentence,
    },
    /// A required field is missing.
    Missing(&'static str),
    /// Another site made a browser send it.
    CrossSite,
    /// No route for the path.
    NoSuchPage,
    /// The address belongs to the other service, where the roles are split.
    OtherService {
        /// What this instance is.
        here: Role,
        /// What the address belongs to.
        there: Role,
    },
    /// The address does not take this method; it takes these, as `Allow` lists them.
    Method(&'static str),
    /// The method is unknown.
    UnknownMethod,
    /// Its host is not ours.
    Misdirected,
    /// A GET or HEAD has a body, which has no meaning there (RFC 9110, 9.3.1).
    UnexpectedBody,
    /// It is not HTTP.
    NotHttp,
    /// Its head is too long.
    HeadTooLarge,
    /// Its body is too long.
    BodyTooLarge,
    /// It did not arrive in time.
    Timeout,
    /// Its body has the wrong media type; holds the right one.
    MediaType(&'static str),
    /// Its body is compressed.
    Compressed,
    /// No memory or turn is available for it right now.
    Busy,
    /// A bug on our side, logged under this reference.
    Defect {
        /// The reference to quote in a bug report.
        reference: Box<str>,
    },
}

impl Problem {
    /// A wrong field.
    pub fn invalid(field: impl Into<Sentence>, message: impl Into<Sentence>) -> Self {
        Self::Field {
            field: field.into(),
            message: message.into(),
        }
    }

    /// A field of the wrong type.
    pub fn wrong_type(field: impl Into<Sentence>) -> Self {
        let field = field.into();
        let message = format!("The field \"{field}\" is not of the type that is wanted.");
        Self::invalid(field, message)
    }

    /// A 429.
    pub fn too_many(retry_after: Duration) -> Self {
        Self::Refused(Refusal::TooMany { retry_after })
    }

    /// A 500. The cause is logged once; the client gets a reference to that line.
    pub fn defect(cause: impl fmt::Display) -> Self {
        let reference = match request_id() {
            // The request's span adds it to the line.
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

    /// A stable error word for programs.
    pub fn error(&self) -> &'static str {
        self.row().1
    }

    /// A sentence that a person can act on.
    pub fn message(&self) -> Sentence {
        self.row().2
    }

    /// Status, error word and sentence: a row of the contract's table.
    fn row(&self) -> (StatusCode, &'static str, Sentence) {
        use StatusCode as S;
        #[rustfmt::skip]
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
            Self::CrossSite => (S::FORBIDDEN, "cross_site",
                "This request came from another site and was not carried out. Open the page itself \
                 and try again there."),
            Self::NoSuchPage => (S::NOT_FOUND, "not_found",
                "There is nothing at this address. Check it for typing errors."),
            Self::UnknownMethod => (S::NOT_IMPLEMENTED, "unknown_method",
                "This method is not known here. Use GET, HEAD or POST."),
            Self::Misdirected => (S::MISDIRECTED_REQUEST, "misdirected_request",
                "This server is not reached under that name. Use the address of the link."),
            Self::UnexpectedBody => (S::BAD_REQUEST, "malformed",
                "A GET or HEAD request has no body. Send it without one."),
            Self::NotHttp => (S::BAD_REQUEST, "malformed", "This is not a request as HTTP has it."),
            Self::HeadTooLarge => (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large",
                "The head of a request has at most 32 KiB and 96 fields."),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large",
                "A request body has at most 64 KiB."),
            Self::Timeout => (S::REQUEST_TIMEOUT, "timeout",
                "The request did not arrive in time. Send it again."),
            Self::Compressed => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type",
                "Send the body as it is, without Content-Encoding."),
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

    /// How long the client should wait before it tries again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(Refusal::TooMany { retry_after }) => Some(*retry_after),
            Self::Refused(Refusal::StorageFull(_)) => Some(STORAGE_FULL_RETRY),
            Self::Refused(
                Refusal::Unavailable(_) | Refusal::PresenceUnknown | Refusal::PartitionUnavailable,
            )
            | Self::Busy => Some(UNAVAILABLE_RETRY),
            _ => None,
        }
    }

    /// Whether the server could not do it right now; the outcome may be unknown.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Unavailable(_)) | Self::Busy)
    }

    /// Whether the disk is full.
    pub fn is_storage_full(&self) -> bool {
        matches!(self, Self::Refused(Refusal::StorageFull(_)))
    }

    /// Whether no route exists for the request: unknown address, method or host.
    pub fn is_unroutable(&self) -> bool {
        matches!(
            self,
            Self::NoSuchPage
                | Self::OtherService { .. }
                | Self::Method(_)
                | Self::UnknownMethod
                | Self::Misdirected
        )
    }

    /// The failure as JSON, with the status word `failed` and the sentence `message`.
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

    /// Adds the headers that belong to the failure, as JSON or as a page: `Retry-After`, `Allow` and others.
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

/// Rounded up, and at least one.
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

    /// A placeholder: the API and the pages each write the response in their own form.
    fn error_response(&self) -> HttpResponse {
        self.respond("FAIL")
    }
}
