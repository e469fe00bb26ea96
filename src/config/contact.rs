use std::{fmt, str::FromStr};

use url::Url;

/// Where to report a vulnerability: a URI, as RFC 9116 requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact(String);

impl FromStr for Contact {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_mail = text.contains('@') && !text.contains(':');
        let uri = match is_mail {
            true => format!("mailto:{text}"),
            false => text.to_owned(),
        };
        let url = Url::parse(&uri).ok();
        let url = url.filter(|url| matches!(url.scheme(), "mailto" | "https" | "tel"));
        match url {
            Some(url) => Ok(Self(url.into())),
            None => Err(
                "it must be like \"security@example.org\", \"https://example.org/security\" or \
                 \"tel:+1-201-555-0123\""
                    .into(),
            ),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_uri_and_one_line() {
        let contact = |text: &str| text.parse::<Contact>().map(|contact| contact.to_string());
        assert_eq!(
            contact("security@example.org").as_deref(),
            Ok("mailto:security@example.org")
        );
        assert!(contact("https://example.org/security").is_ok());
        for wrong in ["example.org", "http://example.org", "javascript:alert(1)"] {
            assert!(contact(wrong).is_err(), "{wrong}");
        }
        let two = contact("https://example.org/\nContact: mailto:mallory@example.org");
        assert!(two.is_ok_and(|one| !one.contains('\n')));
    }
}
