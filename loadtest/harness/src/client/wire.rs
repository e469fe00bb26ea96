//! The wire forms: request heads, bodies, and the envelope around every answer.

use std::io::Write;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{checker::Seat, http::Target};

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registration<'a> {
    pub(super) user_one: &'a str,
    pub(super) user_two: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<&'a str>,
    pub(super) id: Uuid,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) return_code: Option<&'a str>,
    pub(super) id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoggedIn {
    pub(super) token: String,
    pub(super) seat: Seat,
    pub(super) peer: Option<String>,
    pub(super) last_seq: u64,
    pub(super) return_code: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said<'a> {
    pub(super) user_hash: &'a str,
    pub(super) sender_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reciever: Option<&'a str>,
    pub(super) message: &'a str,
    pub(super) id: Uuid,
}

/// `logout` and `endchat` say everything by the token.
#[derive(Serialize)]
pub(super) struct ByToken {}

/// An answer of which only the success counts.
#[derive(Deserialize)]
pub(super) struct Done {}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Failure {
    pub(super) error: String,
    pub(super) message: String,
}

/// `{"data": body}` as bytes.
pub(super) fn data(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(&Envelope { data: body }).expect("strings and ids always have a JSON form")
}

/// What stands in an answer's envelope.
pub(super) fn decoded<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body).map(|Envelope { data }| data)
}

/// A request, head and body in one buffer, so that it leaves in one segment where it fits.
pub(super) fn written(
    method: &str,
    target: &Target,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    const HEAD_LEN: usize = 512;
    let mut request = Vec::with_capacity(HEAD_LEN + body.len());
    write_head(
        &mut request,
        method,
        target,
        path,
        token,
        headers,
        body.len(),
    )
    .expect("writing to a Vec cannot fail");
    request.extend_from_slice(body);
    request
}

fn write_head(
    head: &mut Vec<u8>,
    method: &str,
    target: &Target,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
    body_len: usize,
) -> std::io::Result<()> {
    write!(
        head,
        "{method} {}{path} HTTP/1.1\r\nhost: {}\r\n",
        target.prefix(),
        target.authority()
    )?;
    if let Some(token) = token {
        write!(head, "authorization: Bearer {token}\r\n")?;
    }
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    if body_len > 0 {
        write!(
            head,
            "content-type: application/json\r\ncontent-length: {body_len}\r\n"
        )?;
    }
    head.extend_from_slice(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_is_spelled_as_the_contract_spells_it() {
        let body = data(&Said {
            user_hash: "abc123",
            sender_name: "Abhi",
            reciever: Some("Anny"),
            message: "Hello",
            id: Uuid::nil(),
        });
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"data":{"userHash":"abc123","senderName":"Abhi","reciever":"Anny","message":"Hello","id":"00000000-0000-0000-0000-000000000000"}}"#
        );
    }

    #[tokio::test]
    async fn a_request_names_its_host_prefix_and_what_it_brings() {
        let target = Target::resolve("http://127.0.0.1:9/p").await.unwrap();
        let request = written("POST", &target, "/x", Some("t"), &[], b"{}");
        assert_eq!(
            String::from_utf8(request).unwrap(),
            "POST /p/x HTTP/1.1\r\nhost: 127.0.0.1:9\r\nauthorization: Bearer t\r\n\
             content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        );
        let request = written("GET", &target, "/x", None, &[("last-event-id", "7")], &[]);
        assert!(request.ends_with(b"last-event-id: 7\r\n\r\n"));
    }
}
