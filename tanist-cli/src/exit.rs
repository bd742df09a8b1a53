use std::fmt;
use std::process::ExitCode;

/// How this process ends, and whose word that is.
///
/// The child's own code passes through, so a number alone does not say who spoke; the last log
/// line does: `exit=75 source=tanist reason=lease-lost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    code: u8,
    source: Source,
    reason: &'static str,
}

/// Whose code it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Tanist,
    Child,
}

/// The codes that tanist itself uses: sysexits for its own failures, those of `env` and `timeout`
/// for a command that cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// What was asked for was done, or holds.
    Ok = 0,
    /// `leader --is-me`, `resign`: another node leads. `leader --address`: it has none. `doctor`: something fails.
    No = 1,
    /// `doctor`: nothing fails, but there are warnings.
    Warnings = 2,
    /// `status`, `leader`, and verbs that need a leader: nobody leads. The same number as `systemctl is-active` uses.
    NoLeader = 3,
    /// `status`, `leader`: the store knows nothing of this election, or there is no store.
    UnknownElection = 4,
    /// `EX_USAGE`: the command line or an environment variable is wrong. Starting again without
    /// changing it cannot help.
    Usage = 64,
    /// `EX_UNAVAILABLE`: the store was not reached within `--wait` or `--timeout`.
    Unavailable = 69,
    /// `EX_SOFTWARE`: a fault of tanist. Please report it.
    Software = 70,
    /// `EX_OSERR`: the system refused a process, a socket or a descriptor.
    OsError = 71,
    /// `EX_CANTCREAT`: the run or the state directory cannot be made or is not private.
    CantCreate = 73,
    /// `EX_TEMPFAIL`: not elected within `--wait`, the leadership lost with `--once`, or parked
    /// after too many failures. Also what an operator asked for and did not get as things stand.
    /// Trying again later may help.
    TempFail = 75,
    /// `EX_PROTOCOL`: the store holds what must not be: two leaders, foreign data, or a record of
    /// a later version of tanist. A person has to look.
    Protocol = 76,
    /// `EX_NOPERM`: the store refused our credentials, or the file system our rights.
    NoPerm = 77,
    /// `EX_CONFIG`: the settings file is wrong or cannot be read.
    Config = 78,
    /// The command was found but cannot be executed.
    NotExecutable = 126,
    /// The command was not found.
    NotFound = 127,
}

impl Code {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 16] = [
        Self::Ok,
        Self::No,
        Self::Warnings,
        Self::NoLeader,
        Self::UnknownElection,
        Self::Usage,
        Self::Unavailable,
        Self::Software,
        Self::OsError,
        Self::CantCreate,
        Self::TempFail,
        Self::Protocol,
        Self::NoPerm,
        Self::Config,
        Self::NotExecutable,
        Self::NotFound,
    ];

    /// What it says, for the manual.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => {
                "clean stop, or the child ended with 0; what was asked for was done or holds"
            }
            Self::No => {
                "leader --is-me, resign: the leader is not here; leader --address: it has none; \
                 doctor: something fails"
            }
            Self::Warnings => "doctor: nothing fails, but there are warnings",
            Self::NoLeader => {
                "status, leader, resign, switchover: nobody leads, as far as tanist can see"
            }
            Self::UnknownElection => {
                "nobody ever stood in the election, or there is no store yet; watch without a name"
            }
            Self::Usage => "wrong usage, impossible timings, or not confirmed",
            Self::Unavailable => "the store was not reached in time",
            Self::Software => "a fault of tanist; please report it",
            Self::OsError => "the system refused something, for example another process",
            Self::CantCreate => {
                "a directory or a file of tanist's own cannot be made or is not private"
            }
            Self::TempFail => {
                "not elected in time, leadership lost with --once, or ended while parked; an \
                 operator's verb that was refused as things stand, or not done in time"
            }
            Self::Protocol => {
                "the store holds what must not be: two leaders, foreign data, garbage, a later format"
            }
            Self::NoPerm => "a directory, a file, the store or another user may not be used",
            Self::Config => "the settings file is wrong, or the one that was named is not there",
            Self::NotExecutable => "run: the command cannot be executed",
            Self::NotFound => "run: the command does not exist",
        }
    }
}

impl Exit {
    /// tanist's own end.
    pub(crate) const fn of(code: Code, reason: &'static str) -> Self {
        Self {
            code: code as u8,
            source: Source::Tanist,
            reason,
        }
    }

    /// tanist's own end with a number the user chose for it.
    pub(crate) const fn numbered(code: u8, reason: &'static str) -> Self {
        Self {
            code,
            source: Source::Tanist,
            reason,
        }
    }

    /// The child ended with this code.
    pub(crate) const fn child_code(code: u8) -> Self {
        Self {
            code,
            source: Source::Child,
            reason: "exited",
        }
    }

    /// The child was ended by this signal: 128 + N, as shells say it.
    pub(crate) const fn child_signal(signal: i32) -> Self {
        // Signals are numbered 1 to 64.
        Self {
            code: 128_u8.saturating_add(signal as u8),
            source: Source::Child,
            reason: "signal",
        }
    }

    /// tanist was told twice to stop by this signal.
    pub(crate) const fn interrupted(signal: i32) -> Self {
        Self {
            code: 128_u8.saturating_add(signal as u8),
            source: Source::Tanist,
            reason: "interrupted",
        }
    }

    /// Whether tanist was told twice to stop.
    pub(crate) fn is_interrupted(self) -> bool {
        self.reason == "interrupted" && matches!(self.source, Source::Tanist)
    }

    /// The number the process ends with.
    pub(crate) const fn code(self) -> u8 {
        self.code
    }

    /// `tanist` or `child`.
    pub(crate) const fn source(self) -> &'static str {
        match self.source {
            Source::Tanist => "tanist",
            Source::Child => "child",
        }
    }

    /// One word on why.
    pub(crate) const fn reason(self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit={} source={} reason={}",
            self.code,
            self.source(),
            self.reason
        )
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_every_code() {
        let reference = include_str!("../../docs/reference.md");
        let (_, table) = reference.split_once("## Exit codes").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
        let mut numbers: Vec<_> = rows
            .filter_map(|row| row.split_once(" |"))
            .flat_map(|(numbers, _)| numbers.split(", "))
            .filter_map(|number| number.parse::<u8>().ok())
            .collect();
        let all = Code::ALL.map(|code| code as u8);
        numbers.sort_unstable();
        assert_eq!(numbers, all);
    }

    #[test]
    fn the_last_line_says_whose_code_it_is() {
        let lost = Exit::of(Code::TempFail, "lease-lost");
        assert_eq!(lost.to_string(), "exit=75 source=tanist reason=lease-lost");
        assert_eq!(
            Exit::child_code(75).to_string(),
            "exit=75 source=child reason=exited"
        );
        assert_eq!(Exit::child_signal(9).code(), 137);
    }
}
