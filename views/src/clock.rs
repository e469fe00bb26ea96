//! Instants as people read them.
//!
//! The server writes UTC; a script rewrites every `<time data-show>` in the reader's own zone and language.

use maud::{Markup, html};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::text::Text;

fn instant(ms: i64) -> OffsetDateTime {
    // Out of range only for times thousands of years away, which no caller has; they are shown as the epoch.
    let nanos = i128::from(ms) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .to_offset(UtcOffset::UTC)
}

/// RFC 3339 in UTC, for `datetime`.
pub(crate) fn rfc3339(ms: i64) -> String {
    instant(ms).format(&Rfc3339).unwrap_or_default()
}

/// The day as a number, to see where a new one begins.
pub(crate) fn day_number(ms: i64) -> i64 {
    ms.div_euclid(86_400_000)
}

fn clock(ms: i64) -> String {
    let at = instant(ms);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

fn fill(template: &str, ms: i64, text: &Text) -> String {
    let at = instant(ms);
    template
        .replace(
            "{weekday}",
            text.date.weekdays[usize::from(at.weekday().number_days_from_monday())],
        )
        .replace("{day}", &at.day().to_string())
        .replace(
            "{month}",
            text.date.months[usize::from(u8::from(at.month())) - 1],
        )
        .replace("{time}", &clock(ms))
}

/// `10:42`, beside a message.
pub(crate) fn time_of_day(ms: i64) -> Markup {
    html! { time datetime=(rfc3339(ms)) data-show="time" { (clock(ms)) } }
}

/// `Monday 23 November`, above the messages of a day.
pub(crate) fn day(ms: i64, text: &Text) -> Markup {
    html! { time datetime=(rfc3339(ms)) data-show="day" { (fill(text.date.day, ms, text)) } }
}

/// `23 November, 10:42 UTC`, inside a sentence.
pub(crate) fn moment(ms: i64, text: &Text) -> Markup {
    html! { time datetime=(rfc3339(ms)) data-show="moment" { (fill(text.date.moment, ms, text)) } }
}

/// The same, where the hour matters on the last days alone.
pub(crate) fn until(ms: i64, text: &Text) -> Markup {
    html! { time datetime=(rfc3339(ms)) data-show="until" { (fill(text.date.moment, ms, text)) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ENGLISH;

    #[test]
    fn instants_are_written_in_utc() {
        let ms = 1_795_428_000_000;
        assert_eq!(rfc3339(ms), "2026-11-23T10:00:00Z");
        for (markup, written) in [
            (day(ms, &ENGLISH), ">Monday 23 November<"),
            (moment(ms, &ENGLISH), ">23 November, 10:00 UTC<"),
            (time_of_day(ms), ">10:00<"),
        ] {
            assert!(markup.into_string().contains(written), "{written}");
        }
    }
}
