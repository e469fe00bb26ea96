//! The envelope of the API's responses.

use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{problem::Problem, schema::DateTime};

/// The envelope of every response of the API.
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

/// A success without data.
#[derive(Serialize, ToSchema)]
pub struct EmptyReply {}

/// A success with its content.
pub fn ok<T: Serialize>(body: T) -> HttpResponse {
    let data = Answer {
        status: "OK",
        code: 200,
        body,
    };
    match serde_json::to_vec(&Envelope { data }) {
        Ok(mut body) => {
            // Frees the spare capacity: the body may wait long until its client takes it.
            body.shrink_to_fit();
            HttpResponse::Ok()
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .content_type(header::ContentType::json())
                .body(body)
        }
        Err(error) => Problem::defect(error).respond("FAIL"),
    }
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
    #[schema(value_type = DateTime, nullable = false)]
    pub replaced_at: Option<String>,
}
