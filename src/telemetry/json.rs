//! Log lines as JSON: the fields of the event and of its spans.
//!
//! tracing-subscriber's own JSON format includes the source path on the build machine for lines from the
//! `log` crate.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_serde::fields::AsMap;
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// Fields that lines from the `log` crate add.
const OF_LOG: &str = "log.";
const LOG_TARGET: &str = "log.target";
const MESSAGE: &str = "message";

/// One JSON object a line.
pub(super) struct JsonLines;

#[derive(Serialize)]
struct Line<'a> {
    timestamp: &'a str,
    level: &'a str,
    message: &'a str,
    target: &'a str,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let of_span = extensions.get::<FormattedFields<N>>();
            let of_span = of_span.and_then(|text| serde_json::from_str(text).ok());
            fields.extend::<Map<_, _>>(of_span.unwrap_or_default());
        }
        let own = serde_json::to_value(event.field_map()).map_err(|_| fmt::Error)?;
        if let Value::Object(own) = own {
            fields.extend(own);
        }
        let text = |value: Option<Value>| match value {
            Some(Value::String(text)) => Some(text),
            other => other.map(|value| value.to_string()),
        };
        let message = text(fields.remove(MESSAGE)).unwrap_or_default();
        let of_log = text(fields.remove(LOG_TARGET));
        fields.retain(|name, _| !name.starts_with(OF_LOG));
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let line = Line {
            timestamp: &timestamp,
            level: event.metadata().level().as_str(),
            message: &message,
            target: of_log.as_deref().unwrap_or(event.metadata().target()),
            fields,
        };
        let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{line}")
    }
}
