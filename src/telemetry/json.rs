//! A JSON object a line, with the members that Logstash's encoder writes: what collects the logs of today's integration points
//! reads these, too. Each value is masked.

use std::fmt::Debug;
use std::io::Write;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::masking::{is_secret_name, mask};

/// Writes each event to what `make` gives.
pub(super) struct Json<F> {
    make: F,
    always: Vec<(&'static str, String)>,
    /// So that the moment is not asked for elsewhere.
    clock: crate::clock::Clock,
}

impl<F> Json<F> {
    pub(super) fn to(make: F, always: Vec<(&'static str, String)>) -> Self {
        Self { make, always, clock: crate::clock::Clock::machine() }
    }

    fn line<S: Subscriber + for<'a> LookupSpan<'a>>(&self, event: &Event<'_>, context: &Context<'_, S>) -> Vec<u8> {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.0.extend(of_span.0.clone());
            }
        }
        event.record(&mut fields);
        let mut line = Map::new();
        let mut add = |name: &str, value: Value| line.insert(name.to_owned(), value);
        add("@timestamp", self.clock.now().to_string().into());
        add("@version", "1".into());
        add("message", fields.0.remove("message").unwrap_or_else(|| "".into()));
        add("logger_name", metadata.target().into());
        add("thread_name", std::thread::current().name().unwrap_or("-").into());
        let (level, value) = level(*metadata.level());
        add("level", level.into());
        add("level_value", value.into());
        for (name, value) in &self.always {
            add(name, value.as_str().into());
        }
        for (name, value) in fields.0 {
            // What every line has stays what it is.
            line.entry(name).or_insert(value);
        }
        let mut bytes = Value::Object(line).to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

/// As Logback counts them.
fn level(level: Level) -> (&'static str, u32) {
    match level {
        Level::ERROR => ("ERROR", 40_000),
        Level::WARN => ("WARN", 30_000),
        Level::INFO => ("INFO", 20_000),
        Level::DEBUG => ("DEBUG", 10_000),
        Level::TRACE => ("TRACE", 5_000),
    }
}

impl<S, F, W> Layer<S> for Json<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: Fn() -> W + Send + Sync + 'static,
    W: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // A log that cannot be written is nothing that could be told.
        let _ = (self.make)().write_all(&self.line(event, &context));
    }
}

/// Names and masked values.
#[derive(Clone, Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }

    fn text(&mut self, field: &Field, text: &str) {
        let masked = if is_secret_name(field.name()) { "********".to_owned() } else { mask(text) };
        self.add(field, masked.into());
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value.to_string(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, &value.to_string(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

impl Fields {
    /// A number of eleven digits may be a person's.
    fn number(&mut self, field: &Field, text: &str, value: Value) {
        if mask(text) == text { self.add(field, value) } else { self.text(field, text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_fields_of_its_event_and_of_the_spans_around_it() {
        let kept = Kept::default();
        let to = kept.clone();
        let json = Json::to(move || to.clone(), vec![("appname", "integrasjonspunkt".into())]);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(json), || {
            let span = tracing::info_span!("request", "User-Agent" = "P360/4", correlation_id = tracing::field::Empty);
            span.record("correlation_id", "75d64e2b");
            let _entered = span.enter();
            tracing::warn!(target: "STATUS", status = "SENDT", receiver = "0192:01010112345", tried = 3, to = 1_010_112_345_u64,
                number = 30_101_012_345_u64, token = "abc", "Message \"x\"");
        });
        let bytes = kept.0.lock().unwrap().clone();
        let line: Value = serde_json::from_slice(&bytes).unwrap();
        for (name, value) in [
            ("message", Value::from("Message \"x\"")),
            ("logger_name", "STATUS".into()),
            ("level", "WARN".into()),
            ("level_value", 30_000.into()),
            ("appname", "integrasjonspunkt".into()),
            ("User-Agent", "P360/4".into()),
            ("correlation_id", "75d64e2b".into()),
            ("status", "SENDT".into()),
            ("receiver", "0192:********".into()),
            ("tried", 3.into()),
            ("number", "********".into()),
            ("token", "********".into()),
            ("@version", "1".into()),
        ] {
            assert_eq!(line[name], value, "{name} in {line}");
        }
        assert!(line["@timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        assert!(bytes.ends_with(b"}\n") && bytes.split(|byte| *byte == b'\n').count() == 2);
    }
}
