//! Two people in a chat.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Api, Server, Stream};

/// A chat with both people logged in.
pub struct Chat {
    /// The link's secret part.
    pub hash: String,
    /// Abhi, in seat 1.
    pub one: Person,
    /// Anny, in seat 2.
    pub two: Person,
}

/// Somebody who is logged in.
#[derive(Clone)]
pub struct Person {
    /// The client, with the token.
    pub api: Api,
    /// The chat.
    pub hash: String,
    /// The name.
    pub name: String,
    /// The bearer token.
    pub token: String,
    /// What lets them in again, where this login set it.
    pub return_code: Option<String>,
}

impl Chat {
    /// A fresh chat.
    pub async fn begin(server: &Server) -> Self {
        Self::begin_at(&server.api()).await
    }

    /// A fresh chat through this client.
    pub async fn begin_at(api: &Api) -> Self {
        let hash = register(api).await;
        let one = Person::log_in(api, &hash, "Abhi").await;
        let two = Person::log_in(api, &hash, "Anny").await;
        Self { hash, one, two }
    }

    /// The address of something of this chat in the API.
    pub fn path(&self, leaf: &str) -> String {
        format!("/chat-server/user/{}/{leaf}", self.hash)
    }

    /// The same two people through another address: the server was started again.
    pub fn moved_to(&self, server: &Server) -> Self {
        Self {
            one: self.one.at(server),
            two: self.two.at(server),
            hash: self.hash.clone(),
        }
    }
}

/// A chat of Abhi and Anny; its hash.
pub async fn register(api: &Api) -> String {
    let names = json!({"userOne": "Abhi", "userTwo": "Anny"});
    let made = api.post("/chat-server/register", names).await.ok();
    made["hash"].as_str().unwrap().into()
}

/// A try to log in.
pub async fn try_login(api: &Api, hash: &str, name: &str, proof: Value) -> Answer {
    let mut body = json!({"user": name, "hash": hash});
    body.as_object_mut()
        .unwrap()
        .extend(proof.as_object().cloned().unwrap_or_default());
    let path = format!("/chat-server/user/{name}/login");
    api.post(&path, body).await
}

impl Person {
    /// Takes a free seat.
    pub async fn log_in(api: &Api, hash: &str, name: &str) -> Self {
        Self::log_in_by(api, hash, name, json!({})).await
    }

    /// Takes a seat with a proof, like `{"returnCode": …}`.
    pub async fn log_in_by(api: &Api, hash: &str, name: &str, proof: Value) -> Self {
        let login = try_login(api, hash, name, proof).await.ok();
        let token = login["token"].as_str().unwrap();
        Self {
            api: api.with(token),
            hash: hash.into(),
            name: name.into(),
            token: token.into(),
            return_code: login["returnCode"].as_str().map(str::to_owned),
        }
    }

    /// The same person through another address.
    pub fn at(&self, server: &Server) -> Self {
        self.through(&server.api())
    }

    /// The same person through another client.
    pub fn through(&self, api: &Api) -> Self {
        Self {
            api: api.with(&self.token),
            ..self.clone()
        }
    }

    /// The address of something of this chat in the API.
    pub fn path(&self, leaf: &str) -> String {
        format!("/chat-server/user/{}/{leaf}", self.hash)
    }

    /// Posts to something of this chat.
    pub async fn post(&self, leaf: &str, data: Value) -> Answer {
        self.api.post(&self.path(leaf), data).await
    }

    /// Gets something of this chat.
    pub async fn get(&self, leaf: &str) -> Answer {
        self.api.get(&self.path(leaf)).await
    }

    /// Sends a message; its seq.
    pub async fn say(&self, text: &str) -> u64 {
        let sent = self
            .post("message_send", json!({ "message": text }))
            .await
            .ok();
        sent["seq"].as_u64().unwrap()
    }

    /// Sends a message under an id.
    pub async fn say_as(&self, id: Uuid, text: &str) -> Answer {
        self.post("message_send", json!({ "message": text, "id": id }))
            .await
    }

    /// The newest messages' texts.
    pub async fn texts(&self) -> Vec<String> {
        let page = self.get("messages?limit=200").await.ok();
        let text = |message: &Value| message["message"].as_str().unwrap().to_owned();
        page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect()
    }

    /// Opens a stream at the present.
    pub async fn listen(&self) -> Stream {
        Stream::open(self.api.call(reqwest::Method::GET, &self.path("stream"))).await
    }

    /// Opens a stream behind a place.
    pub async fn listen_after(&self, seq: u64) -> Stream {
        let call = self.api.call(reqwest::Method::GET, &self.path("stream"));
        Stream::open(call.header("Last-Event-ID", &seq.to_string())).await
    }

    /// Logs out.
    pub async fn log_out(&self) -> Answer {
        self.api.post("/chat-server/user/logout", json!({})).await
    }

    /// Ends the chat.
    pub async fn end(&self) -> Answer {
        self.api.post("/chat-server/user/endchat", json!({})).await
    }
}
