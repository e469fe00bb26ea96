//! HTTP/1.1 as far as a load tool needs it.
//!
//! The tool shares its machine with the servers it measures, so what it costs itself is part of every figure. A general
//! client keeps some ten kilobytes of buffers per connection and hands each request through a channel to another task;
//! here a request is written and its answer read by the task that wants it, and a silent stream holds no buffer at all.
//! In exchange there is no TLS and no redirect: point the tool at the instances or at a plain-text port. HTTP/2, which only a
//! proxy speaks to an instance, is there for streams alone, by a library.
//!
//! Reading order: `target` (where a server is), `head` (an answer's status and headers), `body` (how its body is
//! delimited), `connection` (one socket: a request and its answer, or an endless body), `h2c` (many bodies on one socket).

mod body;
mod connection;
mod h2c;
mod head;
mod target;

pub(crate) use body::{Decoder, Framing};
pub use connection::WireError;
pub(crate) use connection::{Answer, Connection};
pub(crate) use h2c::{Body as Http2Body, Connections as Http2Connections};
pub(crate) use target::path_segment;
pub use target::{Target, TargetError};
