//! End-to-end encrypted chats, as a client sees them: the format of `docs/encryption.md`.
//!
//! The server calls none of this, since it has no keys. `duet decrypt` opens downloaded conversations with
//! it, and the tests use it as a client. The pages have an independent implementation
//! (`views/assets/seal.js`); both are tested against `docs/encryption/vectors.json`.

mod contents;
mod history;
mod keys;
mod link;
mod transcript;

pub use contents::{Contents, PLAINTEXT_SIZES, TEXT_BYTES_MAX};
pub use history::{Finding, History};
pub use keys::{CannotOpen, Keys, SALT_BYTES};
pub use link::{Link, LinkError};
pub use transcript::{Report, Transcript, TranscriptError};
