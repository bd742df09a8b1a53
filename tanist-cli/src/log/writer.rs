use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::LogLine;

/// How many lines may wait for a slow reader.
const QUEUE: usize = 1024;
/// How long the end of the process waits for a slow reader.
const PATIENCE: Duration = Duration::from_millis(500);

/// Writes lines from a thread of its own.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<LogLine>>>,
    finished: Mutex<Option<Receiver<()>>>,
    dropped: std::sync::Arc<AtomicU64>,
}

impl Writer {
    pub(super) fn start(human: bool, election: &str, node: &str) -> Self {
        let (queue, lines) = sync_channel::<LogLine>(QUEUE);
        let (done, finished) = sync_channel(1);
        let dropped = std::sync::Arc::new(AtomicU64::new(0));
        let count = std::sync::Arc::clone(&dropped);
        let (election, node) = (election.to_owned(), node.to_owned());
        let write = move || {
            for line in lines {
                let lost = count.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let text =
                        format!("{lost} lines were dropped: the log is not read fast enough");
                    emit(&LogLine::warn("log", text), human, &election, &node);
                }
                emit(&line, human, &election, &node);
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

/// One write for one line, so that lines of several processes do not mix.
fn emit(line: &LogLine, human: bool, election: &str, node: &str) {
    let mut text = if human {
        line.human()
    } else {
        line.json(election, node)
    };
    text.push('\n');
    // There is nobody left to tell that standard error is closed.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}
