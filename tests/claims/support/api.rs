//! A client of one address: requests are built up and sent, and every answer is given back.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};

use super::{Answer, DEADLINE, within};

/// For the calls that are named below.
pub const POST: Method = Method::POST;

/// One address, with or without a token.
#[derive(Clone)]
pub struct Api {
    /// Where it is.
    pub address: SocketAddr,
    http: Client,
    token: Option<String>,
}

impl Api {
    /// A client of that address.
    pub fn at(address: SocketAddr) -> Self {
        // Proxies of the environment are for elsewhere, and a redirect is an answer like any other.
        // A connection is given up before the server does so: a request that crosses its closing
        // would fail for no fault of anybody.
        let http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .pool_idle_timeout(Duration::from_secs(1))
            .build();
        Self {
            address,
            http: http.unwrap(),
            token: None,
        }
    }

    /// The same client as somebody who is logged in.
    pub fn with(&self, token: &str) -> Self {
        let token = Some(token.to_owned());
        Self {
            token,
            ..self.clone()
        }
    }

    /// A request to be built up.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let url = format!("http://{}{path}", self.address);
        let call = Call {
            to: format!("{method} {path}"),
            request: self.http.request(method, url),
        };
        match &self.token {
            Some(token) => call.token(token),
            None => call,
        }
    }

    /// Posts a body in its wrapping.
    pub async fn post(&self, path: &str, data: Value) -> Answer {
        self.call(POST, path)
            .json(json!({ "data": data }))
            .send()
            .await
    }

    /// Gets.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }
}

/// A request on its way to be sent.
pub struct Call {
    to: String,
    request: RequestBuilder,
}

impl Call {
    /// A header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// A bearer token.
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// A JSON body, as it is.
    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Any body.
    pub fn body(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let call = self.header("Content-Type", kind);
        call.bytes(body)
    }

    /// A body that does not say what it is.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.body(body.into());
        self
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Answer {
        let to = self.to.clone();
        within(DEADLINE, &to, async {
            let response = self.open().await;
            Answer {
                to: to.clone(),
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: response.bytes().await.unwrap().into(),
            }
        })
        .await
    }

    /// Sends it and reads the head of the answer.
    pub async fn open(self) -> reqwest::Response {
        let to = self.to;
        match self.request.send().await {
            Ok(response) => response,
            Err(error) => panic!("{to}: {error:?}"),
        }
    }

    /// Sends it; nothing when the connection was lost.
    pub async fn try_send(self) -> Option<Answer> {
        let response = self.request.send().await.ok()?;
        Some(Answer {
            to: self.to,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.ok()?.into(),
        })
    }
}
