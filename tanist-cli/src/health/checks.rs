use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use tanist::{Health, Moment};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::Probe;
use super::address::Lookup;
use super::exec::Commands;
use super::gauge::{Gauge, Level};
use super::outcome::Outcome;
use super::pulse::Pulse;
use crate::guard::GuardSpec;
use crate::log::{Level as Weight, LogLine};
use crate::settings::{HealthSettings, NamedCheck};
use crate::span::{Span, wall_clock};

/// All checks of this node: those of the service run while its child runs, those of the node always.
#[derive(Debug)]
pub(crate) struct Checks {
    settings: HealthSettings,
    commands: Commands,
    gauges: Vec<Gauge>,
    /// What the service says of itself.
    pulse: Pulse,
    /// The one of each check, while it runs.
    rounds: Vec<Option<Round>>,
    /// From when on failures of the service count, for people; empty if they always do.
    counts_from: String,
    /// How many rounds have begun, so that a late result is known for what it is.
    begun: u64,
    tell: mpsc::Sender<Found>,
    told: mpsc::Receiver<Found>,
}

/// What was heard of one run.
#[derive(Debug)]
pub(crate) struct Heard {
    /// What to say of it.
    pub(crate) line: LogLine,
}

/// One check at work; it ends with this.
#[derive(Debug)]
struct Round {
    number: u64,
    task: JoinHandle<()>,
}

/// What one run found.
#[derive(Debug)]
struct Found {
    check: usize,
    round: u64,
    began: Moment,
    outcome: Outcome,
}

type Env = Arc<[(OsString, OsString)]>;

impl Checks {
    /// Begins with those of the node. `child` says as whom, where and with what environment commands
    /// are run, `env` what is added for those of the node.
    pub(crate) fn start(
        settings: HealthSettings,
        child: &GuardSpec,
        env: Vec<(OsString, OsString)>,
    ) -> Self {
        let now = tanist::clock::now().at;
        let thresholds = settings.thresholds;
        let gauge = |check: &NamedCheck| {
            if check.of_node {
                Gauge::unproven(thresholds, now)
            } else {
                Gauge::starting(thresholds, now, Duration::ZERO)
            }
        };
        // Enough that no check waits for another; each has one run under way at a time.
        let (tell, told) = mpsc::channel(settings.checks.len().max(1));
        let mut this = Self {
            commands: Commands::new(child, settings.timeout),
            gauges: settings.checks.iter().map(gauge).collect(),
            rounds: settings.checks.iter().map(|_| None).collect(),
            begun: 0,
            counts_from: String::new(),
            pulse: Pulse::default(),
            settings,
            tell,
            told,
        };
        this.begin(true, &env.into());
        this
    }

    /// The child runs: its checks begin, with `env` added to what their commands find.
    pub(crate) fn child_runs(&mut self, env: Vec<(OsString, OsString)>) {
        let now = tanist::clock::now().at;
        let settings = &self.settings;
        self.pulse.forget();
        if !settings.start_grace.is_zero() {
            let from = wall_clock(settings.start_grace);
            self.counts_from = format!("; counts from {from} on");
        }
        for (check, gauge) in settings.checks.iter().zip(&mut self.gauges) {
            if !check.of_node {
                *gauge = Gauge::starting(settings.thresholds, now, settings.start_grace);
            }
        }
        self.begin(false, &env.into());
    }

    /// The child has ended, or is told to: what is found of it from now on says nothing.
    pub(crate) fn child_ends(&mut self) {
        for (check, round) in self.settings.checks.iter().zip(&mut self.rounds) {
            if !check.of_node {
                *round = None;
            }
        }
    }

    /// The service says that it makes progress.
    pub(crate) fn alive(&self) {
        self.pulse.alive(tanist::clock::now().at);
    }

    /// The service says that it is stuck.
    pub(crate) fn stuck(&self) {
        self.pulse.stuck();
    }

    /// How often the service has to say that it makes progress, if that is checked.
    pub(crate) fn listen_every(&self) -> Option<Duration> {
        let settings = &self.settings;
        let mut checks = settings.checks.iter();
        let listens = checks.any(|check| check.probe == Probe::Notify);
        listens.then(|| settings.interval + settings.timeout)
    }

    /// What the next run found. Cancel safe; without checks it never resolves.
    pub(crate) async fn next(&mut self) -> Heard {
        loop {
            let Some(found) = self.told.recv().await else {
                return std::future::pending().await;
            };
            let round = self.rounds[found.check].as_ref();
            if round.is_some_and(|round| round.number == found.round) {
                return self.take(&found);
            }
        }
    }

    fn take(&mut self, found: &Found) -> Heard {
        let name = &self.settings.checks[found.check].name;
        let gauge = &mut self.gauges[found.check];
        let before = gauge.level();
        let now = tanist::clock::now().at;
        let changed = gauge.take(found.began, now, &found.outcome);
        let (level, note) = (gauge.level(), found.outcome.note.as_str());
        let weight = match level {
            _ if !changed => Weight::Debug,
            level if level > before && level > Level::Passing => Weight::Warn,
            _ => Weight::Info,
        };
        let dash = if note.is_empty() { "" } else { ": " };
        let grade = format!("{:?}", found.outcome.grade).to_lowercase();
        let text = if changed {
            format!("{name} is {}{dash}{note}", level.word())
        } else {
            format!("{name}: {grade}, still {}{dash}{note}", level.word())
        };
        let line = LogLine::new(weight, "health", text)
            .with("check", name.as_str())
            .with("found", grade)
            .with("health", level.word());
        Heard { line }
    }

