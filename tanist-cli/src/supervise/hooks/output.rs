use crate::log::{Log, LogLine};

/// What a hook prints, line by line in the log, as far as it keeps measure.
#[derive(Debug)]
pub(super) struct Output {
    log: Log,
    hook: String,
    line: Vec<u8>,
    lines: usize,
    bytes: usize,
    dropped: u64,
}

impl Output {
    /// The longest part of a line that is logged.
    const WIDTH: usize = 1024;
    /// How many lines of one run are logged.
    const LINES: usize = 200;
    /// How many bytes of one run are logged.
    const BYTES: usize = 32 * 1024;

    /// Nothing has been printed yet by what is called `hook`.
    pub(super) fn new(log: &Log, hook: &str) -> Self {
        Self {
            log: log.clone(),
            hook: hook.to_owned(),
            line: Vec::new(),
            lines: 0,
            bytes: 0,
            dropped: 0,
        }
    }

    /// Takes in what was printed.
    pub(super) fn take(&mut self, printed: &[u8]) {
        for part in printed.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = Self::WIDTH.saturating_sub(self.line.len());
            let room = room.min(Self::BYTES.saturating_sub(self.bytes + self.line.len()));
            let room = if self.is_over() { 0 } else { room };
            let (kept, cut) = text.split_at(text.len().min(room));
            self.line.extend_from_slice(kept);
            self.dropped += cut.len() as u64;
            if ends {
                self.say();
            }
        }
    }

    /// Whether nothing more of it is logged.
    pub(super) const fn is_over(&self) -> bool {
        self.lines >= Self::LINES || self.bytes >= Self::BYTES
    }

    /// It prints nothing more.
    pub(super) fn end(mut self) {
        self.say();
        if self.dropped > 0 {
            let text = format!(
                "{}: {} bytes of its output are left out",
                self.hook, self.dropped
            );
            let line = LogLine::warn("hook-output", text);
            let line = line.with("hook", self.hook.clone());
            self.log.say(line.with("dropped", self.dropped));
        }
    }

    fn say(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() || self.is_over() {
            return;
        }
        self.lines += 1;
        self.bytes += line.len();
        let text = format!("{}: {}", self.hook, String::from_utf8_lossy(&line));
        let line = LogLine::info("hook-output", text);
        self.log.say(line.with("hook", self.hook.clone()));
    }
}
