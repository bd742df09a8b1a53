use std::time::{Duration, Instant};

use anstyle::AnsiColor;
use serde_json::{Value, json};

use super::history::History;
use crate::command::unwritten;
use crate::printer::{Form, Printer, printable};
use crate::problem::Problem;

/// Each node has its own, as long as they last.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Green,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::White,
];

/// What is shown, line by line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    printer: Printer,
    begun: Instant,
}

impl Show {
    pub(super) fn begin(printer: Printer) -> Self {
        Self {
            printer,
            begun: Instant::now(),
        }
    }

    /// A line of the demo itself.
    pub(super) fn say(&self, event: &str, text: &str) -> Result<(), Problem> {
        self.line(event, None, text, &Value::Null)
    }

    /// Something of a node; `more` is for programs.
    pub(super) fn of_node(
        &self,
        (number, name): (usize, &str),
        event: &str,
        text: &str,
        more: &Value,
    ) -> Result<(), Problem> {
        self.line(event, Some((number, name)), text, more)
    }

    fn line(
        &self,
        event: &str,
        node: Option<(usize, &str)>,
        text: &str,
        more: &Value,
    ) -> Result<(), Problem> {
        let at = self.begun.elapsed();
        let text = printable(text);
        let line = match (self.printer.form(), node) {
            (Form::Json, node) => {
                let mut line = json!({
                    "v": 1,
                    "at_ms": millis(at),
                    "event": event,
                    "node": node.map(|(_, name)| name),
                    "text": text,
                });
                if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
                    line.extend(more.clone());
                }
                format!("{line}\n")
            }
            (Form::Tsv, node) => {
                let name = node.map_or("", |(_, name)| name);
                format!("{}\t{event}\t{name}\t{text}\n", millis(at))
            }
            (_, None) => format!("{:>7.3}  {text}\n", at.as_secs_f64()),
            (_, Some((number, name))) => {
                let colour = COLOURS[number % COLOURS.len()].on_default();
                let at = at.as_secs_f64();
                format!("{at:>7.3}  {colour}{name:<7}{colour:#}  {text}\n")
            }
        };
        self.printer.print(&line).map_err(unwritten)
    }

    /// What the history says of it all.
    pub(super) fn sum_up(&self, history: &History, effects: usize) -> Result<(), Problem> {
        let gaps = history.gaps();
        let text = match self.printer.form() {
            Form::Json => {
                let gaps = gaps.map(|gaps| {
                    json!({
                        "min": micros(gaps.least),
                        "median": micros(gaps.median),
                        "max": micros(gaps.most),
                    })
                });
                let summary = json!({
                    "v": 1,
                    "event": "summary",
                    "verdict": verdict(history),
                    "misfortunes": effects,
                    "hand_overs": history.hand_overs(),
                    "gaps_us": gaps,
                    "overlaps": history.overlaps(),
                    "terms_that_did_not_rise": history.terms_that_did_not_rise(),
                    "broken_lines": history.broken(),
                });
                format!("{summary}\n")
            }
            Form::Tsv => format!(
                "summary\t{}\t{}\t{}\n",
                verdict(history),
                history.hand_overs(),
                history.overlaps()
            ),
            Form::Plain | Form::Table => {
                let gaps = gaps.map_or_else(String::new, |gaps| {
                    format!(
                        "\nwithout the work between two leaders: min {}, median {}, max {}",
                        short(gaps.least),
                        short(gaps.median),
                        short(gaps.most)
                    )
                });
                let colour = if history.is_well() {
                    AnsiColor::Green
                } else {
                    AnsiColor::Red
                };
                let colour = colour.on_default().bold();
                format!(
                    "\n{} misfortunes took effect, {} hand-overs{gaps}\noverlaps: {}, terms that did \
                     not rise: {}, by what the work itself wrote: {colour}{}{colour:#}\n",
                    effects,
                    history.hand_overs(),
                    history.overlaps(),
                    history.terms_that_did_not_rise(),
                    verdict(history)
                )
            }
        };
        self.printer.print(&text).map_err(unwritten)
    }
}

fn verdict(history: &History) -> &'static str {
    if history.is_well() { "ok" } else { "violated" }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// To a tenth of a millisecond.
pub(super) fn short(span: Duration) -> String {
    format!("{:.1} ms", span.as_secs_f64() * 1e3)
}
