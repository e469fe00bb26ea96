//! Parses the fields of requests. What is missing or invalid is a [`Problem`] 400 that names the field.

use actors::{
    Refusal,
    domain::{
        AccessCode, IncomingText, PairHash, RegistrationId, SecretDigest, TextError, Token,
        UserName, link_proof_digest,
    },
};
use uuid::{Uuid, Variant};

use super::problem::{Problem, Result};

/// A required field.
pub fn required<'a, T: ?Sized>(value: Option<&'a T>, field: &'static str) -> Result<&'a T> {
    value.ok_or(Problem::Missing(field))
}

pub fn name(value: Option<&str>, field: &'static str) -> Result<UserName> {
    let text = required(value, field)?;
    Ok(UserName::parse(text).map_err(Refusal::invalid(field))?)
}

pub fn hash(value: Option<&str>) -> Result<PairHash> {
    let text = required(value, "hash")?;
    Ok(PairHash::parse(text).map_err(Refusal::invalid("hash"))?)
}

/// A return code or a device code.
pub fn code(text: &str, field: &'static str) -> Result<AccessCode> {
    Ok(AccessCode::parse(text).map_err(Refusal::invalid(field))?)
}

/// The proof of having the whole link of an encrypted chat, as its digest.
pub fn auth(text: Option<&str>) -> Result<Option<SecretDigest>> {
    let digest = text.map(link_proof_digest).transpose();
    Ok(digest.map_err(Refusal::invalid("auth"))?)
}

/// The id of a registration or a login. Repeating the request with it returns the same secrets, so nobody
/// else must be able to guess it.
pub fn secret_id(id: Option<Uuid>) -> Result<Option<RegistrationId>> {
    id.map(|id| {
        let random = matches!(id.get_version_num(), 4 | 7) && id.get_variant() == Variant::RFC4122;
        match random {
            true => Ok(RegistrationId::new(id)),
            false => Err(Problem::invalid(
                "id",
                "The id must be a random UUID (version 4 or 7), made for this request alone.",
            )),
        }
    })
    .transpose()
}

/// The secret of an asker.
pub fn ask_secret(text: &str) -> Result<Token> {
    let wrong = Refusal::Invalid {
        field: "askId",
        problem: "This is not an askId that login/ask gave out.",
    };
    Token::parse(text).ok_or_else(|| wrong.into())
}

/// Checks that the name in the path is the one in the body.
pub fn same_name(in_path: &str, name: &UserName) -> Result<()> {
    match UserName::parse(in_path) {
        Ok(other) if other == *name => Ok(()),
        _ => Err(Problem::invalid(
            "user",
            "The name in the address and \"user\" must agree.",
        )),
    }
}

pub fn text(value: Option<String>) -> Result<IncomingText> {
    let text = value.ok_or(Problem::Missing("message"))?;
    IncomingText::parse(text).map_err(|error| match error {
        TextError::TooLong => Refusal::TextTooLong.into(),
        TextError::Invalid(wrong) => Refusal::invalid("message")(wrong).into(),
    })
}
