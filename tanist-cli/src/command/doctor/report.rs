use serde_json::{Value, json};

use crate::printer::{Form, printable};

/// What was found, in the order in which it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    area: &'static str,
    verdict: Verdict,
    text: String,
}

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// In order.
    #[default]
    Ok,
    /// It works, but not as well as it could, or not for long.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    /// As it is printed.
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

impl Report {
    /// Something is in order.
    pub(super) fn ok(&mut self, area: &'static str, text: impl Into<String>) {
        self.add(area, Verdict::Ok, text.into());
    }

    /// Something could be better.
    pub(super) fn warn(&mut self, area: &'static str, text: impl Into<String>) {
        self.add(area, Verdict::Warn, text.into());
    }

    /// Something does not work.
    pub(super) fn fail(&mut self, area: &'static str, text: impl Into<String>) {
        self.add(area, Verdict::Fail, text.into());
    }

    /// The gravest.
    pub(super) fn worst(&self) -> Verdict {
        let verdicts = self.findings.iter().map(|finding| finding.verdict);
        verdicts.max().unwrap_or_default()
    }

    /// All of it.
    pub(super) fn text(&self, form: Form) -> String {
        match form {
            Form::Json => self.json(),
            Form::Tsv => {
                let rows = self.findings.iter().map(|finding| {
                    let Finding {
                        area,
                        verdict,
                        text,
                    } = finding;
                    format!("{area}\t{}\t{text}\n", verdict.word())
                });
                rows.collect()
            }
            Form::Plain | Form::Table => self.lines(),
        }
    }

    fn add(&mut self, area: &'static str, verdict: Verdict, text: String) {
        // A message of several lines is one finding, and one line.
        let lines = text
            .lines()
            .map(|line| line.trim_start_matches([' ', '│', '=']));
        // The carets below an excerpt point at nothing there.
        let lines = lines.filter(|line| !line.trim_matches(['^', ' ']).is_empty());
        let text = lines.map(printable).collect::<Vec<_>>().join("; ");
        self.findings.push(Finding {
            area,
            verdict,
            text,
        });
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        for Finding {
            area,
            verdict,
            text: said,
        } in &self.findings
        {
            let colour = match verdict {
                Verdict::Ok => anstyle::AnsiColor::Green,
                Verdict::Warn => anstyle::AnsiColor::Yellow,
                Verdict::Fail => anstyle::AnsiColor::Red,
            };
            let colour = colour.on_default();
            let word = verdict.word();
            text.push_str(&format!("{area:<13}{colour}{word:<4}{colour:#}  {said}\n"));
        }
        let count = |verdict| {
            self.findings
                .iter()
                .filter(|one| one.verdict == verdict)
                .count()
        };
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        match (count(Verdict::Fail), count(Verdict::Warn)) {
            (0, 0) => text.push_str("all is in order\n"),
            (fails, warns) => text.push_str(&format!(
                "{}, {}\n",
                plural(fails, "failure"),
                plural(warns, "warning")
            )),
        }
        text
    }

    fn json(&self) -> String {
        let finding = |finding: &Finding| -> Value {
            json!({
                "area": finding.area,
                "verdict": finding.verdict.word().to_lowercase(),
                "text": finding.text,
            })
        };
        let findings: Vec<_> = self.findings.iter().map(finding).collect();
        let worst = self.worst().word().to_lowercase();
        format!(
            "{}\n",
            json!({ "v": 1, "worst": worst, "findings": findings })
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_decides_and_a_finding_is_one_line() {
        let mut report = Report::default();
        assert_eq!(report.worst(), Verdict::Ok);
        report.ok("store", "well");
        report.warn("timing", "first\n  │ second\n  = third");
        assert_eq!(report.worst(), Verdict::Warn);
        let text = anstream::adapter::strip_str(&report.text(Form::Plain)).to_string();
        let expected = "store        ok    well\ntiming       WARN  first; second; third\n0 failures, 1 warning\n";
        assert_eq!(text, expected);
        report.fail("files", "\u{1b}[2J");
        assert_eq!(report.worst(), Verdict::Fail);
        assert!(!report.text(Form::Tsv).contains('\u{1b}'));
    }
}
