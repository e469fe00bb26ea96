//! Request bodies: JSON with or without the envelope, and HTML forms for the pages.

use std::io;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_TYPE},
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use serde_path_to_error::Error as PathError;
use url::form_urlencoded;

use super::{Problem, Result, State};

/// The longest body, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// A JSON body: `{"data": {…}}` or the bare inner object. An empty body counts as `{}`.
pub struct Json<T>(pub T);

/// A body sent to the pages: JSON as for the API, or an HTML form.
pub struct FormOrJson<T> {
    /// The parsed body.
    pub body: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = parsed(request, payload, false);
        Box::pin(async { Ok(Self(body.await?)) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for FormOrJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = parsed(request, payload, true);
        Box::pin(async { Ok(Self { body: body.await? }) })
    }
}

fn parsed<T: DeserializeOwned + 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    may_be_form: bool,
) -> impl Future<Output = Result<T>> + 'static {
    let media_type = media_type(request);
    let read = read(request, payload);
    async move {
        match media_type {
            MediaType::Json => match read.await? {
                empty if empty.is_empty() => parse_json(b"{}"),
                body => parse_json(&body),
            },
            MediaType::Form if may_be_form => parse_form(&read.await?),
            MediaType::Compressed => Err(Problem::Compressed),
            // Without a Content-Type it must be empty, and one that cannot be read is not.
            MediaType::Missing if read.await.is_ok_and(|body| body.is_empty()) => parse_json(b"{}"),
            _ => Err(Problem::MediaType(match may_be_form {
                true => "application/json or application/x-www-form-urlencoded",
                false => "application/json",
            })),
        }
    }
}

enum MediaType {
    Json,
    Form,
    Missing,
    Other,
    Compressed,
}

fn media_type(request: &HttpRequest) -> MediaType {
    let codings = request.headers().get_all(CONTENT_ENCODING);
    let mut codings = codings.flat_map(|list| list.as_bytes().split(|byte| *byte == b','));
    // Empty elements of a list are to be ignored (RFC 9110, 5.6.1.2).
    let is_none = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    if !codings.all(|coding| is_none(coding.trim_ascii())) {
        return MediaType::Compressed;
    }
    let value = request.headers().get(CONTENT_TYPE);
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return MediaType::Missing;
    };
    let full = value.to_str().unwrap_or_default();
    let essence = full.split(';').next().unwrap_or_default().trim();
    match essence.to_ascii_lowercase().as_str() {
        "application/json" => MediaType::Json,
        "application/x-www-form-urlencoded" => MediaType::Form,
        _ => MediaType::Other,
    }
}

/// The whole body, which counts as an upload of its address.
fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes>> + 'static {
    let state = request.app_data::<web::Data<State>>().cloned();
    let counted = state.map(|state| (state.limits.address(request), state));
    let mut payload = payload.take();
    async move {
        let mut body = BytesMut::new();
        while let Some(part) = payload.next().await {
            let part = part.map_err(|error| read_error(&error))?;
            if let Some((address, state)) = &counted {
                state.limits.count_upload(*address, part.len())?;
            }
            body.extend_from_slice(&part);
        }
        Ok(body.freeze())
    }
}

fn read_error(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::BodyTooLarge,
        PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Problem::Timeout,
        _ => Problem::Malformed("The body broke off. Send it again.".into()),
    }
}

/// The envelope; a bare object has no `data`.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Parses JSON with or without the envelope.
///
/// # Errors
/// [`Problem`] 400 names the field at fault, or the line and column.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::Malformed("The body is not UTF-8.".into()))?;
    // Some editors and shells write a byte order mark before UTF-8; a receiver may ignore it
    // (RFC 8259, 8.1).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        let message = "The body must be a JSON object, like {\"data\": {…}}.";
        return Err(Problem::Malformed(message.into()));
    }
    let wrapped: Wrapped<'_> = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let inner = match wrapped.data {
        Some(data) if data.get().starts_with('{') => data.get(),
        Some(_) => {
            let message = "The field \"data\" must be an object.";
            return Err(Problem::invalid("data", message));
        }
        None => text,
    };
    let mut json = serde_json::Deserializer::from_str(inner);
    serde_path_to_error::deserialize(&mut json).map_err(|error| wrong_field(error, not_json))
}

fn not_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = format!(
        "The body is not the JSON object that is wanted here, at line {line} column {column}."
    );
    Problem::Malformed(message.into())
}

/// The field at fault, unless the whole of the body is.
fn wrong_field<E>(error: PathError<E>, of_all: impl Fn(&E) -> Problem) -> Problem {
    match error.path().to_string() {
        path if path == "." => of_all(error.inner()),
        field => Problem::wrong_type(field),
    }
}

/// Parses a form. Empty fields count as missing, because browsers send every field, and CRLF becomes LF,
/// because browsers send every line break as CRLF.
///
/// # Errors
/// [`Problem`] 400 names the field at fault.
pub fn parse_form<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Problem::Malformed("The form is not UTF-8.".into()))?;
    let filled = form_urlencoded::parse(text.as_bytes())
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, value.replace("\r\n", "\n")));
    let filled = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(filled)
        .finish();
    let form = serde_urlencoded::Deserializer::new(form_urlencoded::parse(filled.as_bytes()));
    serde_path_to_error::deserialize(form).map_err(|error| {
        wrong_field(error, |_| {
            Problem::Malformed("The form cannot be read.".into())
        })
    })
}
