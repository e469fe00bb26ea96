//! An answer, and whether it is what the contract says of every answer.

use std::collections::BTreeSet;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole answer.
pub struct Answer {
    /// Method and path of the request.
    pub to: String,
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(json) => json,
            Err(_) => panic!("{self:?} is not JSON"),
        }
    }

    /// The content of a success.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        let data = self.data();
        assert_eq!(data["status"], "OK", "{self:?}");
        data
    }

    /// The content of a success that holds exactly these fields.
    #[track_caller]
    pub fn ok_with(&self, fields: &[&str]) -> Value {
        let data = self.ok();
        let wanted: BTreeSet<_> = ["status", "code"].iter().chain(fields).copied().collect();
        let found: BTreeSet<_> = data
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(found, wanted, "{self:?}");
        data
    }

    /// The content of a failure, by its status alone.
    #[track_caller]
    pub fn fails(&self, code: u16) -> Value {
        assert_eq!(self.status, code, "{self:?}");
        let data = self.data();
        let path = self.to.split('?').next().unwrap();
        let word = match path.ends_with("/message_send") {
            true => "Failed",
            false => "FAIL",
        };
        assert_eq!(data["status"], word, "{self:?}");
        let error = data["error"].as_str().unwrap_or_default();
        let snake = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(!error.is_empty() && error.bytes().all(snake), "{self:?}");
        let message = data["message"].as_str().unwrap_or_default();
        assert!(message.ends_with('.'), "no sentence: {self:?}");
        let allowed = [
            "status",
            "code",
            "error",
            "message",
            "field",
            "reference",
            "replacedAt",
        ];
        let replaced = data["replacedAt"].is_string();
        assert_eq!(replaced, error == "replaced", "{self:?}");
        for field in data.as_object().unwrap().keys() {
            assert!(allowed.contains(&field.as_str()), "{field}: {self:?}");
        }
        let comes_back = self
            .header("retry-after")
            .map(|after| after.parse::<u64>().unwrap());
        match code {
            429 | 503 => assert!(comes_back.is_some_and(|after| after > 0), "{self:?}"),
            _ => assert_eq!(comes_back, None, "{self:?}"),
        }
        data
    }

    /// The content of a failure with this word.
    #[track_caller]
    pub fn fails_as(&self, code: u16, error: &str) -> Value {
        let data = self.fails(code);
        assert_eq!(data["error"], error, "{self:?}");
        data
    }

    /// The content of a failure that is this field's fault.
    #[track_caller]
    pub fn fails_at(&self, code: u16, field: &str) -> Value {
        let data = self.fails(code);
        assert_eq!(data["field"], field, "{self:?}");
        data
    }

    #[track_caller]
    fn data(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        let cors = self
            .headers
            .keys()
            .find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(cors, None, "{self:?}");
        let body = self.json();
        let wrapping: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(wrapping, ["data"], "{self:?}");
        assert_eq!(body["data"]["code"], self.status, "{self:?}");
        body["data"].clone()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = &self.body[..self.body.len().min(1_000)];
        let text = String::from_utf8_lossy(start);
        write!(f, "{} → {} {text}", self.to, self.status)
    }
}
