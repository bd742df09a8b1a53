//! The supervisor: stands by, leads, and decides what an ended child means.
//!
//! It talks to the store and to people. The guard holds the deadline and the child, so whatever
//! happens in here, the work ends in time.

mod command_path;
mod desk;
mod environment;
mod hooks;
mod leading;
mod leftovers;
mod mandate;
mod news;
mod next_guard;
mod policy;
mod ready;
mod restart;
mod role_file;
mod role_files;
mod run_files;
mod signals;
mod silence;
mod standby;
mod strangers;
mod tenure;
mod unwell;

use std::os::unix::fs::MetadataExt;

use tanist::{Campaign, CampaignSettings, Moment, Session, SessionSettings, Status};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::exit::{Code, Exit};
use crate::guard::{Containment, Guard, GuardError, GuardReport, GuardSpec};
use crate::health::Checks;
use crate::log::{Level, Log, LogLine};
use crate::notify::{ChildSocket, ServiceManager};
use crate::problem::Problem;
use crate::settings::{RunSettings, Source};
use crate::span::Span;
use desk::Desk;
use hooks::Hooks;
use news::News;
use policy::Policy;
use run_files::{RunFiles, private_dir};
use signals::{Signals, Told};
use strangers::Strangers;

pub(crate) use command_path::resolve as resolve_command;
pub(crate) use environment::{MANDATE, RunsAs, base as base_environment, is_ours};
pub(crate) use hooks::resolve_hooks;
pub(crate) use run_files::stem_of;

/// One `tanist run`, from standing in the line to its exit code.
pub(crate) struct Supervisor {
    settings: RunSettings,
    log: Log,
    signals: Signals,
    policy: Policy,
    /// Drawn anew at each start, for waits that must not fall together with those of others.
    seed: u64,
    desk: Desk,
    child_socket: ChildSocket,
    spec: GuardSpec,
    session: Session,
    /// `None` once we are leaving.
    campaign: Option<Campaign>,
    leaving: Option<JoinHandle<()>>,
    status: watch::Receiver<Status>,
    news: News,
    checks: Checks,
    hooks: Hooks,
    out: Out,
    /// We lead, and our child has still to say that it serves.
    starting: bool,
    /// Why we stay out, for people.
    out_because: String,
    /// The names in the run directory, kept for as long as we live.
    files: RunFiles,
    _strangers: Strangers,
}

/// Whether this node stays out of the election for its child's sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    No,
    Until(Moment),
    Parked,
}

impl Supervisor {
    /// Makes everything ready, then stands in the line. What fails, fails before that.
    ///
    /// # Errors
    ///
    /// What is wrong, with the exit code to end with.
    pub(crate) async fn start(
        mut settings: RunSettings,
        spec: GuardSpec,
        log: Log,
    ) -> Result<(Self, Guard), Problem> {
        let signals = Signals::catch().map_err(|error| {
            Problem::new(Code::OsError, "system::signals", "signals cannot be caught")
                .because(error)
        })?;
        let strangers = Strangers::reap().map_err(|error| {
            Problem::new(Code::OsError, "system::signals", "SIGCHLD cannot be caught")
                .because(error)
        })?;
        let place = &settings.place;
        private_dir("run", &place.run_dir.value, &place.run_dir.source)?;
        // One that was named is meant to be in force; the default place is only better than none.
        if let (Some(dir), source) = (&place.state_dir.value, &place.state_dir.source)
            && *source != Source::Default
        {
            private_dir("state", dir, source)?;
        }
        let election = settings.election.value.clone();
        let files = RunFiles::take(&place.run_dir, &election, &settings.node)?;
        tell_name(&log, &settings, &files);
        tell_memory(&log, &settings);
        settings.node.value.clone_from(&files.node);
        log.name(&election, &files.node);
        let guard = prepare(&spec).await?;
        let target = &settings.place.target;
        let session = Session::open(&target.value, SessionSettings::for_timing(&settings.timing))
            .await
            .map_err(|error| Problem::of(error).set_by(&target.source))?;
        let campaign = session.campaign(contest(&settings)).await?;
        let (kind, location) = session.location();
        let status = campaign.watch();
        let news = News::of(&campaign, &election, location.clone());
        log.say(standing(
            &settings,
            &campaign,
            (kind, location),
            guard.containment(),
        ));
        let manager = ServiceManager::of_environment(campaign.pulse());
        let desk = Desk::open(&settings, &files, campaign.instance(), manager, &log);
        let child_socket = child_socket(&election, &campaign, &files, &log);
        let hooks = Hooks::open(&settings, &desk, &campaign, &log);
        let seed = seed_of(&campaign);
        let env = environment::mandated(&environment::Mandate::of_node(&settings));
        let checks = Checks::start(settings.health.clone(), &spec, env);
        let policy = Policy::new(settings.policy.clone(), settings.once, seed);
        let mut this = Self {
            settings,
            log,
            signals,
            policy,
            seed,
            desk,
            child_socket,
            spec,
            session,
            campaign: Some(campaign),
            leaving: None,
            status,
            news,
            checks,
            hooks,
            out: Out::No,
            starting: false,
            out_because: String::new(),
            files,
            _strangers: strangers,
        };
        this.stands();
        Ok((this, guard))
    }

