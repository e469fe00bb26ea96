//! End-to-end encrypted chats, as a client sees them: the format of `docs/encryption.md`.
//!
//! The server never calls any of this: it has no key. `duet decrypt` opens a downloaded
//! conversation with it, and the tests talk with it. The pages have an implementation of their
//! own (`views/assets/seal.js`); both check `docs/encryption/vectors.json`.

mod contents;
mod history;
mod keys;
mod link;
mod transcript;

pub use contents::{Contents, PLAINTEXT_SIZES, TEXT_BYTES_MAX};
pub use history::{Finding, History};
pub use keys::{CannotOpen, Keys, SALT_BYTES};
pub use link::{Link, LinkError};
pub use transcript::{Transcript, TranscriptError};
