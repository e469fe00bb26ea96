//! The pages of duet: plain structs in, [`maud::Markup`] out.
//!
//! This crate knows nothing of chats, stores or sessions. A page is a struct of strings, numbers and small enums, and a
//! function `page(&Frame, &Struct) -> Markup` beside it. Every action on a page is an HTML form that works without
//! JavaScript; the modules in `assets/` only make it quicker. Nothing is inline, so that a strict Content-Security-Policy holds.
//!
//! In reading order:
//!
//! - [`page`]: the document around every page, and what it must know ([`page::Frame`]: language, theme, address, time)
//! - [`register`], [`invite`], [`login`], [`ask`]: the way in
//! - [`chat`]: the conversation, with its message list in [`message`] and its menu in `menu`
//! - [`device`], [`return_code`], [`sessions`]: what a person can do about where they are logged in; [`download`]
//! - [`replaced`]: what is told to somebody whose seat was given to somebody else
//! - [`end`], [`logout`]: the ways out, and [`error`] for everything that goes wrong
//! - [`address`]: every path that a page links or posts to
//! - [`assets`]: the embedded styles and scripts, under one content-hashed directory
//! - [`text`]: every sentence a person reads, a file per language

pub mod address;
pub mod assets;
pub mod page;
pub mod text;

pub mod ask;
pub mod chat;
pub mod device;
pub mod download;
pub mod end;
pub mod error;
pub mod invite;
pub mod login;
pub mod logout;
pub mod message;
pub mod register;
pub mod replaced;
pub mod return_code;
pub mod sessions;

mod clock;
mod menu;
mod parts;
mod qr;
mod rich;
mod script;

#[cfg(feature = "samples")]
pub mod samples;

pub use maud::Markup;