    /// Shows how this node is, now that it is in the election.
    fn stands(&mut self) {
        self.desk.waits_ready(self.waits_for_ready());
        self.vouch();
        self.show_health();
        self.desk.stands();
    }

    /// Stands by and leads, again and again, until there is an exit code.
    pub(crate) async fn run(mut self, guard: Guard) -> Exit {
        let mut guard = guard;
        let exit = loop {
            let lead = match self.stand_by(&mut guard).await {
                Ok(lead) => lead,
                Err(exit) => {
                    self.let_go(&mut guard).await;
                    break exit;
                }
            };
            if let Some(exit) = self.lead(lead, guard).await {
                break exit;
            }
            guard = match prepare(&self.spec).await {
                Ok(next) => next,
                Err(problem) => {
                    self.log
                        .say(LogLine::new(Level::Error, "error", problem.to_string()));
                    break problem.exit();
                }
            };
        };
        self.finish(exit).await
    }

    /// Leaves the election. A second signal cuts it short: the guard's release is as good.
    async fn finish(mut self, exit: Exit) -> Exit {
        self.leave();
        let Self {
            session,
            leaving,
            mut signals,
            mut desk,
            files,
            child_socket,
            hooks,
            ..
        } = self;
        let gone = async {
            if let Some(leaving) = leaving {
                // It fails only with the runtime.
                let _ = leaving.await;
            }
            session.close().await;
            // Who was told twice to stop waits for no hook.
            if !exit.is_interrupted() {
                hooks.close().await;
            }
        };
        let exit = tokio::select! {
            () = gone => exit,
            signal = stop_signal(&mut signals) => signal,
            // It answers, and signs of life go on.
            () = refuse_all(&mut desk) => exit,
        };
        drop(desk);
        drop(child_socket);
        drop(files);
        exit
    }

    /// Begins to leave the election; the core ends a leadership first.
    fn leave(&mut self) {
        if let Some(campaign) = self.campaign.take() {
            let timing = &self.settings.timing;
            // The child's stop, its kill, and the withdrawal with every try.
            let within = timing.stop_timeout() + timing.kill_time() + timing.session_ttl();
            let hooks = self.hooks.last_ones();
            self.desk.leaves(within + timing.lease() * 2 + hooks);
            self.leaving = Some(tokio::spawn(campaign.close()));
        }
    }

    /// Says why what a guard kept is not gone yet, if that is what the report says.
    fn tell_trouble(&self, report: &GuardReport) {
        let line = match report {
            GuardReport::Lingering { processes } => LogLine::warn(
                "lingering",
                format!(
                    "{processes} processes outlive their kill; this node waits until they are gone"
                ),
            ),
            GuardReport::Hindered { why } => LogLine::warn(
                "hindered",
                format!(
                    "what is left of the child cannot be seen whole ({why}); this node tries \
                     again until it can, and until nothing is left"
                ),
            ),
            _ => return,
        };
        self.log.say(line);
    }
}

