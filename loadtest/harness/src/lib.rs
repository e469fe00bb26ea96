//! What the tests and `loadtest` share: private servers, faults that befall them, and clients of duet's API.
//!
//! [`client`] and [`stream`] know a server by its API alone, so they talk to every server that speaks it. A crash test writes
//! what was acknowledged and what was seen into a [`checker::Ledger`] and asks for its verdict:
//!
//! ```no_run
//! # use std::{ops::ControlFlow, sync::Arc, time::Duration};
//! use harness::{
//!     checker::{Ledger, Seat},
//!     client::{Client, Message, send_until_settled},
//!     stream::{Signal, Subscription},
//! };
//!
//! # async fn crash_test() -> Result<(), Box<dyn std::error::Error>> {
//! let clients: Arc<[Client]> = Arc::new([Client::new("http://127.0.0.1:8080").await?]);
//! let ledger = Arc::new(Ledger::new(1));
//! let hash = clients[0].register("Abhi", "Anny", None).await?.hash;
//! let mut sessions = Vec::new();
//! for (user, seat) in [("Abhi", Seat::One), ("Anny", Seat::Two)] {
//!     let session = Arc::new(clients[0].login(&hash, user, None).await?);
//!     let stream = Subscription::new(Arc::clone(&clients), 0, Arc::clone(&session)).after(0);
//!     let seen = Arc::clone(&ledger);
//!     tokio::spawn(stream.follow(move |signal| {
//!         if let Signal::Event(event) = signal
//!             && let Some(message) = Message::of(&event)
//!         {
//!             let message = message.expect("the server writes what the contract says");
//!             seen.delivered(0, seat, message.seq, message.id, &message.text);
//!         }
//!         ControlFlow::Continue(())
//!     }));
//!     sessions.push(session);
//! }
//!
//! let message = (uuid::Uuid::new_v4(), "Hello");
//! let patience = Duration::from_secs(60);
//! let sent = send_until_settled(&clients, 0, &sessions[0], message, patience, |_| {}).await?;
//! ledger.acknowledged(0, sent.seq, sent.id, message.1);
//! // … kill the server, start it again, and wait (with a deadline) until `ledger.outstanding()` is 0 …
//! for message in clients[0].whole_history(&sessions[1]).await? {
//!     ledger.remembered(0, message.seq, message.id, &message.text);
//! }
//! let verdict = ledger.verdict();
//! assert!(verdict.is_clean(), "{verdict}");
//! # Ok(())
//! # }
//! ```
//!
//! Reading order:
//!
//! - [`checker`]: the ledger of what was acknowledged and seen, and the verdict on it. Does no I/O.
//! - [`http`]: HTTP/1.1 as far as it is needed, cheap enough for ten thousand streams in one process.
//! - [`client`]: the API's calls, their errors, and how they are retried.
//! - [`sse`], [`stream`]: server-sent events as bytes, and a stream that is opened again whenever its connection is lost.
//! - [`servers`]: PostgreSQL, Redis, HAProxy, nginx and duet itself on free ports, in temporary folders.
//! - [`faults`]: what can happen to a cluster of them.
//! - [`fixture`]: a server that answers from a script.

pub mod checker;
pub mod http;

pub mod client;
pub mod sse;
pub mod stream;

pub mod servers;

pub mod faults;
pub mod fixture;
