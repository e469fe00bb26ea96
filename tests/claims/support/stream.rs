//! A stream of server-sent events that a test listens to, block by block as they were sent.

use std::{collections::VecDeque, time::Duration};

use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{DEADLINE, api::Call, described};

/// What stands between two blank lines of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    /// The kind of event; empty when there is none.
    pub event: String,
    /// Its own id.
    pub id: Option<String>,
    /// Its data.
    pub data: Value,
    /// When to come back, in milliseconds.
    pub retry: Option<u64>,
}

impl Block {
    fn parse(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.lines() {
            let (field, value) = line.split_once(':').unwrap();
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => block.event = value.into(),
                "id" => block.id = Some(value.into()),
                "data" => block.data = serde_json::from_str(value).unwrap(),
                "retry" => block.retry = Some(value.parse().unwrap()),
                _ => panic!("an unknown field: {line}"),
            }
        }
        if !block.event.is_empty() {
            described::check(&block.event, block.id.as_deref(), &block.data);
        }
        block
    }

    /// A message's place.
    pub fn seq(&self) -> u64 {
        self.data["seq"].as_u64().unwrap()
    }
}

/// An open stream.
pub struct Stream {
    /// The head of the answer.
    pub headers: HeaderMap,
    response: reqwest::Response,
    unread: Vec<u8>,
    waiting: VecDeque<Block>,
    /// Everything that came, for the message of a test that fails.
    seen: Vec<Block>,
}

impl Stream {
    /// Opens it.
    pub async fn open(call: Call) -> Self {
        let response = call.open().await;
        assert_eq!(response.status(), 200);
        Self::of(response)
    }

    /// Opens it; nothing when the connection was lost, or the server is away.
    pub async fn try_open(call: Call) -> Option<Self> {
        let response = call.try_open().await?;
        (response.status() == 200).then(|| Self::of(response))
    }

    fn of(response: reqwest::Response) -> Self {
        Self {
            headers: response.headers().clone(),
            response,
            unread: Vec::new(),
            waiting: VecDeque::new(),
            seen: Vec::new(),
        }
    }

    /// The next block of any kind; `None` when the stream has ended.
    pub async fn next_block_by(&mut self, deadline: Instant) -> Option<Block> {
        loop {
            if let Some(block) = self.waiting.pop_front() {
                self.seen.push(block.clone());
                return Some(block);
            }
            let part = match timeout_at(deadline, self.response.chunk()).await {
                Ok(part) => part,
                Err(_) => panic!("nothing more came in time behind {:#?}", self.seen),
            };
            // A stream that is cut in the middle has ended as well.
            self.unread.extend_from_slice(&part.ok()??);
            while let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                let text = str::from_utf8(&block[..end]).unwrap();
                self.waiting.push_back(Block::parse(text));
            }
        }
    }

    /// The next event of any kind but `ping`, which may come at any time.
    pub async fn next(&mut self) -> Block {
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.next_block_by(deadline).await {
                Some(block) if ["", "ping"].contains(&block.event.as_str()) => {}
                Some(block) => return block,
                None => panic!("the stream ended behind {:#?}", self.seen),
            }
        }
    }

    /// The next event of this kind; others that come before it are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Block {
        loop {
            let event = self.next().await;
            if event.event == kind {
                return event;
            }
        }
    }

    /// The next event of this kind that holds this value.
    pub async fn next_with(&mut self, kind: &str, field: &str, value: impl Into<Value>) -> Block {
        let value = value.into();
        loop {
            let event = self.next_of(kind).await;
            if event.data[field] == value {
                return event;
            }
        }
    }

    /// The texts of the next messages.
    pub async fn next_texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let message = self.next_of("message").await;
            texts.push(message.data["message"].as_str().unwrap().into());
        }
        texts
    }

    /// Everything up to the end of the stream.
    pub async fn rest(&mut self) -> Vec<Block> {
        let deadline = Instant::now() + DEADLINE;
        let mut rest = Vec::new();
        while let Some(block) = self.next_block_by(deadline).await {
            rest.push(block);
        }
        rest
    }

    /// What comes within a time: for what must not come.
    pub async fn overhear(&mut self, time: Duration) -> Vec<Block> {
        let until = Instant::now() + time;
        let mut heard = Vec::new();
        while let Ok(Some(block)) =
            tokio::time::timeout_at(until, self.next_block_by(until + DEADLINE)).await
        {
            heard.push(block);
        }
        heard
    }
}
