//! The pages, as a browser without scripts and as a script see it.

mod cookies;
mod envelope;
mod flow;
mod guards;
mod link;
mod origin;
mod robots;
mod transcripts;
