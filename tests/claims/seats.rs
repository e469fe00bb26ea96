//! Who may sit where: names, codes, sessions, and being let in.

mod asking;
mod codes;
mod names;
mod races;
mod sessions;
