use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use tanist_core::{Moment, Timing, TimingSettings};

use super::channel::DESCRIPTORS_MAX;

/// Everything a guard has to know before its election is won.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GuardSpec {
    /// The program that knows the hidden verbs: this one, through the procfs self link, so that an
    /// upgrade of the file on disk changes nothing for who runs.
    pub(crate) program: PathBuf,
    /// Every span of the election.
    pub(crate) timing: Timing,
    /// What holds the child's descendants together.
    pub(crate) contain: Contain,
    /// Refuse to run without a cgroup, whatever `contain` says.
    pub(crate) require_cgroup: bool,
    /// The command and its arguments; it is looked up in the child's `PATH`, never in a shell.
    pub(crate) command: Vec<OsString>,
    /// The directory to start in, entered as the child's user when the child starts.
    pub(crate) cwd: Option<PathBuf>,
    /// `NAME`, `UID`, `NAME:GROUP` or `UID:GID`.
    pub(crate) user: Option<OsString>,
    /// Where the child reads from.
    pub(crate) stdin: ChildStdin,
    /// What asks the child to stop.
    pub(crate) stop_signal: Signal,
    /// The child's whole environment but for what [`Start`] adds; nothing is inherited. The guard's own
    /// programs carry it under cover and run with this process's.
    pub(crate) env: Vec<(OsString, OsString)>,
}

/// What the child is given when it starts.
#[derive(Debug)]
pub(crate) struct Start {
    /// The deadline at first.
    pub(crate) safe_until: Moment,
    /// Variables added to the specification's environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Descriptors that guard and child both keep open until the last of them has ended; at most
    /// [`Start::HOLDS_MAX`].
    pub(crate) holds: Vec<OwnedFd>,
}

/// The streams of a child that are not this process's own.
#[derive(Debug)]
pub(crate) struct Streams<'a> {
    /// What [`ChildStdin::Inherit`] means.
    pub(crate) stdin: BorrowedFd<'a>,
    /// Where standard output and error go; where this process's go, if there is none. The guard
    /// keeps it open too, so its end says nothing of the child's.
    pub(crate) output: Option<OwnedFd>,
}

impl Start {
    /// How many descriptors may be held.
    pub(crate) const HOLDS_MAX: usize = DESCRIPTORS_MAX - 1;
}

/// What holds a child's descendants together, so that all of them can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contain {
    /// A cgroup where permitted, else a sweep.
    Auto,
    /// A cgroup (version 2) of its own, or a refusal.
    Cgroup,
    /// A PID namespace: the only one that also covers guard and supervisor killed together.
    Pidns,
    /// The guard inherits every orphan of the tree and kills until none is left.
    Sweep,
}

/// Where the child reads from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildStdin {
    /// `/dev/null`.
    Null,
    /// Whatever this process reads from, unless [`Streams`] say something else.
    Inherit,
}

/// What a guard reads from its command line: the specification without environment and program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GuardArguments {
    pub(super) timing: Timing,
    pub(super) contain: Contain,
    pub(super) require_cgroup: bool,
    pub(super) command: Vec<OsString>,
    pub(super) cwd: Option<OsString>,
    pub(super) user: Option<OsString>,
    pub(super) stdin: ChildStdin,
    pub(super) stop_signal: Signal,
}

impl GuardSpec {
    /// The link through which a process starts itself again.
    pub(crate) const SELF: &str = "/proc/self/exe";

    /// The guard's command line, behind the verb.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let timing = timing_fields(&self.timing)
            .map(|span| span.as_nanos().to_string())
            .join(",");
        let mut arguments = vec![
            OsString::from(format!("timing={timing}")),
            OsString::from(format!("contain={}", self.contain.name())),
            OsString::from(format!("require-cgroup={}", self.require_cgroup)),
            OsString::from(format!("stdin={}", self.stdin.name())),
            OsString::from(format!("stop-signal={}", self.stop_signal.as_raw())),
        ];
        arguments.extend(self.cwd.iter().map(|cwd| option("cwd", cwd.as_os_str())));
        arguments.extend(self.user.iter().map(|user| option("user", user)));
        arguments.push("--".into());
        arguments.extend(self.command.iter().cloned());
        arguments
    }
}

impl GuardArguments {
    /// Reads [`GuardSpec::arguments`] back; the error names what is wrong.
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut options = Options::parse(arguments);
        let timing = options.required("timing", |text| timing(text.to_str()?))?;
        Ok(Self {
            timing,
            contain: options.required("contain", |text| Contain::named(text.to_str()?))?,
            require_cgroup: options
                .required("require-cgroup", |text| text.to_str()?.parse().ok())?,
            stdin: options.required("stdin", |text| ChildStdin::named(text.to_str()?))?,
            stop_signal: options.required("stop-signal", |text| {
                Signal::from_named_raw(text.to_str()?.parse().ok()?)
            })?,
            cwd: options.take("cwd"),
            user: options.take("user"),
            command: options.command,
        })
    }
}

