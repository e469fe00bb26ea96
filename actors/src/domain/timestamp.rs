use std::{fmt, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use super::Invalid;

/// A moment of wall-clock time: milliseconds since the Unix epoch, UTC. That number is its JSON on the bus; clients get
/// it as text.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339.
    ///
    /// # Errors
    /// [`Invalid`] when the text is something else.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Invalid> {
        let parsed = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| {
            Invalid("A timestamp is written as RFC 3339, like 2026-11-23T10:00:00.000Z.")
        })?;
        let ms = parsed.unix_timestamp_nanos() / 1_000_000;
        Ok(Self(i64::try_from(ms).expect("four-digit years fit")))
    }

    /// This moment, moved forward.
    pub fn plus(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// The time since `earlier`; zero if this is not later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).try_into().unwrap_or(0))
    }
}

/// The range of years with four digits.
const SHOWN_MS: RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// RFC 3339, UTC, with milliseconds. Times outside its years, from a broken clock, are clamped.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        let shown_ms = self.0.clamp(*SHOWN_MS.start(), *SHOWN_MS.end());
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(shown_ms) * 1_000_000)
            .map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(form).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_written_in_utc_with_milliseconds() {
        let parsed = Timestamp::parse_rfc3339("2026-11-23T12:00:00.0049+02:00").unwrap();
        assert_eq!(parsed.to_string(), "2026-11-23T10:00:00.004Z");
        assert!(Timestamp::parse_rfc3339("yesterday").is_err());
    }

    #[test]
    fn no_timestamp_is_too_far_away_to_be_written() {
        let written = |ms| Timestamp::from_unix_ms(ms).to_string();
        assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(written(i64::MIN), "0000-01-01T00:00:00.000Z");
    }
}
