//! The judgement: one function per thing that must not be.

use std::time::Duration;

use crate::activation::Activation;
use crate::expect::Expect;
use crate::finding::Finding;
use crate::history::History;
use crate::verdict::Verdict;

impl History {
    /// Judges this history: safety always, and what `expect` adds.
    pub fn check(&self, expect: &Expect) -> Verdict {
        let activations: Vec<_> = self.activations().into_iter().cloned().collect();
        let gaps = gaps(&activations);
        let mut findings: Vec<Finding> = self
            .broken()
            .iter()
            .map(|&line| Finding::Broken { line })
            .collect();
        findings.extend(miscounted(&activations, expect));
        findings.extend(overlaps(&activations));
        findings.extend(wrong_terms(&activations, expect.terms));
        findings.extend(silent(&activations, expect));
        findings.extend(long_gaps(&activations, &gaps, expect.longest_gap));
        let survivors = expect.survivors.iter().flatten().cloned();
        findings.extend(survivors.map(|process| Finding::Survivor { process }));
        let looked_for_survivors = expect.survivors.is_some();
        Verdict {
            activations,
            gaps,
            looked_for_survivors,
            findings,
        }
    }
}

fn miscounted(activations: &[Activation], expect: &Expect) -> Option<Finding> {
    let found = activations.len();
    let (least, most) = (*expect.activations.start(), *expect.activations.end());
    (!expect.activations.contains(&found)).then_some(Finding::Activations { found, least, most })
}

/// Every pair is looked at, not only neighbours: one that runs on may outlive several.
fn overlaps(activations: &[Activation]) -> Vec<Finding> {
    let pairs = activations.iter().enumerate().flat_map(|(index, later)| {
        activations[..index]
            .iter()
            .map(move |earlier| (earlier, later))
    });
    pairs
        .filter_map(|(earlier, later)| overlap(earlier, later))
        .collect()
}

fn overlap(earlier: &Activation, later: &Activation) -> Option<Finding> {
    if earlier.last >= later.first {
        Some(Finding::Overlap {
            earlier: earlier.id.clone(),
            later: later.id.clone(),
            by: earlier.last.min(later.last).since(later.first),
            from: later.first,
            writer: earlier.last_by,
            line: earlier.last_line,
        })
    } else {
        (earlier.last_line > later.first_line).then(|| Finding::LateLine {
            earlier: earlier.id.clone(),
            later: later.id.clone(),
            line: earlier.last_line,
        })
    }
}

fn wrong_terms(activations: &[Activation], required: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, one) in activations.iter().enumerate() {
        let activation = one.id.clone();
        let before = &activations[..index];
        let highest = before.iter().filter_map(|earlier| earlier.term).max();
        match (one.term, highest) {
            _ if one.mixed_terms => findings.push(Finding::NoTerm { activation }),
            (None, _) if required => findings.push(Finding::NoTerm { activation }),
            (Some(term), Some(highest)) if term <= highest => {
                let again = before.iter().any(|earlier| earlier.term == Some(term));
                if restarted_in_place(before.last(), one) {
                    continue;
                }
                findings.push(if again {
                    Finding::TermTwice { activation, term }
                } else {
                    Finding::TermFell {
                        activation,
                        term,
                        before: highest,
                    }
                });
            }
            _ => {}
        }
    }
    findings
}

/// A leader may start its work again in the same term, as long as nobody led in between.
fn restarted_in_place(before: Option<&Activation>, one: &Activation) -> bool {
    before.is_some_and(|before| before.term == one.term && before.instance == one.instance)
}

fn silent(activations: &[Activation], expect: &Expect) -> Vec<Finding> {
    let each = activations
        .iter()
        .flat_map(|one| expect.roles.iter().map(move |role| (one, *role)));
    each.filter(|(one, role)| !one.has(*role))
        .map(|(one, role)| Finding::Silent {
            activation: one.id.clone(),
            role,
        })
        .collect()
}

fn gaps(activations: &[Activation]) -> Vec<Duration> {
    activations
        .windows(2)
        .map(|pair| pair[1].first.since(pair[0].last))
        .collect()
}