    /// The worst of all that are at work, and why.
    pub(crate) fn health(&self) -> (Health, String) {
        let worst = self.standing(|_| true);
        worst.map_or((Health::Healthy, String::new()), |(name, gauge)| {
            let health = gauge.level().health();
            let note = match (health, gauge.note()) {
                (Health::Healthy, _) => self.unproven(),
                (_, "") => name.to_owned(),
                (_, note) => format!("{name}: {note}"),
            };
            (health, note)
        })
    }

    /// What has not passed since the child runs, if anything; of several the first.
    fn unproven(&self) -> String {
        let at_work = self.settings.checks.iter().zip(&self.gauges);
        let mut at_work = at_work.zip(&self.rounds);
        let first =
            at_work.find(|((_, gauge), round)| round.is_some() && gauge.level() == Level::Starting);
        first.map_or_else(String::new, |((check, gauge), _)| {
            match (check.name.as_str(), gauge.note()) {
                (name, "") => format!("{name}: not checked yet"),
                (name, note) => format!("{name}: fails so far: {note}{}", self.counts_from),
            }
        })
    }

    /// Why the service is critical, if a check of the service says so.
    pub(crate) fn failure(&self) -> Option<String> {
        let (name, gauge) = self.standing(|check| !check.of_node)?;
        let is_critical = gauge.level() == Level::Critical;
        is_critical.then(|| format!("{name}: {}", gauge.note()))
    }

    /// The worst of those at work.
    fn standing(&self, of: impl Fn(&NamedCheck) -> bool) -> Option<(&str, &Gauge)> {
        let at_work = self.settings.checks.iter().zip(&self.gauges);
        let at_work = at_work
            .zip(&self.rounds)
            .filter(|(_, round)| round.is_some());
        let named = at_work.filter(|((check, _), _)| of(check));
        // Of equals the first one: it was named first.
        named
            .map(|((check, gauge), _)| (check.name.as_str(), gauge))
            .reduce(|worst, next| {
                if next.1.level() > worst.1.level() {
                    next
                } else {
                    worst
                }
            })
    }

    /// Until when the checks vouch for the work: the least any of them does. `None` where nobody
    /// asked for it, or nothing is checked now.
    pub(crate) fn vouched_until(&self) -> Option<Moment> {
        let within = self.settings.renew_needs_health?;
        let at_work = self.gauges.iter().zip(&self.rounds);
        let at_work = at_work.filter(|(_, round)| round.is_some());
        at_work.map(|(gauge, _)| gauge.vouches_until(within)).min()
    }

    /// Whether renewals go out only while the checks vouch for the work.
    pub(crate) const fn are_needed(&self) -> bool {
        self.settings.renew_needs_health.is_some()
    }

    fn begin(&mut self, of_node: bool, env: &Env) {
        for (index, check) in self.settings.checks.iter().enumerate() {
            if check.of_node != of_node {
                continue;
            }
            self.begun += 1;
            let number = self.begun;
            let tell = self.tell.clone();
            let runner = Runner {
                probe: check.probe.clone(),
                commands: self.commands.clone(),
                timeout: self.settings.timeout,
                interval: self.settings.interval,
                pulse: self.pulse.clone(),
                lookup: Lookup::default(),
                env: named(env, &check.name),
            };
            let every = self.settings.interval;
            let task = tokio::spawn(async move {
                let mut due = tokio::time::interval(every);
                due.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    due.tick().await;
                    let began = runner.begins();
                    let outcome = runner.run().await;
                    let found = Found {
                        check: index,
                        round: number,
                        began,
                        outcome,
                    };
                    if tell.send(found).await.is_err() {
                        return;
                    }
                }
            });
            self.rounds[index] = Some(Round { number, task });
        }
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        // A command under way dies with its guard's line.
        self.task.abort();
    }
}

fn named(env: &Env, name: &str) -> Env {
    let own = ("TANIST_CHECK".into(), name.into());
    env.iter().cloned().chain([own]).collect()
}

/// Runs one check.
struct Runner {
    probe: Probe,
    commands: Commands,
    timeout: Duration,
    interval: Duration,
    pulse: Pulse,
    lookup: Lookup,
    env: Env,
}

impl Runner {
    /// From when on a run that begins now tells.
    fn begins(&self) -> Moment {
        let heard = self
            .pulse
            .alive_at()
            .filter(|_| self.probe == Probe::Notify);
        heard.unwrap_or_else(|| tanist::clock::now().at)
    }

    async fn run(&self) -> Outcome {
        match &self.probe {
            Probe::Exec(command) => self.commands.run(command, &self.env).await,
            Probe::Http(target) => self.in_time(target.ask(&self.lookup)).await,
            Probe::Notify => {
                let now = tanist::clock::now().at;
                self.pulse.outcome(now, self.interval + self.timeout)
            }
            Probe::Tcp(address) => {
                let connect = async {
                    match address.connect(&self.lookup).await {
                        Ok(_) => Outcome::pass(),
                        Err(error) => Outcome::fail(error.to_string()),
                    }
                };
                self.in_time(connect).await
            }
        }
    }

    async fn in_time(&self, run: impl Future<Output = Outcome>) -> Outcome {
        let late = |_| Outcome::fail(format!("no answer within {}", Span(self.timeout)));
        tokio::time::timeout(self.timeout, run)
            .await
            .unwrap_or_else(late)
    }
}
