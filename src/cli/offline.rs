//! Commands that need neither a server nor a store.

use std::{
    fmt, fs,
    io::{self, BufWriter, Write},
    path::Path,
};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Failure, link_from_stdin};
use crate::{
    encryption::{Keys, Link, Report, Transcript},
    escaping,
};

/// Prints a downloaded conversation with its texts opened.
pub(super) fn decrypt(link: String, file: &Path, json: bool) -> Result<(), Failure> {
    let link = match link.as_str() {
        "-" => link_from_stdin()?,
        _ => Zeroizing::new(link),
    };
    let refused = |error: &dyn fmt::Display| Failure::Refused(error.to_string());
    let keys = Keys::of(&Link::parse(&link).map_err(|error| refused(&error))?);
    let unreadable = |error| format!("{} cannot be read: {error}.", file.display());
    let bytes = fs::read(file).map_err(|error| Failure::Failed(unreadable(error)))?;
    let transcript = Transcript::parse(&bytes).map_err(|error| refused(&error))?;
    let report = transcript.write(&keys, json, BufWriter::new(io::stdout().lock()))?;
    if let Some(sentence) = seats(&report) {
        writeln!(io::stderr(), "{sentence}")?;
    }
    let wrong = match report.wrong {
        0 => None,
        1 => Some(
            "One of the messages was changed, moved, repeated or is missing, and says so in its place."
                .to_owned(),
        ),
        wrong => Some(format!(
            "{wrong} of the messages were changed, moved, repeated or are missing; each says so in its place."
        )),
    };
    let part = report.is_part.then(|| {
        "This is not the whole conversation: the server had more messages than are in the file."
            .to_owned()
    });
    match [wrong, part].into_iter().flatten().collect::<Vec<_>>() {
        found if found.is_empty() => Ok(()),
        found => Err(Failure::Failed(found.join(" "))),
    }
}

/// Whose key the texts of each name open with: a server that exchanged the names everywhere changed nothing else.
fn seats(report: &Report<'_>) -> Option<String> {
    let [maker, guest] = report.names.0.map(|name| name.map(escaping::text));
    let maker = maker.map(|name| format!("{name} made the chat"));
    let guest = guest.map(|name| format!("{name} was invited"));
    let known: Vec<_> = [maker, guest].into_iter().flatten().collect();
    (!known.is_empty()).then(|| format!("By the keys, {}.", known.join(" and ")))
}

/// Lists the pages' files in the form of `sha256sum`, with the paths they are served at.
pub(super) fn assets(mut out: impl Write) -> io::Result<()> {
    writeln!(out, "# duet {}", env!("CARGO_PKG_VERSION"))?;
    for (name, asset) in views::assets::all() {
        for byte in Sha256::digest(asset.bytes) {
            write!(out, "{byte:02x}")?;
        }
        writeln!(out, "  {}", views::assets::url(name))?;
    }
    Ok(())
}
