use std::time::{Duration, Instant};

use crate::{Outcome, say};

/// The parts of a run, each with what became of it and how long it took.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    done: Vec<(String, Result<(), String>, Duration)>,
    closing: Vec<String>,
}

impl Parts {
    /// Does one part. What fails does not keep the others from being done.
    pub(crate) fn run(&mut self, name: &str, part: impl FnOnce() -> Outcome) {
        say!("\n== {name}");
        let began = Instant::now();
        let outcome = part().map_err(|error| error.to_string());
        if let Err(error) = &outcome {
            say!("{name}: {error}");
        }
        self.done.push((name.to_owned(), outcome, began.elapsed()));
    }

    /// Lines to print again at the very end.
    pub(crate) fn close_with(&mut self, lines: Vec<String>) {
        self.closing.extend(lines);
    }

    /// Prints the table of all parts.
    ///
    /// # Errors
    ///
    /// When one of them failed.
    pub(crate) fn finish(self) -> Outcome {
        say!("");
        for (name, outcome, took) in &self.done {
            let minutes = took.as_secs_f64() / 60.0;
            say!(
                "{} {minutes:6.1} min  {name}",
                if outcome.is_ok() { "ok    " } else { "FAILED" }
            );
        }
        self.closing.iter().for_each(|line| say!("{line}"));
        let failed: Vec<_> = self
            .done
            .iter()
            .filter(|(_, outcome, _)| outcome.is_err())
            .map(|part| &*part.0)
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {}", failed.join(", ")).into())
        }
    }
}
