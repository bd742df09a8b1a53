use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

/// What the work of all nodes wrote, and whether that is as it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    activations: Vec<Activation>,
    /// Lines that nobody wrote whole.
    broken: usize,
}

/// One start of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Activation {
    id: String,
    term: u64,
    /// When its first line was written, and which line that is.
    first: (u64, usize),
    last: (u64, usize),
}

/// Spans without any work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    pub(super) least: Duration,
    pub(super) median: Duration,
    pub(super) most: Duration,
}

#[derive(Deserialize)]
struct Line {
    at: u64,
    activation: String,
    term: u64,
}

impl History {
    /// Reads the file of the work.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Ok(Self::parse(&String::from_utf8_lossy(&std::fs::read(path)?)))
    }

    fn parse(text: &str) -> Self {
        let mut this = Self::default();
        for (number, line) in text.lines().enumerate() {
            let Ok(Line {
                at,
                activation,
                term,
            }) = serde_json::from_str(line)
            else {
                this.broken += 1;
                continue;
            };
            let known = this.activations.iter_mut().find(|one| one.id == activation);
            match known {
                Some(one) => {
                    one.first.0 = one.first.0.min(at);
                    one.last = (one.last.0.max(at), number);
                }
                None => this.activations.push(Activation {
                    id: activation,
                    term,
                    first: (at, number),
                    last: (at, number),
                }),
            }
        }
        this.activations.sort_by_key(|one| one.first);
        this
    }

    /// Whether anybody ever worked.
    pub(super) const fn shows_work(&self) -> bool {
        !self.activations.is_empty()
    }

    /// How often the work passed on.
    pub(super) fn hand_overs(&self) -> usize {
        self.activations.len().saturating_sub(1)
    }

    /// How many pairs were at work at the same time. Not only neighbours are looked at: one that
    /// runs on may outlive several.
    pub(super) fn overlaps(&self) -> usize {
        let pairs = self
            .activations
            .iter()
            .enumerate()
            .flat_map(|(index, later)| {
                let earlier = &self.activations[..index];
                earlier.iter().map(move |earlier| (earlier, later))
            });
        // A line that was written late shows its writer alive, whatever time it names.
        pairs
            .filter(|(earlier, later)| {
                earlier.last.0 >= later.first.0 || earlier.last.1 > later.first.1
            })
            .count()
    }

    /// How many terms are not greater than the one before.
    pub(super) fn terms_that_did_not_rise(&self) -> usize {
        let pairs = self.activations.windows(2);
        pairs.filter(|pair| pair[1].term <= pair[0].term).count()
    }

    /// Lines that nobody wrote whole.
    pub(super) const fn broken(&self) -> usize {
        self.broken
    }

    /// Whether never two were at work, terms rose, and every line can be trusted.
    pub(super) fn is_well(&self) -> bool {
        self.overlaps() == 0 && self.terms_that_did_not_rise() == 0 && self.broken == 0
    }

    /// The spans without work between two activations; `None` where there were not two.
    pub(super) fn gaps(&self) -> Option<Gaps> {
        let pairs = self.activations.windows(2);
        let mut gaps: Vec<_> = pairs
            .map(|pair| Duration::from_nanos(pair[1].first.0.saturating_sub(pair[0].last.0)))
            .collect();
        gaps.sort_unstable();
        Some(Gaps {
            least: *gaps.first()?,
            median: *gaps.get(gaps.len() / 2)?,
            most: *gaps.last()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(lines: &[(u64, &str, u64)]) -> History {
        let lines = lines.iter().map(|(at, activation, term)| {
            format!("{{\"at\":{at},\"activation\":\"{activation}\",\"term\":{term},\"what\":\"beat\"}}\n")
        });
        History::parse(&lines.collect::<String>())
    }

    #[test]
    fn one_after_the_other_is_well() {
        let well = history(&[
            (1, "a", 5),
            (4, "a", 5),
            (10, "b", 6),
            (11, "b", 6),
            (31, "a2", 7),
        ]);
        assert!(well.is_well());
        assert_eq!((well.hand_overs(), well.overlaps()), (2, 0));
        let gaps = well.gaps().unwrap();
        assert_eq!(gaps.least, Duration::from_nanos(6));
        assert_eq!(gaps.most, Duration::from_nanos(20));
        assert_eq!(History::default().gaps(), None);
    }

    #[test]
    fn what_must_not_be_is_found() {
        let both = history(&[(1, "a", 5), (10, "b", 6), (10, "a", 5), (12, "b", 6)]);
        assert_eq!((both.overlaps(), both.is_well()), (1, false));
        // Outlives not its neighbour only.
        let long = history(&[
            (1, "a", 5),
            (2, "b", 6),
            (3, "b", 6),
            (4, "c", 7),
            (9, "a", 5),
        ]);
        assert_eq!(long.overlaps(), 2);
        // Named an earlier time, and was written after the other had begun.
        let late = history(&[(1, "a", 5), (10, "b", 6), (2, "a", 5)]);
        assert_eq!(late.overlaps(), 1);
        let fell = history(&[(1, "a", 5), (2, "b", 5)]);
        assert_eq!((fell.terms_that_did_not_rise(), fell.is_well()), (1, false));
        let torn = History::parse("{\"at\":1,\"activation\":\"a\",\"term\":5}\n{\"at\":2,\"act\n");
        assert_eq!((torn.broken(), torn.is_well()), (1, false));
    }
}
