use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Level, Log, LogLine};

/// Lets the library's diagnostics come to `log`. Only the first call of a process counts.
pub(super) fn install(log: Log) {
    // A second subscriber is refused, and the first one is as good.
    let _ = tracing::subscriber::set_global_default(Bridge {
        log,
        spans: AtomicU64::new(0),
    });
}

/// The library speaks through `tracing`; spans are not shown, so they only need numbers.
struct Bridge {
    log: Log,
    spans: AtomicU64,
}

impl Subscriber for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What happens in an election is told in our own words.
        let ours = metadata.target().starts_with("tanist") && metadata.target() != tanist::EVENTS;
        metadata.is_event() && ours && level(metadata) >= self.log.least
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = LogLine::new(
            level(event.metadata()),
            "store",
            text.message + &text.fields,
        );
        self.log.say(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What the library finds worth an information is a detail for the reader of this log.
fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        _ => Level::Debug,
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        use fmt::Write as _;
        // Writing into a string does not fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}
