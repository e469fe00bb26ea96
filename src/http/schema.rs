//! The schemas of the API's fields, each kind once, by name.
//!
//! They only describe: `actors::domain` parses. Where the two disagree is a bug, which `make api-fuzz` finds.

#![expect(dead_code, reason = "they only describe schemas")]

use utoipa::ToSchema;

/// A person's name: 1 to 40 characters after trimming and NFC normalisation, no control,
/// bidirectional control or invisible format characters.
#[derive(ToSchema)]
#[schema(format = "name", min_length = 1, example = "Abhi")]
pub struct Name(String);

/// A link's secret part.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{6,64}$", example = "abc123")]
pub struct Hash(String);

/// A return code or a device code. Case, blanks and dashes do not matter; O counts as 0, I and L
/// as 1.
#[derive(ToSchema)]
#[schema(
    pattern = "^[ -]*([0-9A-TV-Za-tv-z][ -]*){16}$",
    example = "7K2M-Q9XW-4R8T-B3ZH"
)]
pub struct Code(String);

/// 128 bits that name the chat, a dot, and 256 random ones, in base64url.
#[derive(ToSchema)]
#[schema(pattern = r"^[A-Za-z0-9_-]{21}[AQgw]\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
pub struct Secret(String);

/// A UUID.
#[derive(ToSchema)]
#[schema(
    format = Uuid,
    pattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
    example = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11"
)]
pub struct Id(String);

/// A random UUID (version 4 or 7), a secret of its maker: whoever has it is answered as they were.
#[derive(ToSchema)]
#[schema(
    format = Uuid,
    pattern = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[47][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$",
    example = "0f8e1c2a-7c2b-4a57-9a7e-3f6d0d8c9b11"
)]
pub struct SecretId(String);

/// Two digits.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9]{2}$", example = "47")]
pub struct TwoDigits(String);

/// The text of a message: 1 byte to 16 KiB of UTF-8, something of it visible, without U+0000.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 16_384,
    pattern = r"^[^\u0000]*[^\u0000\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$",
    example = "Hello"
)]
pub struct Text(String);

/// The text of a message, or, in an encrypted chat, what its client sealed: `v1.` and up to 32 KiB of
/// base64url in all.
#[derive(ToSchema)]
#[schema(
    min_length = 1,
    max_length = 32_768,
    pattern = r"^[^\u0000]*[^\u0000\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000][^\u0000]*$",
    example = "Hello"
)]
pub struct TextOrSealed(String);

/// How the chat's texts are sealed by its clients.
#[derive(ToSchema)]
#[schema(pattern = "^v1$", example = "v1")]
pub struct EncryptionVersion(String);

/// Proof of having the whole link of an encrypted chat: 32 bytes in base64url, derived from what
/// follows the link's `#`.
#[derive(ToSchema)]
#[schema(
    pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
    example = "GaSrUu7JBw96sWnT4m4khgxuV4oi8f7dDJmuEk4LNs0"
)]
pub struct Auth(String);

/// A browser and a system out of the server's lists.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 40, example = "Chrome on Android")]
pub struct DeviceName(String);

/// A moment, RFC 3339.
#[derive(ToSchema)]
#[schema(format = DateTime, example = "2026-11-23T10:00:00.000Z")]
pub struct DateTime(String);

/// A message's place in its chat: 1, 2, 3 … with no gap and no repeat; 0 is before the first.
#[derive(ToSchema)]
#[schema(format = "uint64", minimum = 0, example = 41)]
pub struct MessageSeq(u64);

/// One of the two places in a chat.
#[derive(ToSchema)]
#[schema(minimum = 1, maximum = 2, example = 1)]
pub struct SeatNumber(u8);
