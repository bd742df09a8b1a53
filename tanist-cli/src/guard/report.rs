use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::wire::{Notice, text};

/// What a guard tells its supervisor of the child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GuardReport {
    /// The child runs.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// The child did not start while the lease left enough for it: there was too little from the
    /// beginning, or its exec did not come about by then and was ended. `Empty` follows.
    TooLate,
    /// The command could not be executed. Nothing ran; `Empty` follows.
    ExecFailed {
        /// 126 found but not executable, 127 not found, as shells have it.
        code: u8,
        /// What, where and why.
        message: String,
    },
    /// The child itself has ended; what it left behind is being stopped. `Empty` follows.
    Exited {
        /// How it ended.
        status: ExitStatus,
    },
    /// The stop signal went out because the deadline drew near, not because it was asked for.
    DeadlineReached,
    /// Processes outlive their kill by more than the kill time: an uninterruptible sleep, or a
    /// program that runs as somebody else. The guard keeps trying; `Empty` comes when they are gone.
    Lingering {
        /// How many at least.
        processes: u32,
    },
    /// The system does not let the tree be seen whole: too many open files, it may be. It is tried
    /// again until it does; `Empty`, or `Gone` if it was the guard's end that had the tree killed,
    /// comes when nothing of it is left. Said once.
    Hindered {
        /// What is in the way.
        why: String,
    },
    /// No process of the tree is left. Verified.
    Empty,
    /// The guard itself has ended, and whatever it left behind is gone too. Verified. The last
    /// report, and the answer to every further question.
    Gone,
}

impl GuardReport {
    /// The report of a notice; none for those that mean the set-up.
    pub(super) fn of(notice: Notice<'_>) -> Option<Self> {
        Some(match notice {
            Notice::Started { pid } => Self::Started { pid },
            Notice::TooLate => Self::TooLate,
            Notice::ExecFailed { code, reason } => Self::ExecFailed {
                code,
                message: text(reason),
            },
            Notice::Exited { status } => Self::Exited {
                status: ExitStatus::from_raw(status),
            },
            Notice::DeadlineReached => Self::DeadlineReached,
            Notice::Lingering { processes } => Self::Lingering { processes },
            Notice::Hindered { errno } => Self::Hindered {
                why: io::Error::from_raw_os_error(errno).to_string(),
            },
            Notice::Empty => Self::Empty,
            Notice::Prepared { .. } | Notice::Refused { .. } | Notice::Going => return None,
        })
    }
}

/// What holds a tree together, as set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Containment {
    /// A cgroup of its own, and the sweep.
    Cgroup {
        /// Where it is mounted.
        path: PathBuf,
    },
    /// A PID namespace, and the sweep.
    Pidns {
        /// The cgroup that was required besides.
        cgroup: Option<PathBuf>,
        /// Why `/proc` inside is still the one outside, if it is.
        caveat: Option<String>,
    },
    /// The sweep alone.
    Sweep {
        /// Why there is no cgroup, if one was wished.
        no_cgroup: Option<String>,
    },
}

impl Containment {
    /// The name by which it is asked for.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Cgroup { .. } => "cgroup",
            Self::Pidns { .. } => "pidns",
            Self::Sweep { .. } => "sweep",
        }
    }

    /// The cgroup, if there is one.
    pub(crate) fn cgroup(&self) -> Option<&Path> {
        match self {
            Self::Cgroup { path } => Some(path),
            Self::Pidns { cgroup, .. } => cgroup.as_deref(),
            Self::Sweep { .. } => None,
        }
    }

    /// As the guard writes it to its supervisor: three lines.
    pub(super) fn encode(&self) -> Vec<u8> {
        use std::os::unix::ffi::OsStrExt;
        let note = match self {
            Self::Cgroup { .. } => None,
            Self::Pidns { caveat, .. } => caveat.as_deref(),
            Self::Sweep { no_cgroup } => no_cgroup.as_deref(),
        };
        let path = self
            .cgroup()
            .map_or(&b""[..], |path| path.as_os_str().as_bytes());
        [self.name().as_bytes(), note.unwrap_or("").as_bytes(), path].join(&b'\n')
    }

    /// Reads [`Containment::encode`] back.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
        let (name, note, path) = (parts.next()?, parts.next()?, parts.next()?);
        let note = (!note.is_empty()).then(|| String::from_utf8_lossy(note).into_owned());
        let path = (!path.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(path)));
        match name {
            b"cgroup" => path.map(|path| Self::Cgroup { path }),
            b"pidns" => Some(Self::Pidns {
                cgroup: path,
                caveat: note,
            }),
            b"sweep" => Some(Self::Sweep { no_cgroup: note }),
            _ => None,
        }
    }
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        match self {
            Self::Cgroup { path } => write!(f, " {}", path.display()),
            Self::Pidns {
                caveat: Some(note), ..
            }
            | Self::Sweep {
                no_cgroup: Some(note),
            } => {
                write!(f, " ({note})")
            }
            Self::Pidns { .. } | Self::Sweep { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_containment_survives_the_way_to_the_supervisor() {
        for containment in [
            Containment::Cgroup {
                path: "/sys/fs/cgroup/odd\nname".into(),
            },
            Containment::Pidns {
                cgroup: None,
                caveat: Some("no /proc".into()),
            },
            Containment::Pidns {
                cgroup: Some("/c".into()),
                caveat: None,
            },
            Containment::Sweep {
                no_cgroup: Some("read-only".into()),
            },
            Containment::Sweep { no_cgroup: None },
        ] {
            assert_eq!(
                Containment::decode(&containment.encode()),
                Some(containment)
            );
        }
    }
}
