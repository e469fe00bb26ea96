//! Who may sit where: names, codes, sessions, and being let in.

pub mod apart;
mod asking;
mod codes;
mod names;
mod races;
mod replaced;
mod sessions;
