use std::time::Duration;

use super::Layers;
use crate::args::HealthArgs;
use crate::health::{Check, Probe, Thresholds};
use crate::problem::Problem;
use crate::span::Span;

/// Whether the service and the node are well.
#[derive(Clone, Debug)]
pub(crate) struct HealthSettings {
    /// What is checked.
    pub(crate) checks: Vec<NamedCheck>,
    /// How often.
    pub(crate) interval: Duration,
    /// When one counts as failed.
    pub(crate) timeout: Duration,
    /// When a result is believed.
    pub(crate) thresholds: Thresholds,
    /// How long a child may take to become well.
    pub(crate) start_grace: Duration,
    /// Renew only within this span after every check has passed last.
    pub(crate) renew_needs_health: Option<Duration>,
}

/// A check that no other is called like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedCheck {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) probe: Probe,
    /// Whether it is of the node, and runs always.
    pub(crate) of_node: bool,
}

impl HealthSettings {
    /// How often where nobody says.
    pub(super) const INTERVAL: Duration = Duration::from_secs(2);
    /// The time-out where nobody says.
    pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
    /// The grace where nobody says.
    pub(super) const START_GRACE: Duration = Duration::from_secs(30);
    /// The thresholds where nobody says.
    pub(super) const THRESHOLDS: Thresholds = Thresholds { rise: 2, fall: 3 };
    /// More often than this nothing is checked.
    const SHORTEST: Duration = Duration::from_millis(20);

    pub(super) fn resolve(layers: Layers<'_>, args: HealthArgs) -> Result<Self, Problem> {
        let span = |given: Option<Span>, default| given.map_or(default, |Span(span)| span);
        let of_service = args.health.into_iter().map(|check| (check, false));
        let of_node = args.health_standby.into_iter().map(|check| (check, true));
        let this = Self {
            checks: named(of_service.chain(of_node))?,
            interval: span(args.health_interval, Self::INTERVAL),
            timeout: span(args.health_timeout, Self::TIMEOUT),
            thresholds: Thresholds {
                rise: args.health_rise.unwrap_or(Self::THRESHOLDS.rise),
                fall: args.health_fall.unwrap_or(Self::THRESHOLDS.fall),
            },
            start_grace: span(args.health_start_grace, Self::START_GRACE),
            renew_needs_health: args.renew_needs_health.map(|Span(span)| span),
        };
        let of_the_service = |check: &&NamedCheck| check.of_node && check.probe == Probe::Notify;
        if let Some(check) = this.checks.iter().find(of_the_service) {
            let what = format!("{} is no check of a node", check.name);
            return Err(Problem::usage("health::of-service", what)
                .because("notify listens to the service, and a standby runs none")
                .next("give it with --health"));
        }
        this.check(layers)?;
        Ok(this)
    }

    /// Whether it can be kept.
    fn check(&self, layers: Layers<'_>) -> Result<(), Problem> {
        for (id, span) in [
            ("health_interval", self.interval),
            ("health_timeout", self.timeout),
        ] {
            if span < Self::SHORTEST {
                return Err(too_short(layers, id, span, Self::SHORTEST));
            }
        }
        let Some(within) = self.renew_needs_health else {
            return Ok(());
        };
        let id = "renew_needs_health";
        if self.checks.is_empty() {
            let what = "--renew-needs-health has nothing to go by";
            return Err(Problem::usage("health::none", what)
                .set_by(&layers.source(id))
                .because("no check is given, so none can ever pass")
                .next("add one with --health, or leave it out"));
        }
        let least = self.interval + self.timeout;
        if within < least {
            let why = "between two results of one check that is well lie up to one interval and \
                       one time-out";
            return Err(too_short(layers, id, within, least).because(why));
        }
        Ok(())
    }
}

fn too_short(layers: Layers<'_>, id: &str, span: Duration, least: Duration) -> Problem {
    let flag = id.replace('_', "-");
    let what = format!("--{flag} {} cannot be kept", Span(span));
    Problem::usage("health::too-short", what)
        .set_by(&layers.source(id))
        .next(format_args!(
            "write at least --{flag} {}",
            Span(least).exact()
        ))
}

/// Gives those that nobody named names of their own.
fn named(checks: impl Iterator<Item = (Check, bool)>) -> Result<Vec<NamedCheck>, Problem> {
    let mut checks: Vec<_> = checks.collect();
    let taken = |checks: &[(Check, bool)], index: usize, name: &str| {
        let mut others = checks.iter().enumerate();
        others.any(|(other, (check, _))| {
            let settled = check.named || other < index;
            other != index && settled && check.name == name
        })
    };
    for index in 0..checks.len() {
        let (check, _) = &checks[index];
        let wanted = check.name.clone();
        if !taken(&checks, index, &wanted) {
            continue;
        }
        if check.named {
            let what = format!("two checks are called {wanted}");
            return Err(Problem::usage("health::name", what)
                .because("logs and status tell checks apart by their names")
                .next("give each its own: --health NAME=CHECK"));
        }
        let free = (2_u32..).map(|number| format!("{wanted}-{number}"));
        let free = free.into_iter().find(|name| !taken(&checks, index, name));
        checks[index].0.name = free.unwrap_or(wanted);
    }
    let named = checks.into_iter().map(|(check, of_node)| NamedCheck {
        name: check.name,
        probe: check.probe,
        of_node,
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Result<Vec<String>, Problem> {
        let checks = texts.iter().map(|text| (text.parse().unwrap(), false));
        Ok(named(checks)?.into_iter().map(|check| check.name).collect())
    }

    #[test]
    fn checks_that_nobody_named_get_names_of_their_own() {
        let checks = [
            "http://a/",
            "http://b/",
            "http-2=http://c/",
            "exec:a",
            "x=exec:a",
        ];
        assert_eq!(
            names(&checks).unwrap(),
            ["http", "http-3", "http-2", "a", "x"]
        );
    }

    #[test]
    fn a_name_that_was_given_twice_is_refused() {
        let refused = names(&["a=exec:x", "a=exec:y"]).unwrap_err().to_string();
        assert!(refused.contains("two checks are called a"), "{refused}");
        assert_eq!(names(&["exec:a", "a=exec:y"]).unwrap(), ["a-2", "a"]);
    }
}
