use std::fmt;
use std::time::Duration;

use crate::activation::Activation;
use crate::finding::{Finding, Millis};

/// What a history shows, and what of it must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The activations, in the order of their first lines.
    pub activations: Vec<Activation>,
    /// From the end of each activation to the beginning of the next; zero where they overlap.
    pub gaps: Vec<Duration>,
    /// Whether processes of the work were looked for at the end.
    pub looked_for_survivors: bool,
    /// What must not be; empty is good.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether nothing was found.
    pub const fn holds(&self) -> bool {
        self.findings.is_empty()
    }

    /// The longest time two activations ran together.
    pub fn overlap(&self) -> Duration {
        let overlaps = self.findings.iter().filter_map(|finding| match finding {
            Finding::Overlap { by, .. } => Some(*by),
            _ => None,
        });
        overlaps.max().unwrap_or_default()
    }

    /// The verdict as one JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        let activations: Vec<_> = self
            .activations
            .iter()
            .map(|one| {
                serde_json::json!({
                    "id": one.id,
                    "term": one.term,
                    "length_ms": one.length().as_secs_f64() * 1000.0,
                    "processes": one.writers.len(),
                })
            })
            .collect();
        serde_json::json!({
            "holds": self.holds(),
            "activations": activations,
            "overlap_ms": self.overlap().as_secs_f64() * 1000.0,
            "gaps_ms": self.gaps.iter().map(|gap| gap.as_secs_f64() * 1000.0).collect::<Vec<_>>(),
            "findings": self.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.activations.iter().enumerate() {
            let term = one
                .term
                .map_or_else(|| "-".to_owned(), |term| term.to_string());
            write!(
                f,
                "{:>4}  term {term}  {}  from {} for {}, {} processes",
                index + 1,
                one.id,
                one.first,
                Millis(one.length()),
                one.writers.len()
            )?;
            match index
                .checked_sub(1)
                .and_then(|before| self.gaps.get(before))
            {
                Some(gap) => writeln!(f, ", {} after the one before", Millis(*gap))?,
                None => writeln!(f)?,
            }
        }
        let tree = match (self.looked_for_survivors, self.survivors()) {
            (false, _) => "not looked at".to_owned(),
            (true, 0) => "empty".to_owned(),
            (true, left) => format!("{left} left"),
        };
        writeln!(
            f,
            "{} activations, overlap {}, longest gap {}, tree at the end {tree}",
            self.activations.len(),
            Millis(self.overlap()),
            Millis(self.gaps.iter().max().copied().unwrap_or_default()),
        )?;
        for finding in &self.findings {
            writeln!(f, "FOUND {finding}")?;
        }
        f.write_str(if self.holds() {
            "holds"
        } else {
            "does not hold"
        })
    }
}

impl Verdict {
    fn survivors(&self) -> usize {
        let survivors = self
            .findings
            .iter()
            .filter(|finding| matches!(finding, Finding::Survivor { .. }));
        survivors.count()
    }
}
