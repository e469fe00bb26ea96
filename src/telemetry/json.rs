//! Log lines as JSON: the fields of the event and of its spans.
//!
//! tracing-subscriber's own JSON format includes the source path on the build machine for lines from the
//! `log` crate.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
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
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let of_span = extensions.get::<FormattedFields<N>>();
            let of_span = of_span.and_then(|text| serde_json::from_str(text).ok());
            fields.0.extend::<Map<_, _>>(of_span.unwrap_or_default());
        }
        event.record(&mut fields);
        let mut fields = fields.0;
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

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().into(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
