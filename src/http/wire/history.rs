//! Pages of the history.

use actix_web::HttpRequest;
use actors::{
    domain::{Names, Page, Seq},
    ports::HistoryPage,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::messages::MessageView;
use crate::http::{Problem, Result, schema::MessageSeq};

/// The most messages in one page.
const LIMIT_MAX: u64 = 200;
/// The default limit of a page.
const LIMIT_DEFAULT: u64 = 50;

/// A page of the history.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// The first messages after this `seq`.
    #[param(value_type = Option<MessageSeq>)]
    pub after: Option<String>,
    /// The last messages before this `seq`.
    #[param(value_type = Option<MessageSeq>)]
    pub before: Option<String>,
    /// How many, 1 to 200; 50 when left out. Long texts make a page shorter.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 200)]
    pub limit: Option<String>,
}

/// Where a stream begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The last `seq` that the client has; `Last-Event-ID` takes precedence.
    #[param(value_type = Option<MessageSeq>)]
    pub after: Option<String>,
}

/// A page of the history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryReply<'a> {
    /// Ascending in `seq`.
    pub messages: Vec<MessageView<'a>>,
    /// Whether there are more in the direction asked for.
    pub more: bool,
}

impl<'a> HistoryReply<'a> {
    /// A page between the chat's two people.
    pub fn of(page: &'a HistoryPage, names: &'a Names) -> Self {
        let messages = page.messages.iter();
        Self {
            messages: messages
                .map(|message| MessageView::of(message, names))
                .collect(),
            more: page.more,
        }
    }
}

/// Parses which page is asked for, and its limit.
pub fn parse_page(query: &HistoryQuery) -> Result<(Page, usize)> {
    let page = match (&query.after, &query.before) {
        (Some(_), Some(_)) => {
            let message = "Send \"after\" or \"before\", not both.";
            return Err(Problem::invalid("before", message));
        }
        (Some(after), None) => Page::After(parse_seq(after, "after")?),
        (None, Some(before)) => Page::Before(parse_seq(before, "before")?),
        (None, None) => Page::Newest,
    };
    let limit = query.limit.as_deref().map_or(Some(LIMIT_DEFAULT), digits);
    match limit {
        Some(limit @ 1..=LIMIT_MAX) => Ok((page, limit as usize)),
        _ => {
            let message = "\"limit\" is a number from 1 to 200.";
            Err(Problem::invalid("limit", message))
        }
    }
}

fn parse_seq(text: &str, field: &'static str) -> Result<Seq> {
    // Beyond the largest `seq`: as good as the last message.
    digits(text).ok_or_else(|| {
        let message = format!("\"{field}\" is a message's seq: a whole number.");
        Problem::invalid(field, message)
    })
}

/// A number of decimal digits alone, at most the largest there is.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The `seq` that a stream resumes after: `Last-Event-ID`, or else `after`. Both must be valid if both are sent.
///
/// # Errors
/// [`Problem`] 400 when it is not a number.
pub fn parse_last_seen(request: &HttpRequest, query: &StreamQuery) -> Result<Option<Seq>> {
    let header = request
        .headers()
        .get("last-event-id")
        .filter(|value| !value.is_empty());
    let id = header.map(|id| parse_seq(id.to_str().unwrap_or("not ASCII"), "Last-Event-ID"));
    let after = query.after.as_ref().map(|after| parse_seq(after, "after"));
    Ok(id.transpose()?.or(after.transpose()?))
}
