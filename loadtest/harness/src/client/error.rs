//! Why a call failed, and whether trying again can help.

use std::{io, time::Duration};

use crate::http::WireError;

/// A call that brought no success.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody accepts connections there.
    #[error("no server answers at {url} ({source})")]
    Unreachable {
        /// The address as it was given.
        url: String,
        /// What the system said.
        source: io::Error,
    },
    /// Every connection is an open file, and this process may open no more of them.
    #[error(
        "this process may open no more files, and every stream is one: raise the limit (ulimit -n)"
    )]
    OutOfFiles,
    /// The answer did not come in time.
    #[error("{url} took a request but did not answer in time")]
    TimedOut {
        /// The address as it was given.
        url: String,
    },
    /// The connection failed, or what came over it is not HTTP.
    #[error("{url}: {source}")]
    Wire {
        /// The address as it was given.
        url: String,
        /// What went wrong.
        source: WireError,
    },
    /// The server said no.
    #[error("{url} answered {code}{}", said(error, message))]
    Refused {
        /// The address as it was given.
        url: String,
        /// The HTTP status.
        code: u16,
        /// The envelope's stable word, empty where there was none.
        error: String,
        /// The envelope's sentence, empty where there was none.
        message: String,
        /// The `Retry-After` header.
        retry_after: Option<Duration>,
    },
    /// The server said yes, but the body is not what the contract promises.
    #[error("{url} answered 200 with a body that is not the contract's ({reason})")]
    NotUnderstood {
        /// The address as it was given.
        url: String,
        /// What the parser missed.
        reason: String,
    },
}

impl ApiError {
    /// The HTTP status of a refusal.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same request may succeed later: the server is away or asked to wait (502 and 504 are a balancer's
    /// words for an instance that went away).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Wire { source, .. } => !matches!(source, WireError::Malformed(_)),
            Self::Refused { code, .. } => matches!(code, 429 | 502 | 503 | 504),
            Self::NotUnderstood { .. } | Self::OutOfFiles => false,
        }
    }

    /// A short word to count by: the status, or what failed.
    pub fn label(&self) -> String {
        match self {
            Self::Unreachable { .. } => "no connection".to_owned(),
            Self::OutOfFiles => "no file left to open".to_owned(),
            Self::TimedOut { .. } => "no answer in time".to_owned(),
            Self::Wire { .. } => "connection lost".to_owned(),
            Self::Refused { code, .. } => code.to_string(),
            Self::NotUnderstood { .. } => "answer not understood".to_owned(),
        }
    }
}

/// What an envelope says, or that there was none.
fn said(error: &str, message: &str) -> String {
    match error {
        "" => {
            ", not in the form of duet's API: is that address right, and the server behind it up?"
                .to_owned()
        }
        error => format!(" {error}: {message}"),
    }
}
