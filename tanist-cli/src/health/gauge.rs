use std::time::Duration;

use tanist::{Health, Moment};

use super::outcome::{Grade, Outcome};

/// How one check stands, by its last results. Pure: it is told the time.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    thresholds: Thresholds,
    level: Level,
    note: String,
    /// Failures in a row.
    failures: u32,
    /// Results in a row that are better than the level.
    better: u32,
    /// Failures before this do not count, as long as nothing else has been found.
    grace_until: Moment,
    /// When the last run began that did not fail.
    good_at: Option<Moment>,
}

/// How often something has to be found before it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    /// Better results in a row before it counts as better.
    pub(crate) rise: u32,
    /// Failures in a row before it counts as critical.
    pub(crate) fall: u32,
}

/// Where a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nothing found yet, and nothing held against it.
    Starting,
    Passing,
    Warning,
    Critical,
}

impl Level {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Passing => "passing",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    pub(super) const fn health(self) -> Health {
        match self {
            Self::Starting | Self::Passing => Health::Healthy,
            Self::Warning => Health::Warning,
            Self::Critical => Health::Critical,
        }
    }
}

impl Gauge {
    /// Of a service that starts now, and may take so long for it.
    pub(super) fn starting(thresholds: Thresholds, now: Moment, grace: Duration) -> Self {
        Self {
            thresholds,
            level: Level::Starting,
            note: String::new(),
            failures: 0,
            better: 0,
            grace_until: now + grace,
            good_at: None,
        }
    }

    /// Of something that has to be well already: the first result is believed.
    pub(super) fn unproven(thresholds: Thresholds, now: Moment) -> Self {
        Self {
            level: Level::Critical,
            note: "not checked yet".to_owned(),
            better: thresholds.rise - 1,
            ..Self::starting(thresholds, now, Duration::ZERO)
        }
    }

    /// Takes in what a run that began at `began` found at `now`; whether the level changed.
    pub(super) fn take(&mut self, began: Moment, now: Moment, outcome: &Outcome) -> bool {
        let before = self.level;
        match outcome.grade {
            Grade::Fail => self.failed(now, outcome),
            Grade::Pass | Grade::Warn => {
                self.good_at = Some(began);
                self.failures = 0;
                self.found(outcome);
            }
        }
        self.level != before
    }

    fn failed(&mut self, now: Moment, outcome: &Outcome) {
        let unproven = self.level == Level::Critical && self.good_at.is_none();
        if unproven {
            // The next good result has to rise like any other.
            outcome.note.clone_into(&mut self.note);
        }
        if self.level == Level::Starting {
            let said = Some(outcome.note.as_str()).filter(|note| !note.is_empty());
            said.unwrap_or("it failed").clone_into(&mut self.note);
        }
        self.better = 0;
        if self.level == Level::Starting && now < self.grace_until {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.thresholds.fall && self.level != Level::Critical {
            self.set(Level::Critical, outcome);
        }
    }

    fn found(&mut self, outcome: &Outcome) {
        let found = match outcome.grade {
            Grade::Pass => Level::Passing,
            Grade::Warn | Grade::Fail => Level::Warning,
        };
        if found >= self.level {
            self.better = 0;
            if found > self.level {
                self.set(found, outcome);
            }
            return;
        }
        self.better = self.better.saturating_add(1);
        if self.better >= self.thresholds.rise {
            self.set(found, outcome);
        }
    }

    fn set(&mut self, level: Level, outcome: &Outcome) {
        self.level = level;
        self.better = 0;
        outcome.note.clone_into(&mut self.note);
    }

    pub(super) const fn level(&self) -> Level {
        self.level
    }

    /// Why it stands so, as it was found when it came to this; while it starts, as it was found last.
    pub(super) fn note(&self) -> &str {
        &self.note
    }

    /// Until when the check vouches for what it checks: so long `within` its last run that did not
    /// fail. While it starts, as long as that may take.
    pub(super) fn vouches_until(&self, within: Duration) -> Moment {
        match self.good_at {
            Some(at) => at + within,
            None => self.grace_until + within,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { rise: 2, fall: 3 };
    const GRACE: Duration = Duration::from_secs(30);

    fn at(secs: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(secs))
    }

    /// The levels after each result, one a second from `from` on.
    fn levels(gauge: &mut Gauge, from: u64, results: &str) -> String {
        let mut levels = String::new();
        for (second, result) in (from..).zip(results.chars()) {
            let grade = match result {
                '+' => Grade::Pass,
                '~' => Grade::Warn,
                _ => Grade::Fail,
            };
            let before = gauge.level();
            let note = format!("{result} at {second}");
            let changed = gauge.take(at(second), at(second), &Outcome::new(grade, note));
            assert_eq!(changed, gauge.level() != before);
            levels.push(match gauge.level() {
                Level::Starting => '?',
                Level::Passing => '+',
                Level::Warning => '~',
                Level::Critical => '-',
            });
        }
        levels
    }

    #[test]
    fn failures_count_in_a_row_and_so_do_better_results() {
        let mut gauge = Gauge::starting(THRESHOLDS, at(0), Duration::ZERO);
        assert_eq!(levels(&mut gauge, 0, "+--+---+-++"), "++++++----+");
    }

    #[test]
    fn a_warning_shows_at_once_and_goes_like_everything_worse() {
        let mut gauge = Gauge::starting(THRESHOLDS, at(0), Duration::ZERO);
        assert_eq!(levels(&mut gauge, 0, "+~+~++---~~+~++"), "+~~~~+++--~~~~+");
    }

    #[test]
    fn in_the_grace_failures_do_not_count_until_it_is_over_or_something_passed() {
        let mut gauge = Gauge::starting(THRESHOLDS, at(0), GRACE);
        assert_eq!(levels(&mut gauge, 20, "----------"), "??????????");
        assert_eq!(levels(&mut gauge, 30, "---"), "??-");
        let mut gauge = Gauge::starting(THRESHOLDS, at(0), GRACE);
        assert_eq!(levels(&mut gauge, 1, "--+---"), "??+++-");
        let mut gauge = Gauge::starting(THRESHOLDS, at(0), GRACE);
        assert_eq!(levels(&mut gauge, 1, "-~"), "?~");
    }

    #[test]
    fn what_has_to_be_well_already_is_believed_with_its_first_result() {
        let unproven = || Gauge::unproven(THRESHOLDS, at(0));
        assert_eq!(levels(&mut unproven(), 0, "+-"), "++");
        assert_eq!(levels(&mut unproven(), 0, "~"), "~");
        let mut ill = unproven();
        assert_eq!(ill.note(), "not checked yet");
        assert_eq!(levels(&mut ill, 0, "-++"), "--+");
        let mut ill = unproven();
        levels(&mut ill, 0, "-");
        assert_eq!(ill.note(), "- at 0");
    }

    #[test]
    fn a_check_vouches_for_a_while_after_it_began_to_pass_last() {
        let within = Duration::from_secs(5);
        let mut gauge = Gauge::starting(THRESHOLDS, at(0), GRACE);
        assert_eq!(gauge.vouches_until(within), at(35));
        gauge.take(at(3), at(4), &Outcome::pass());
        assert_eq!(gauge.vouches_until(within), at(8));
        gauge.take(at(6), at(7), &Outcome::fail(""));
        assert_eq!(gauge.vouches_until(within), at(8));
    }
}
