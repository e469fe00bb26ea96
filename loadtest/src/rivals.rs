//! Everything that only comparing duet with other servers needs.
//!
//! [`compare`] is the command: it starts the contenders, drives them by the other commands, and writes the results. [`xmpp`]
//! and `nchan` are how those commands talk to ejabberd and to nginx with nchan; nothing else in the tool knows them but the
//! addresses of [`crate::options`] and the pairs of [`crate::flow`].

pub mod compare;
pub(crate) mod nchan;
pub mod xmpp;
