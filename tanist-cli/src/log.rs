//! What tanist says of itself while it works, on standard error.

mod bridge;
mod journal;
mod line;
mod writer;

use std::io::IsTerminal;
use std::sync::Arc;

pub(crate) use line::{Level, LogLine};

use crate::args::{LogForm, SpeechArgs};
use crate::exit::Exit;
use journal::Journal;
use writer::{Sink, Writer};

/// The log of one process. Cheap to clone.
///
/// Lines go through a bounded queue to a thread of their own: a reader that is stuck or a disk
/// that is full must not hold up a renewal. What does not fit is dropped and counted.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    writer: Arc<Writer>,
    least: Level,
}

impl Log {
    /// The log that the arguments ask for.
    pub(crate) fn open(speech: &SpeechArgs) -> Self {
        let (sink, trouble) = sink(speech.log_format.unwrap_or_default());
        let least = match (speech.quiet, speech.verbose) {
            (0, 0) => Level::Info,
            (0, _) => Level::Debug,
            (1, _) => Level::Warn,
            (_, _) => Level::Last,
        };
        let log = Self {
            writer: Arc::new(Writer::start(sink)),
            least,
        };
        if let Some(why) = trouble {
            let text =
                format!("the journal cannot be reached, so this goes to standard error: {why}");
            log.say(LogLine::warn("log", text));
        }
        log
    }

    /// From now on every line says these names.
    pub(crate) fn name(&self, election: &str, node: &str) {
        self.writer.name(election, node);
    }

    /// Says one line, unless it is of less weight than is asked for.
    pub(crate) fn say(&self, line: LogLine) {
        if line.level >= self.least {
            self.writer.put(line);
        }
    }

    /// The last line: whose exit code it is. Waits a moment until all is written.
    pub(crate) fn last(&self, exit: Exit) {
        self.writer.put(
            LogLine::new(Level::Last, "exit", exit.to_string())
                .with("exit", exit.code())
                .with("source", exit.source())
                .with("reason", exit.reason()),
        );
        self.writer.finish();
    }

    /// Lets the library's own diagnostics come here too.
    pub(crate) fn take_diagnostics(&self) {
        bridge::install(self.clone());
    }
}

/// Where lines go; and why not to the journal, if that is where they should.
fn sink(form: LogForm) -> (Sink, Option<std::io::Error>) {
    let journal = || match Journal::open() {
        Ok(journal) => (Sink::Journal(journal), None),
        Err(error) => (Sink::Json, Some(error)),
    };
    match form {
        LogForm::Human => (Sink::Human, None),
        LogForm::Json => (Sink::Json, None),
        LogForm::Journald => journal(),
        LogForm::Auto if std::io::stderr().is_terminal() => (Sink::Human, None),
        LogForm::Auto if Journal::has_standard_error() => journal(),
        LogForm::Auto => (Sink::Json, None),
    }
}
