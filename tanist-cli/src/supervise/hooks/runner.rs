use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tanist::Timing;
use tanist::core::TimingSettings;

use super::super::environment::{RunsAs, base};
use crate::args::{Contain, HookCommand, HookEvent};
use crate::guard::{self, ChildStdin, GuardSpec};
use crate::log::Log;
use crate::settings::{ChildSettings, HookSettings, RunSettings};

/// What all runs of hooks have in common.
#[derive(Debug)]
pub(in super::super) struct Runner {
    settings: HookSettings,
    pub(super) log: Log,
    /// The child's, but for the time between the stop signal and the kill.
    pub(super) timing: Timing,
    contain: guard::Contain,
    require_cgroup: bool,
    env: Vec<(OsString, OsString)>,
}

impl Runner {
    /// The longest time between the stop signal and the kill.
    const GRACE: Duration = Duration::from_secs(1);
    /// A guard starts nothing that has less time than this.
    const SHORTEST: Duration = Duration::from_millis(20);

    pub(super) fn new(settings: &RunSettings, log: &Log) -> Self {
        let child = &settings.child;
        Self {
            settings: settings.hooks.clone(),
            log: log.clone(),
            timing: hurried(&settings.timing),
            contain: contain(child.contain.value),
            require_cgroup: child.require_cgroup.value,
            env: environment(child),
        }
    }

    /// The commands of `event`, in order.
    pub(super) fn commands(&self, event: HookEvent) -> impl Iterator<Item = &HookCommand> {
        self.settings.of(event)
    }

    /// How long one may run.
    pub(super) const fn timeout(&self) -> Duration {
        self.settings.timeout.value
    }

    /// A guard that runs `command`.
    pub(super) fn spec(&self, command: Vec<OsString>) -> GuardSpec {
        GuardSpec {
            program: PathBuf::from(GuardSpec::SELF),
            timing: self.timing,
            contain: self.contain,
            require_cgroup: self.require_cgroup,
            command,
            cwd: None,
            user: None,
            stdin: ChildStdin::Inherit,
            stop_signal: rustix::process::Signal::TERM,
            env: self.env.clone(),
        }
    }
}

/// A hook that has to end has less time for it than the child, and what it has to do may be short.
fn hurried(timing: &Timing) -> Timing {
    let lost_stop_timeout = timing.lost_stop_timeout().min(Runner::GRACE);
    let settings = TimingSettings {
        lease: Some(timing.lease()),
        renew_every: Some(timing.renew_every().min(Runner::SHORTEST)),
        request_timeout: Some(timing.request_timeout()),
        lost_stop_timeout: Some(lost_stop_timeout),
        kill_time: Some(timing.kill_time()),
        guard_delay: Some(timing.guard_delay()),
        session_ttl: Some(timing.session_ttl()),
        stop_timeout: Some(timing.stop_timeout()),
    };
    // A budget that leaves more room than one that is valid is valid.
    Timing::new(settings).unwrap_or(*timing)
}

/// A hook changes the machine: an address, a mount. What it mounts within namespaces of its own
/// would be gone with it.
const fn contain(of_child: Contain) -> guard::Contain {
    match of_child {
        Contain::Auto | Contain::Pidns => guard::Contain::Auto,
        Contain::Cgroup => guard::Contain::Cgroup,
        Contain::Sweep => guard::Contain::Sweep,
    }
}

/// What the child may inherit, without what is set for the child alone.
pub(super) fn environment(child: &ChildSettings) -> Vec<(OsString, OsString)> {
    let child = ChildSettings {
        env: Vec::new(),
        ..child.clone()
    };
    base(&child, std::env::vars_os(), &RunsAs::Us)
}
