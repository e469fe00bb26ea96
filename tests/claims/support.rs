//! What the claims are written with, in reading order: a [`server`] and its [`api`], the
//! [`answer`]s it gives, two people in a [`chat`], a [`stream`] that is listened to, a [`browser`]
//! with cookies, a [`cluster`] behind a proxy, [`twins`] without one, a [`raw`] socket for what no client
//! sends, [`frames`] for what none sends over HTTP/2, [`framing`] to count requests, a socket inside [`tls`], the [`store`] as it lies on the disk, and [`secrets`] that must not be
//! found there.

pub mod server;
pub mod setup;

pub mod answer;
pub mod api;

pub mod chat;
mod described;
pub mod stream;

pub mod browser;
pub mod cluster;
pub mod frames;
pub mod framing;
pub mod raw;
pub mod secrets;
pub mod store;
pub mod tls;
pub mod twins;

mod wait;

pub use answer::Answer;
pub use api::{Api, POST};
pub use browser::Browser;
pub use chat::{Chat, Person};
pub use secrets::Secrets;
pub use server::Server;
pub use setup::Setup;
pub use stream::Stream;
pub use twins::Twins;
pub use wait::{DEADLINE, eventually, within};
