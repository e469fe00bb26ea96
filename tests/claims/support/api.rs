//! A client of one address: requests are built up and sent, and every answer is given back.

use std::{fs, net::SocketAddr, time::Duration};

use harness::servers::Authority;
use reqwest::{Certificate, Client, ClientBuilder, Method, RequestBuilder, redirect::Policy};
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;

use super::{Answer, DEADLINE, described, within};

/// For the calls that are named below.
pub const POST: Method = Method::POST;

/// What one stream of HTTP/2, and all of a connection, may bring ahead of being read: one that
/// nobody reads must not stop the others.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// One address, with or without a token.
#[derive(Clone)]
pub struct Api {
    /// Scheme, host and port.
    pub origin: String,
    http: Client,
    token: Option<String>,
}

impl Api {
    /// A client of that address.
    pub fn at(address: SocketAddr) -> Self {
        Self::of(format!("http://{address}"), client().tls_certs_only([]))
    }

    /// A client of that address that speaks HTTP/2 on one connection, without TLS.
    pub fn h2c(address: SocketAddr) -> Self {
        let http = client().tls_certs_only([]).http2_prior_knowledge();
        Self::of(format!("http://{address}"), http)
    }

    /// A client of a place that is reached by TLS, for one who trusts this authority alone.
    pub fn trusting(origin: &str, authority: &Authority) -> Self {
        let pem = fs::read(authority.certificate()).unwrap();
        let certificate = Certificate::from_pem(&pem).unwrap();
        Self::of(origin.into(), client().tls_certs_only([certificate]))
    }

    fn of(origin: String, http: ClientBuilder) -> Self {
        // The TLS that it was built with has no cryptography of its own.
        let _ = ring::default_provider().install_default();
        Self {
            origin,
            http: http.build().unwrap(),
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
        let url = format!("{}{path}", self.origin);
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

fn client() -> ClientBuilder {
    // Proxies of the environment are for elsewhere, and a redirect is an answer like any other.
    // A connection is given up before the server does so: a request that crosses its closing
    // would fail for no fault of anybody.
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .pool_idle_timeout(Duration::from_secs(1))
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
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
            let status = response.status().as_u16();
            let (method, address) = to.split_once(' ').unwrap();
            described::check_status(method, address, status);
            Answer {
                to: to.clone(),
                status,
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

    /// Sends it and reads the head of the answer; nothing when the connection was lost.
    pub async fn try_open(self) -> Option<reqwest::Response> {
        self.request.send().await.ok()
    }

    /// Sends it; nothing when the connection was lost.
    pub async fn try_send(self) -> Option<Answer> {
        let to = self.to.clone();
        let response = self.try_open().await?;
        Some(Answer {
            to,
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.ok()?.into(),
        })
    }
}
