//! Drives a running chat over HTTP, measures it, and checks what it promised.
//!
//! The tool knows a server by its API door alone, so it drives every server that speaks it. The same parts serve the
//! server's own tests: a crash test writes what was acknowledged and what was seen into a [`checker::Ledger`] and asks for
//! its verdict:
//!
//! ```no_run
//! # use std::{ops::ControlFlow, sync::Arc, time::Duration};
//! use loadtest::{
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
//! - [`checker`]: the ledger of what was acknowledged and seen, and the verdict on it. Pure.
//! - [`http`]: HTTP/1.1 as far as it is needed, cheap enough for ten thousand streams in one process.
//! - [`client`]: the API door's calls, their errors, and how they are tried again.
//! - [`sse`], [`stream`]: server-sent events as bytes, and a stream followed through every loss of its connection.
//! - [`pairs`], [`crowd`], [`stamp`], [`text`]: who talks, many streams at once, ids that carry when a message was due, and
//!   texts worth checking.
//! - [`xmpp`]: the same people at servers that speak XMPP.
//! - [`meter`], [`usage`], [`watch`], [`perf`]: what is measured, and what the tool and the servers used; [`limits`]: what the
//!   system lets the tool have.
//! - [`progress`], [`report`], [`page`], [`plot`]: how it is told, meanwhile and afterwards.
//! - [`options`], and the commands: [`flow`] (pairs talk), [`ramp`] (how much of it is held), [`idle`] (streams at rest),
//!   [`storm`] (all streams lost at once), [`history`] (pages of a long chat), [`compare`] (all of it against rivals).
//! - [`servers`], [`cluster`]: private servers, and a whole cluster of them to look at.
//! - [`faults`], [`footprint`]: what can happen to a cluster, and what it takes of the machine; the commands over one of
//!   their own: [`torture`] (faults on a schedule), [`heal`] (how long a lost notice takes to be made good); and over any:
//!   [`churn`] (chats come and go).
//! - [`beats`]: what it costs that many instances know of each other.

pub mod checker;
pub mod http;

pub mod client;
pub mod sse;
pub mod stream;

pub mod crowd;
pub mod pairs;
pub mod stamp;
pub mod text;
pub mod xmpp;

pub mod limits;
pub mod meter;
pub mod perf;
pub mod servers;
pub mod usage;
pub mod watch;

pub mod page;
pub mod plot;
pub mod progress;
pub mod report;

pub mod options;

pub mod cluster;
pub mod faults;
pub mod footprint;
mod live;

pub mod beats;
pub mod churn;
pub mod compare;
pub mod flow;
pub mod heal;
pub mod history;
pub mod idle;
pub mod ramp;
pub mod storm;
pub mod torture;

#[cfg(test)]
mod fixture;