fn long_gaps(
    activations: &[Activation],
    gaps: &[Duration],
    allowed: Option<Duration>,
) -> Vec<Finding> {
    let Some(allowed) = allowed else {
        return Vec::new();
    };
    let after_the_first = activations.iter().skip(1).zip(gaps);
    after_the_first
        .filter(|(_, gap)| **gap > allowed)
        .map(|(one, gap)| Finding::Gap {
            before: one.id.clone(),
            was: *gap,
            allowed,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::ProbeRole;

    /// Lines from `activation term at_ms pid role`, the shape in which a history is read aloud.
    fn history(lines: &[&str]) -> History {
        let mut history = History::default();
        for line in lines {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap();
            let (activation, term, at, pid, role) = (word(), word(), word(), word(), word());
            history.extend(&format!(
                "{{\"at\":{at}000000,\"pid\":{pid},\"role\":\"{role}\",\
                 \"activation\":\"{activation}\",\"term\":{term}}}\n"
            ));
        }
        history
    }

    fn findings(lines: &[&str]) -> Vec<Finding> {
        history(lines).check(&Expect::default()).findings
    }

    #[test]
    fn one_after_the_other_holds() {
        let history = history(&[
            "a/1/1 1 10 1 root",
            "a/1/1 1 15 2 escapee",
            "b/2/1 2 16 3 root",
            "b/2/2 2 30 4 root",
            "c/5/1 5 31 5 root",
        ]);
        let verdict = history.check(&Expect {
            activations: 4..=4,
            survivors: Some(Vec::new()),
            longest_gap: Some(Duration::from_millis(14)),
            ..Expect::default()
        });
        assert!(verdict.holds(), "{verdict}");
        assert_eq!(verdict.gaps, [1, 14, 1].map(Duration::from_millis));
        assert_eq!(verdict.overlap(), Duration::ZERO);
    }

    #[test]
    fn a_line_of_any_process_after_the_next_begins_is_an_overlap() {
        let found = findings(&[
            "a/1/1 1 10 1 root",
            "a/1/1 1 12 2 escapee",
            "b/2/1 2 20 3 root",
            "a/1/1 1 27 2 escapee",
            "b/2/1 2 40 3 root",
        ]);
        let [
            Finding::Overlap {
                earlier,
                later,
                by,
                line,
                ..
            },
        ] = found.as_slice()
        else {
            panic!("{found:?}");
        };
        assert_eq!((earlier.as_str(), later.as_str()), ("a/1/1", "b/2/1"));
        assert_eq!((*by, *line), (Duration::from_millis(7), 4));
    }

    #[test]
    fn one_that_runs_on_overlaps_with_all_that_follow() {
        let found = findings(&[
            "a/1/1 1 10 1 root",
            "b/2/1 2 20 2 root",
            "c/3/1 3 30 3 root",
            "a/1/1 1 40 1 root",
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_line_written_late_is_flagged_although_its_moment_is_early() {
        let found = findings(&[
            "a/1/1 1 10 1 root",
            "b/2/1 2 20 2 root",
            "a/1/1 1 19 1 root",
        ]);
        assert_eq!(
            found,
            [Finding::LateLine {
                earlier: "a/1/1".into(),
                later: "b/2/1".into(),
                line: 3
            }]
        );
    }

    #[test]
    fn a_term_issued_twice_is_flagged() {
        let twice = Finding::TermTwice {
            activation: "b/7/1".into(),
            term: 7,
        };
        assert_eq!(
            findings(&["a/7/1 7 10 1 root", "b/7/1 7 20 2 root"]),
            [twice]
        );
        let resumed = findings(&[
            "a/7/1 7 10 1 root",
            "b/8/1 8 20 2 root",
            "a/7/2 7 30 1 root",
        ]);
        assert_eq!(
            resumed,
            [Finding::TermTwice {
                activation: "a/7/2".into(),
                term: 7
            }]
        );
    }

    #[test]
    fn a_term_that_falls_is_flagged() {
        let found = findings(&["a/7/1 7 10 1 root", "b/6/1 6 20 2 root"]);
        assert_eq!(
            found,
            [Finding::TermFell {
                activation: "b/6/1".into(),
                term: 6,
                before: 7
            }]
        );
    }

    #[test]
    fn terms_mixed_or_missing_are_flagged() {
        let mixed = findings(&["a/7/1 7 10 1 root", "a/7/1 8 11 2 child"]);
        assert_eq!(
            mixed,
            [Finding::NoTerm {
                activation: "a/7/1".into()
            }]
        );
        let missing = findings(&["a/-/1 null 10 1 root"]);
        assert_eq!(
            missing,
            [Finding::NoTerm {
                activation: "a/-/1".into()
            }]
        );
    }

    #[test]
    fn what_was_expected_and_is_not_there_is_flagged() {
        let empty = History::default().check(&Expect::default());
        assert_eq!(
            empty.findings,
            [Finding::Activations {
                found: 0,
                least: 1,
                most: usize::MAX
            }]
        );
        let verdict = history(&["a/1/1 1 10 1 root", "b/2/1 2 30 2 root"]).check(&Expect {
            activations: 1..=1,
            roles: vec![ProbeRole::Root, ProbeRole::Escapee],
            longest_gap: Some(Duration::from_millis(19)),
            survivors: Some(vec!["pid 9".to_owned()]),
            ..Expect::default()
        });
        let silent = |activation: &str| Finding::Silent {
            activation: activation.into(),
            role: ProbeRole::Escapee,
        };
        assert_eq!(
            verdict.findings,
            [
                Finding::Activations {
                    found: 2,
                    least: 1,
                    most: 1
                },
                silent("a/1/1"),
                silent("b/2/1"),
                Finding::Gap {
                    before: "b/2/1".into(),
                    was: Duration::from_millis(20),
                    allowed: Duration::from_millis(19),
                },
                Finding::Survivor {
                    process: "pid 9".into()
                },
            ]
        );
    }

    #[test]
    fn torn_lines_are_flagged_and_other_programs_lines_are_not() {
        let mut history = history(&["a/1/1 1 10 1 root"]);
        history.extend("{\"event\":\"elected\",\"term\":1}\n{\"at\":12,\"pi");
        assert_eq!((history.foreign(), history.broken()), (1, [3].as_slice()));
        assert_eq!(
            history.check(&Expect::default()).findings,
            [Finding::Broken { line: 3 }]
        );
    }
}
