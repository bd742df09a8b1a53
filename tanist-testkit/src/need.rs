use std::env;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use crate::quota::{Quota, Resource};
use crate::user::User;

/// What a test needs of the machine.
///
/// A test that could not run has not passed, so one whose need is not met fails, unless whoever
/// runs the tests left it out by name in `TANIST_TESTS_WITHOUT` (a list with commas, which `cargo
/// xtask test --without` sets): then it says so and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To be root.
    Root,
    /// `redis-server`.
    Redis,
    /// `python3`.
    Python,
    /// `etcd` and `etcdctl`.
    Etcd,
    /// A PID namespace that an ordinary user may make.
    UserNamespaces,
    /// A control group (v2) that the tester may write.
    Cgroup,
    /// A control group in which processes can be forbidden.
    Pids,
    /// A control group in which the time of processors can be rationed.
    Cpu,
}

/// The variable that names the needs whose tests are left out.
pub const WITHOUT: &str = "TANIST_TESTS_WITHOUT";

impl Need {
    /// All needs there are.
    pub const ALL: [Self; 8] = [
        Self::Root,
        Self::Redis,
        Self::Python,
        Self::Etcd,
        Self::UserNamespaces,
        Self::Cgroup,
        Self::Pids,
        Self::Cpu,
    ];

    /// The word by which it is left out.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Redis => "redis",
            Self::Python => "python",
            Self::Etcd => "etcd",
            Self::UserNamespaces => "userns",
            Self::Cgroup => "cgroup",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Root => "run the tests as root",
            Self::Redis => "install redis-server",
            Self::Python => "install python3",
            Self::Etcd => "install etcd-server and etcd-client",
            Self::UserNamespaces => "allow user namespaces (kernel.unprivileged_userns_clone)",
            Self::Cgroup => "run as root with control groups v2 mounted writable",
            Self::Pids => "run as root with the pids controller of control groups writable",
            Self::Cpu => "run as root with the cpu controller of control groups writable",
        }
    }

    /// Whether the machine has it.
    pub fn is_met(self) -> bool {
        match self {
            Self::Root => User::tester_is_root(),
            Self::Redis => runs(Command::new("redis-server").arg("--version")),
            Self::Python => runs(Command::new("python3").arg("--version")),
            Self::Etcd => ["etcd", "etcdctl"]
                .into_iter()
                .all(|program| runs(Command::new(program).arg("--help"))),
            Self::UserNamespaces => {
                let mut unshare = Command::new("unshare");
                unshare.args(["--user", "--map-root-user", "--pid", "--fork", "true"]);
                User::Ordinary.run(&mut unshare);
                runs(&mut unshare)
            }
            Self::Cgroup => crate::control_group::root().is_some(),
            Self::Pids => Quota::new(Resource::Pids).is_ok(),
            Self::Cpu => Quota::new(Resource::Cpu).is_ok(),
        }
    }

    /// Whether a test that needs this shall go on.
    ///
    /// # Panics
    ///
    /// When it is not met and was not left out.
    pub fn go_on(self) -> bool {
        let without = env::var(WITHOUT).unwrap_or_default();
        if without.split(',').any(|word| word == self.word()) {
            let _unread = writeln!(io::stderr(), "NOT RUN: left out with {WITHOUT}={without}");
            return false;
        }
        assert!(
            self.is_met(),
            "{}, or leave such tests out with `cargo xtask test --without {}`",
            self.remedy(),
            self.word()
        );
        true
    }
}

fn runs(command: &mut Command) -> bool {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
