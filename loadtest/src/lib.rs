//! Drives a running chat over HTTP, measures it, and checks what it promised.
//!
//! The tool knows a server by its API alone, so it drives every server that speaks it. Clients, streams, the check and the
//! private servers are in the crate `harness`, which the server's own tests use as well.
//!
//! Reading order:
//!
//! - [`pairs`], [`crowd`], [`stamp`], [`text`]: who talks, many streams at once, ids that carry when a message was due, and
//!   texts worth checking.
//! - [`meter`], [`usage`], [`watch`], [`perf`]: what is measured, and what the tool and the servers used; [`limits`]: what the
//!   system lets the tool have.
//! - [`progress`], [`report`], [`page`], [`plot`]: how it is reported, during the run and afterwards.
//! - [`options`], and the commands: [`flow`] (pairs talk), [`ramp`] (the highest rate that is held), [`idle`] (streams at rest),
//!   [`storm`] (all streams lost at once), [`history`] (pages of a long chat), [`churn`] (chats come and go).
//! - [`cluster`]: a whole cluster of private servers to look at.
//! - [`footprint`], and the commands over a cluster of their own: [`torture`] (faults on a schedule), [`heal`] (how long a lost
//!   notice takes to be made good), [`beats`] (what it costs that many instances know of each other).
//! - [`rivals`]: the comparison with other servers, and all that only it needs.

pub mod crowd;
pub mod pairs;
pub mod stamp;
pub mod text;

pub mod limits;
pub mod meter;
pub mod perf;
pub mod usage;
pub mod watch;

pub mod page;
pub mod plot;
pub mod progress;
pub mod report;

pub mod options;

pub mod cluster;
pub mod footprint;
mod live;

pub mod beats;
pub mod churn;
pub mod flow;
pub mod heal;
pub mod history;
pub mod idle;
pub mod ramp;
pub mod storm;
pub mod torture;

pub mod rivals;
