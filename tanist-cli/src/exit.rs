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
    /// `leader --is-me`, `resign`: another node leads.
    No = 1,
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