impl Contain {
    const ALL: [Self; 4] = [Self::Auto, Self::Cgroup, Self::Pidns, Self::Sweep];

    /// The name by which it is asked for.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cgroup => "cgroup",
            Self::Pidns => "pidns",
            Self::Sweep => "sweep",
        }
    }

    /// The containment with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contain| contain.name() == name)
    }
}

impl ChildStdin {
    const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Inherit => "inherit",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Null, Self::Inherit]
            .into_iter()
            .find(|stdin| stdin.name() == name)
    }
}

/// `name=value` words up to `--`, then a command. Our own programs write them for our own programs.
#[derive(Debug)]
pub(super) struct Options {
    named: Vec<(OsString, OsString)>,
    /// What stood behind `--`.
    pub(super) command: Vec<OsString>,
}

impl Options {
    pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut arguments = arguments.into_iter();
        let mut named = Vec::new();
        for argument in arguments.by_ref().take_while(|argument| argument != "--") {
            let bytes = argument.as_bytes();
            let split = bytes
                .iter()
                .position(|byte| *byte == b'=')
                .unwrap_or(bytes.len());
            let value = bytes.get(split + 1..).unwrap_or_default().to_vec();
            named.push((
                OsString::from_vec(bytes[..split].to_vec()),
                OsString::from_vec(value),
            ));
        }
        Self {
            named,
            command: arguments.collect(),
        }
    }

    /// The value of `name`, once.
    pub(super) fn take(&mut self, name: &str) -> Option<OsString> {
        let at = self.named.iter().position(|(known, _)| known == name)?;
        Some(self.named.swap_remove(at).1)
    }

    /// The value of `name`, read by `read`.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&OsStr) -> Option<T>,
    ) -> Result<T, String> {
        let value = self
            .take(name)
            .ok_or_else(|| format!("{name} is missing"))?;
        read(&value).ok_or_else(|| format!("{name} cannot be {value:?}"))
    }
}

/// One word for [`Options`].
pub(super) fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(value);
    word
}

fn timing_fields(timing: &Timing) -> [Duration; 8] {
    [
        timing.lease(),
        timing.renew_every(),
        timing.request_timeout(),
        timing.lost_stop_timeout(),
        timing.kill_time(),
        timing.guard_delay(),
        timing.session_ttl(),
        timing.stop_timeout(),
    ]
}

fn timing(text: &str) -> Option<Timing> {
    let nanos = text
        .split(',')
        .map(|nanos| nanos.parse::<u64>().ok().map(Duration::from_nanos));
    let spans: Vec<Duration> = nanos.collect::<Option<_>>()?;
    let spans: [Duration; 8] = spans.try_into().ok()?;
    let [lease, renew, request, lost_stop, kill, delay, session, stop] = spans.map(Some);
    let settings = TimingSettings {
        lease,
        renew_every: renew,
        request_timeout: request,
        lost_stop_timeout: lost_stop,
        kill_time: kill,
        guard_delay: delay,
        session_ttl: session,
        stop_timeout: stop,
    };
    Timing::new(settings).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_survives_the_command_line() {
        let spec = GuardSpec {
            program: GuardSpec::SELF.into(),
            timing: Timing::from_lease(Duration::from_millis(777)).unwrap(),
            contain: Contain::Pidns,
            require_cgroup: true,
            command: vec!["sh".into(), "--".into(), OsString::from_vec(vec![0xfe])],
            cwd: Some("/a=b".into()),
            user: Some("nobody".into()),
            stdin: ChildStdin::Inherit,
            stop_signal: Signal::INT,
            env: Vec::new(),
        };
        let read = GuardArguments::parse(spec.arguments()).unwrap();
        assert_eq!(read.timing, spec.timing);
        assert_eq!((read.contain, read.require_cgroup), (Contain::Pidns, true));
        assert_eq!(read.command, spec.command);
        assert_eq!(read.cwd, Some("/a=b".into()));
        assert_eq!(read.user, Some("nobody".into()));
        assert_eq!(
            (read.stdin, read.stop_signal),
            (ChildStdin::Inherit, Signal::INT)
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = GuardArguments::parse(["contain=auto".into()]).unwrap_err();
        assert!(error.contains("timing is missing"), "{error}");
        let error = GuardArguments::parse(["timing=1,2".into()]).unwrap_err();
        assert!(error.contains("timing cannot be"), "{error}");
    }
}
