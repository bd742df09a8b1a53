use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::guard::Account;
use crate::settings::{ChildSettings, RunSettings};

/// What the child is told of its leadership.
#[derive(Clone, Debug)]
pub(crate) struct Mandate {
    /// Names without `TANIST_`, in the order of the manual.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

/// What a child is told, and what it means: `TANIST_` and the name.
pub(crate) const MANDATE: [(&str, &str); 13] = [
    ("ELECTION", "the election it leads in"),
    ("NODE", "the name of its node"),
    ("INSTANCE", "this start of the node, 32 hex digits"),
    ("ROLE", "leader"),
    (
        "TERM",
        "the fencing token: only grows; what the work writes to should refuse a smaller one",
    ),
    (
        "REASON",
        "why it leads: start, handover, failover, switchover or restart",
    ),
    ("PREVIOUS", "who led before, if it is known"),
    ("ADDRESS", "what it was given with --address"),
    ("ENTRY", "its place in the line, as the store has it"),
    (
        "CONTROL",
        "unix:PATH of a socket that answers status, term and resign, one line each",
    ),
    ("ROLE_FILE", "a file with one word: the role"),
    (
        "STORE",
        "where the election is, for a tanist that the child runs",
    ),
    (
        "RUN_DIR",
        "the run directory, for a tanist that the child runs",
    ),
];

impl Mandate {
    /// What every command of this node is told, whether it leads or not.
    pub(crate) fn of_node(settings: &RunSettings) -> Self {
        let place = &settings.place;
        let text = |text: &str| OsString::from(text);
        Self {
            variables: vec![
                ("ELECTION", text(&settings.election.value)),
                ("NODE", text(&settings.node.value)),
                ("ADDRESS", text(&settings.address.value)),
                ("STORE", place.target.value.to_string().into()),
                ("RUN_DIR", place.run_dir.value.as_os_str().to_owned()),
            ],
        }
    }

    /// Sets one variable, also where it is set already.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
    }
}

/// Variables that tell of the user.
const OF_THE_USER: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];

/// Variables of our own service manager that must not reach the child: it would speak for us. What of
/// it is meant for the child is given to the child alone.
const OURS: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
];

/// Whom the child runs as, as its environment has to say it.
#[derive(Clone, Debug)]
pub(crate) enum RunsAs {
    /// The user that tanist runs as: what is inherited is right.
    Us,
    /// Another, with an account or, for a bare number, without.
    Another(Option<Account>),
}

/// The child's whole environment but for its mandate: what it may inherit, then what its user makes
/// of it, as `su` and systemd do it, then `--env`.
///
/// Inherited `TANIST_` variables never pass: they may hold settings and secrets of ours, or the
/// term of an outer tanist.
pub(crate) fn base(
    settings: &ChildSettings,
    inherited: impl Iterator<Item = (OsString, OsString)>,
    runs_as: &RunsAs,
) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = inherited
        .filter(|(name, _)| !is_ours(name) && settings.inherit.passes(name))
        .collect();
    if let RunsAs::Another(account) = runs_as {
        // Those of somebody else are worse than none.
        variables.retain(|(name, _)| !OF_THE_USER.iter().any(|of_user| name == of_user));
        let Account { name, home, shell } = account.clone().unwrap_or_default();
        let values = [home, name.clone(), name, shell];
        let set = OF_THE_USER.iter().map(OsString::from).zip(values);
        variables.extend(set.filter(|(_, value)| !value.is_empty()));
    }
    for (name, value) in &settings.env {
        set(&mut variables, name.clone(), value.clone());
    }
    variables
}

/// The mandate as the child sees it. It is set last, so that nothing inherited can forge it.
pub(crate) fn mandated(mandate: &Mandate) -> Vec<(OsString, OsString)> {
    let named = |name: &str| OsString::from(format!("TANIST_{name}"));
    mandate
        .variables
        .iter()
        .map(|(name, value)| (named(name), value.clone()))
        .collect()
}

/// Whether a variable is for tanist itself: a setting, or a word of its own service manager.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"TANIST_") || OURS.iter().any(|ours| name == *ours)
}

fn set(variables: &mut Vec<(OsString, OsString)>, name: OsString, value: OsString) {
    variables.retain(|(known, _)| *known != name);
    variables.push((name, value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Contain, Ready, Stdin};
    use crate::settings::{Inheritance, Setting, Source};
    use crate::signal_name::SignalName;

    fn default<T>(value: T) -> Setting<T> {
        Setting {
            value,
            source: Source::Default,
        }
    }

    fn settings(env: &[(&str, &str)]) -> ChildSettings {
        ChildSettings {
            command_source: Source::Default,
            command: vec!["true".into()],
            stop_signal: default(SignalName::TERM),
            env: env.iter().map(|(k, v)| (k.into(), v.into())).collect(),
            inherit: Inheritance::default(),
            cwd: default(None),
            user: default(None),
            ready: default(Ready::Started),
            stdin: default(Stdin::Null),
            contain: default(Contain::Auto),
            require_cgroup: default(false),
        }
    }

    #[test]
    fn the_mandate_comes_last_and_nothing_of_ours_is_inherited() {
        let inherited = [
            ("PATH", "/bin"),
            ("TANIST_TERM", "1"),
            ("TANIST_STORE", "etcd://user:secret@h"),
            ("NOTIFY_SOCKET", "/run/x"),
            ("LANG", "C"),
        ];
        let inherited = inherited.into_iter().map(|(k, v)| (k.into(), v.into()));
        let base = base(
            &settings(&[("LANG", "en"), ("X", "")]),
            inherited,
            &RunsAs::Us,
        );
        let mandate = Mandate {
            variables: vec![("TERM", "42".into())],
        };
        let all: Vec<String> = base
            .into_iter()
            .chain(mandated(&mandate))
            .map(|(k, v)| format!("{}={}", k.display(), v.display()))
            .collect();
        assert_eq!(all, ["PATH=/bin", "LANG=en", "X=", "TANIST_TERM=42"]);
    }

    #[test]
    fn the_manual_names_what_the_service_manager_tells_us() {
        for name in OURS {
            let named = |(names, _): &&(&str, &str)| names.split(", ").any(|one| one == name);
            assert!(
                crate::settings::LATER.iter().any(|row| named(&row)),
                "{name}"
            );
        }
    }

    #[test]
    fn another_user_is_told_of_itself_unless_the_flags_say_otherwise() {
        let of = |runs_as: &RunsAs, env: &[(&str, &str)]| {
            let inherited = [("HOME", "/root"), ("USER", "root"), ("LANG", "C")];
            let inherited = inherited.into_iter().map(|(k, v)| (k.into(), v.into()));
            let all = base(&settings(env), inherited, runs_as);
            let mut all: Vec<String> = all
                .into_iter()
                .map(|(k, v)| format!("{}={}", k.display(), v.display()))
                .collect();
            all.sort();
            all.join(" ")
        };
        let mail = RunsAs::Another(Some(Account {
            name: "mail".into(),
            home: "/var/mail".into(),
            shell: "/bin/sh".into(),
        }));
        assert_eq!(
            of(&mail, &[]),
            "HOME=/var/mail LANG=C LOGNAME=mail SHELL=/bin/sh USER=mail"
        );
        assert_eq!(
            of(&mail, &[("HOME", "/x"), ("SHELL", "")]),
            "HOME=/x LANG=C LOGNAME=mail SHELL= USER=mail"
        );
        assert_eq!(of(&RunsAs::Another(None), &[]), "LANG=C");
        assert_eq!(of(&RunsAs::Us, &[]), "HOME=/root LANG=C USER=root");
    }
}
