use actors::domain::Timestamp;
use serde::Deserialize;

use super::*;

/// The vectors that `views/tests/seal.test.mjs` checks as well.
const VECTORS: &str = include_str!("../../../docs/encryption/vectors.json");

#[derive(Deserialize)]
struct Vectors {
    links: Vec<LinkVector>,
    texts: Vec<TextVector>,
    refused: Vec<RefusedVector>,
}

#[derive(Deserialize)]
struct LinkVector {
    hash: String,
    fragment: String,
    auth: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TextVector {
    link: usize,
    seat: i64,
    id: Uuid,
    session: String,
    number: u32,
    after: Option<Uuid>,
    written_at: i64,
    text: Option<String>,
    text_of: Option<Repeated>,
    salt: String,
    sealed: Option<String>,
    sealed_sha256: Option<String>,
}

/// A long text, described by its parts.
#[derive(Deserialize)]
struct Repeated {
    repeat: String,
    times: usize,
}

#[derive(Deserialize)]
struct RefusedVector {
    why: String,
    link: usize,
    seat: i64,
    id: Uuid,
    sealed: String,
}

fn vectors() -> (Vectors, Vec<Keys>) {
    let vectors: Vectors = serde_json::from_str(VECTORS).unwrap();
    let keys = |vector: &LinkVector| {
        let link = Link::parse(&format!("{}#{}", vector.hash, vector.fragment)).unwrap();
        Keys::of(&link)
    };
    let keys = vectors.links.iter().map(keys).collect();
    (vectors, keys)
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
}

fn seat(number: i64) -> Seat {
    Seat::try_from(number).unwrap()
}

#[test]
fn a_links_proof_is_that_of_the_vectors() {
    let (vectors, keys) = vectors();
    for (vector, keys) in vectors.links.iter().zip(&keys) {
        assert_eq!(keys.auth(), vector.auth);
    }
}

#[test]
fn texts_are_sealed_and_opened_as_in_the_vectors() {
    let (vectors, keys) = vectors();
    assert!(!vectors.texts.is_empty());
    for vector in vectors.texts {
        let long = |of: &Repeated| of.repeat.repeat(of.times);
        let text = vector.text.or_else(|| vector.text_of.as_ref().map(long));
        let contents = Contents {
            session: bytes(&vector.session),
            number: vector.number,
            after: vector.after,
            written_at: Timestamp::from_unix_ms(vector.written_at),
            text: Zeroizing::new(text.unwrap()),
        };
        let (keys, seat) = (&keys[vector.link], seat(vector.seat));
        let salt = bytes(&vector.salt);
        let sealed = keys.seal(seat, vector.id, &contents, salt).unwrap();
        if let Some(expected) = vector.sealed {
            assert_eq!(sealed, expected);
        }
        if let Some(expected) = vector.sealed_sha256 {
            assert_eq!(Sha256::digest(&sealed)[..], bytes::<32>(&expected));
        }
        assert_eq!(keys.open(seat, vector.id, &sealed), Ok(contents));
    }
}

#[test]
fn invalid_vectors_do_not_open() {
    let (vectors, keys) = vectors();
    assert!(!vectors.refused.is_empty());
    for vector in vectors.refused {
        let keys = &keys[vector.link];
        let opened = keys.open(seat(vector.seat), vector.id, &vector.sealed);
        assert_eq!(opened, Err(CannotOpen), "{}", vector.why);
    }
}
