//! One JSON object a line: `timestamp`, `level`, `service`, `target`, then the fields of the spans the event is in (inner
//! ones win), `msg` and its own.

use std::{fmt, io::Write};

use serde::Serializer;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context, registry::LookupSpan};

/// The layer that writes the lines.
pub struct JsonLines<W> {
    service: &'static str,
    writer: W,
}

impl<W> JsonLines<W> {
    /// Lines for `service`, to `writer`.
    pub fn new(service: &'static str, writer: W) -> Self {
        Self { service, writer }
    }
}

/// Fields in the order in which they came; a name is there once. A span's are kept with the span.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The later value wins.
    fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        // There are a dozen of them: looking through them costs less than a map of them does.
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value.into(),
            None => self.0.push((name, value.into())),
        }
    }

    fn note(&mut self, field: &Field, value: impl Into<Value>) {
        // Meant for whoever shows traces.
        if field.name().starts_with("otel.") {
            return;
        }
        self.put(if field.name() == "message" { "msg" } else { field.name() }, value);
    }

    /// One JSON object and the end of its line.
    fn line(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(512);
        let fields = self.0.iter().map(|(name, value)| (name, value));
        // Neither a text as a name nor memory to write to can fail.
        let _ = serde_json::Serializer::new(&mut line).collect_map(fields);
        line.push(b'\n');
        line
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(known) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(known);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        fields.put("timestamp", crate::clock::now().format(&Rfc3339).unwrap_or_default());
        fields.put("level", event.metadata().level().as_str().to_lowercase());
        fields.put("service", self.service);
        fields.put("target", event.metadata().target());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(known) = span.extensions().get::<Fields>() {
                known.0.iter().for_each(|(name, value)| fields.put(name, value.clone()));
            }
        }
        event.record(&mut fields);
        // A log that cannot be written has nowhere to complain.
        let _ = self.writer.make_writer().write_all(&fields.line());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_carries_its_spans_and_one_line_is_one_line() {
        let memory = Memory::default();
        let writer = memory.clone();
        let layer = JsonLines::new("gateway", move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let outer = tracing::info_span!(
                "request",
                otel.kind = "server",
                correlation_id = "c1",
                tenant_id = tracing::field::Empty
            );
            outer.record("tenant_id", "ten_1");
            outer.in_scope(|| tracing::info!(duration_ms = 3, "two\nlines"));
        });
        let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(text.lines().count(), 1);
        for (name, value) in
            [("msg", "two\nlines"), ("correlation_id", "c1"), ("tenant_id", "ten_1"), ("level", "info")]
        {
            assert_eq!(line[name], value);
        }
        assert_eq!(line["duration_ms"], 3);
        assert_eq!(line["otel.kind"], Value::Null, "for traces alone");
    }
}
