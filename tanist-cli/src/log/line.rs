use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value};

use super::journal::{Journal, message_id};
use super::writer::Names;
use crate::printer::printable;

/// One line of the log: a word that programs look for, a text that people read.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// Its weight.
    pub(crate) level: Level,
    event: &'static str,
    text: String,
    fields: Map<String, Value>,
    at: Timestamp,
}

/// How much a line weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// What happened.
    Info,
    /// What should not have happened.
    Warn,
    /// What stops tanist from doing its work.
    Error,
    /// The very last line, which is always written.
    Last,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info | Self::Last => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl LogLine {
    /// A line of now.
    pub(crate) fn new(level: Level, event: &'static str, text: impl Into<String>) -> Self {
        Self {
            level,
            event,
            text: text.into(),
            fields: Map::new(),
            at: Timestamp::now(),
        }
    }

    /// What happened.
    pub(crate) fn info(event: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Info, event, text)
    }

    /// What should not have happened.
    pub(crate) fn warn(event: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Warn, event, text)
    }

    /// Adds a value for programs.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// One JSON object.
    pub(super) fn json(&self, election: &str, node: &str) -> String {
        let mut object = Map::new();
        object.insert("v".to_owned(), 1.into());
        object.insert("ts".to_owned(), format!("{:.3}", self.at).into());
        object.insert("level".to_owned(), self.level.word().into());
        object.insert("event".to_owned(), self.event.into());
        let known = |name: &str| Some(name.to_owned()).filter(|name| !name.is_empty());
        object.insert("election".to_owned(), known(election).into());
        object.insert("node".to_owned(), known(node).into());
        object.insert("message".to_owned(), self.text.clone().into());
        for (name, value) in &self.fields {
            object.insert(name.clone(), value.clone());
        }
        Value::Object(object).to_string()
    }

    /// One entry of the journal.
    pub(super) fn to_journal(&self, journal: &Journal, names: &Names) -> std::io::Result<()> {
        // Syslog's numbers.
        let priority = match self.level {
            Level::Debug => "7",
            Level::Info | Level::Last => "6",
            Level::Warn => "4",
            Level::Error => "3",
        };
        let (id, pid) = (message_id(self.event), std::process::id().to_string());
        let mut fields = vec![
            ("MESSAGE", self.text.as_str()),
            ("MESSAGE_ID", id.as_str()),
            ("PRIORITY", priority),
            ("SYSLOG_IDENTIFIER", "tanist"),
            ("SYSLOG_PID", pid.as_str()),
            ("TANIST_EVENT", self.event),
            ("TANIST_ELECTION", names.election.as_str()),
            ("TANIST_NODE", names.node.as_str()),
        ];
        let own = self.fields.iter().map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (format!("TANIST_{}", name.to_uppercase()), value)
        });
        let own: Vec<_> = own.collect();
        fields.extend(
            own.iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        journal.send(&fields)
    }

    /// Local time, the word, the text.
    pub(super) fn human(&self) -> String {
        let style = match self.level {
            Level::Debug | Level::Last => anstyle::Style::new().dimmed(),
            Level::Info => anstyle::Style::new().bold(),
            Level::Warn => anstyle::AnsiColor::Yellow.on_default().bold(),
            Level::Error => anstyle::AnsiColor::Red.on_default().bold(),
        };
        let at = Zoned::new(self.at, jiff::tz::TimeZone::system()).strftime("%H:%M:%S%.3f");
        format!(
            "{at}  {style}{:<9}{style:#} {}",
            self.event,
            indented(&self.text)
        )
    }
}

/// The text without anything that a terminal would act on: names and reasons come from the store.
/// Its further lines stand below the first.
fn indented(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n              ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_its_fields_for_programs() {
        let line = LogLine::info("started", "redis, pid 7")
            .with("pid", 7)
            .with("term", 42);
        let json: Value = serde_json::from_str(&line.json("demo", "a")).unwrap();
        assert_eq!(json["event"], "started");
        assert_eq!(json["election"], "demo");
        assert_eq!(json["pid"], 7);
        assert!(json["ts"].as_str().unwrap().ends_with('Z'), "{json}");
        let early: Value = serde_json::from_str(&line.json("", "")).unwrap();
        assert_eq!(
            (&early["election"], &early["node"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[test]
    fn what_a_terminal_would_act_on_is_shown_instead() {
        let shown = LogLine::warn("alarm", "node \u{1b}[2Jx").human();
        assert!(shown.contains("\\u{1b}[2Jx"), "{shown:?}");
    }
}
