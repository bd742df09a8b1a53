use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::LogLine;
use super::journal::Journal;

/// How many lines may wait for a slow reader.
const QUEUE: usize = 1024;
/// How long the end of the process waits for a slow reader.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes lines from a thread of its own.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<LogLine>>>,
    finished: Mutex<Option<Receiver<()>>>,
    dropped: Arc<AtomicU64>,
    names: Arc<Mutex<Names>>,
}

/// What every line of a program's log says.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) election: String,
    pub(super) node: String,
}

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    /// Standard error, for people.
    Human,
    /// Standard error, one JSON object a line.
    Json,
    /// The journal.
    Journal(Journal),
}

impl Writer {
    pub(super) fn start(sink: Sink) -> Self {
        let (queue, lines) = sync_channel::<LogLine>(QUEUE);
        let (done, finished) = sync_channel(1);
        let (dropped, names) = (Arc::new(AtomicU64::new(0)), Arc::<Mutex<Names>>::default());
        let (count, known) = (Arc::clone(&dropped), Arc::clone(&names));
        let write = move || {
            for line in lines {
                let names = known.lock().map(|names| names.clone()).unwrap_or_default();
                let lost = count.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let text =
                        format!("{lost} lines were dropped: the log is not read fast enough");
                    if sink.emit(&LogLine::warn("log", text), &names).is_err() {
                        count.fetch_add(lost, Ordering::Relaxed);
                    }
                }
                if sink.emit(&line, &names).is_err() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Nobody may be waiting any more.
            let _ = done.send(());
        };
        let started = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(write)
            .is_ok();
        Self {
            // Without a thread there is no log; the work matters more.
            queue: Mutex::new(started.then_some(queue)),
            finished: Mutex::new(Some(finished)),
            dropped,
            names,
        }
    }

    /// From now on lines say these names.
    pub(super) fn name(&self, election: &str, node: &str) {
        if let Ok(mut names) = self.names.lock() {
            *names = Names {
                election: election.to_owned(),
                node: node.to_owned(),
            };
        }
    }

    pub(super) fn put(&self, line: LogLine) {
        let Ok(queue) = self.queue.lock() else { return };
        if queue
            .as_ref()
            .is_some_and(|queue| queue.try_send(line).is_err())
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// No more lines; returns when all are written, or not much later.
    pub(super) fn finish(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        if let Ok(mut finished) = self.finished.lock()
            && let Some(finished) = finished.take()
        {
            // Timed out or not: the process ends now.
            let _ = finished.recv_timeout(PATIENCE);
        }
    }
}

impl Sink {
    fn emit(&self, line: &LogLine, names: &Names) -> io::Result<()> {
        let mut text = match self {
            Self::Human => line.human(),
            Self::Json => line.json(&names.election, &names.node),
            Self::Journal(journal) => return line.to_journal(journal, names),
        };
        text.push('\n');
        // One write for one line, so that lines of several processes do not mix.
        anstream::stderr().lock().write_all(text.as_bytes())
    }
}