/// Where the child speaks to us. It can do without.
fn child_socket(election: &str, campaign: &Campaign, files: &RunFiles, log: &Log) -> ChildSocket {
    // Root's child may be another's, or become it, and then has no way into our directory.
    let may_change = rustix::process::geteuid().is_root();
    // The child starts in a directory of its own.
    let own = std::path::absolute(&files.notify).ok();
    let own = own.filter(|_| !may_change);
    ChildSocket::open(election, campaign.instance(), own.as_deref()).unwrap_or_else(|error| {
        let text = format!("the child cannot tell us that it is ready: {error}");
        log.say(LogLine::warn("notify", text));
        ChildSocket::none()
    })
}

/// Where this node stands and what holds it together.
fn standing(
    settings: &RunSettings,
    campaign: &Campaign,
    (kind, location): (&str, String),
    containment: &Containment,
) -> LogLine {
    let text = format!(
        "election {}, node {}, store {kind} {location}, lease {}, tree held by {containment}",
        settings.election.value,
        settings.node.value,
        Span(settings.timing.lease()),
    );
    let line = LogLine::info("standing", text)
        .with("instance", campaign.instance().to_string())
        .with("contain", containment.name());
    // Of two places with one name, in two mount namespaces, this is what differs.
    let line = match std::fs::metadata(&location) {
        Ok(is) => line.with("inode", format!("{}:{}", is.dev(), is.ino())),
        Err(_) => line,
    };
    line.with("store", location)
}

/// Said once: the term still rises, but with one leg less to stand on.
fn tell_memory(log: &Log, settings: &RunSettings) {
    if settings.place.state_dir.value.is_none() {
        let text = "no state directory, since neither XDG_STATE_HOME nor HOME is set: across a \
                    restored store terms rise only by the wall clock; name one with --state-dir";
        log.say(LogLine::warn("memory", text));
    }
}

/// Starts the next guard, so that nothing has to be started when the election is won.
async fn prepare(spec: &GuardSpec) -> Result<Guard, Problem> {
    Guard::spawn(spec).await.map_err(|error| {
        let problem = match &error {
            GuardError::Refused(why) => Problem::new(
                Code::OsError,
                "guard::refused",
                "the child cannot be guarded",
            )
            .because(why),
            GuardError::TooLarge { .. } | GuardError::System { .. } => {
                Problem::new(Code::OsError, "guard::system", "no guard can be started")
                    .because(&error)
            }
        };
        problem.next("nothing was started, and this node does not lead")
    })
}

async fn stop_signal(signals: &mut Signals) -> Exit {
    loop {
        if let Told::Stop(signal) = signals.next().await {
            return Exit::interrupted(signal.number());
        }
    }
}

async fn refuse_all(desk: &mut Desk) {
    loop {
        let instruction = desk.next().await;
        let refusal = Err("this node is leaving the election".to_owned());
        // The client may have gone.
        let _ = instruction.answer.send(refusal);
    }
}

fn contest(settings: &RunSettings) -> CampaignSettings {
    CampaignSettings {
        election: settings.election.value.clone(),
        node: settings.node.value.clone(),
        address: settings.address.value.clone(),
        priority: settings.priority.value,
        timing: settings.timing,
        state_dir: settings.place.state_dir.value.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Restarts of several nodes must not fall together, so each start draws its own waits.
fn seed_of(campaign: &Campaign) -> u64 {
    let digits = campaign.instance().to_string();
    u64::from_str_radix(&digits[..16], 16).unwrap_or_default()
}

fn tell_name(log: &Log, settings: &RunSettings, files: &RunFiles) {
    let wanted = &settings.node.value;
    if files.taken && files.node == *wanted {
        let text = format!("another process here calls itself {wanted} in this election");
        log.say(LogLine::warn("name", text));
    } else if files.taken {
        let text = format!(
            "{wanted} is taken on this machine, so this is {}",
            files.node
        );
        log.say(LogLine::info("name", text));
    }
}
