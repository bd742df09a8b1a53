use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::directories::made_absolute;
use super::{Layers, Setting, Source};
use crate::args::{ChildArgs, Contain, Ready, Stdin};
use crate::glob::Glob;
use crate::problem::Problem;
use crate::signal_name::SignalName;

/// How the child starts and stops.
#[derive(Clone, Debug)]
pub(crate) struct ChildSettings {
    /// The command and its arguments.
    pub(crate) command: Vec<OsString>,
    /// The line of the settings file that names it, if it was not typed.
    pub(crate) command_source: Source,
    /// What asks it to end.
    pub(crate) stop_signal: Setting<SignalName>,
    /// Variables to set.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Variables to inherit.
    pub(crate) inherit: Inheritance,
    /// Directory to start in; tanist's own if there is none.
    pub(crate) cwd: Setting<Option<PathBuf>>,
    /// User to run as; tanist's own if there is none.
    pub(crate) user: Setting<Option<String>>,
    /// When it serves.
    pub(crate) ready: Setting<Ready>,
    /// Where standard input comes from.
    pub(crate) stdin: Setting<Stdin>,
    /// How the process tree is held together.
    pub(crate) contain: Setting<Contain>,
    /// Refuse to start without a control group.
    pub(crate) require_cgroup: Setting<bool>,
}

/// Which variables the child inherits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inheritance {
    /// Nothing, but for what `allow` names.
    pub(crate) clear: bool,
    /// If not empty: only these.
    pub(crate) allow: Vec<Glob>,
    /// Never these.
    pub(crate) deny: Vec<Glob>,
}

impl Inheritance {
    /// Whether the child inherits the variable `name`.
    pub(crate) fn passes(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        if self.deny.iter().any(|glob| glob.matches(&name)) {
            return false;
        }
        let open = !self.clear && self.allow.is_empty();
        open || self.allow.iter().any(|glob| glob.matches(&name))
    }
}

impl ChildSettings {
    pub(super) fn resolve(
        layers: Layers<'_>,
        args: ChildArgs,
        command: Vec<OsString>,
    ) -> Result<Self, Problem> {
        let stdin = match args.stdin {
            Some(Stdin::File(path)) => Some(Stdin::File(made_absolute(
                &path,
                "the file for standard input",
            )?)),
            other => other,
        };
        let cwd = args
            .cwd
            .map(|dir| made_absolute(&dir, "the child's directory"))
            .transpose()?;
        if args.require_cgroup
            && let Some(contain @ (Contain::Sweep | Contain::Pidns)) = args.contain
        {
            return Err(Problem::usage(
                "run::contain",
                format!("--require-cgroup contradicts --contain {contain:?}").to_lowercase(),
            ));
        }
        Ok(Self {
            command,
            command_source: match layers.source("command") {
                // What was typed is before the eyes of who typed it.
                Source::Flag(_) => Source::Default,
                source => source,
            },
            stop_signal: layers.pick("stop_signal", args.stop_signal, || SignalName::TERM),
            env: pairs(&args.env, &layers.source("env"))?,
            inherit: Inheritance {
                clear: args.env_clear,
                allow: args.env_allow,
                deny: args.env_deny,
            },
            cwd: Setting {
                value: cwd,
                source: layers.source("cwd"),
            },
            user: Setting {
                value: args.user,
                source: layers.source("user"),
            },
            ready: layers.pick("ready", args.ready, Ready::default),
            stdin: layers.pick("stdin", stdin, Stdin::default),
            contain: layers.pick("contain", args.contain, Contain::default),
            require_cgroup: layers.switch("require_cgroup", args.require_cgroup),
        })
    }
}

/// `K=V` from flags; from the environment one for each line.
fn pairs(given: &[OsString], source: &Source) -> Result<Vec<(OsString, OsString)>, Problem> {
    let lines = matches!(source, Source::Environment(_));
    given
        .iter()
        .flat_map(|text| text.as_bytes().split(move |&b| lines && b == b'\n'))
        .filter(|text| !(lines && text.is_empty()))
        .map(|text| pair(text, source))
        .collect()
}

fn pair(text: &[u8], source: &Source) -> Result<(OsString, OsString), Problem> {
    let own = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let shown = || String::from_utf8_lossy(text).into_owned();
    let Some(at) = text.iter().position(|&b| b == b'=').filter(|&at| at > 0) else {
        return Err(
            Problem::usage("run::env", format!("{:?} sets no variable", shown()))
                .because("write NAME=VALUE")
                .set_by(source),
        );
    };
    if text.starts_with(b"TANIST_") {
        return Err(
            Problem::usage("run::env-reserved", format!("{:?} cannot be set", shown()))
                .because("the child's TANIST_ variables are tanist's word; nobody may forge them")
                .set_by(source),
        );
    }
    Ok((own(&text[..at]), own(&text[at + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inherits(clear: bool, allow: &[&str], deny: &[&str], name: &str) -> bool {
        let globs = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Inheritance {
            clear,
            allow: globs(allow),
            deny: globs(deny),
        }
        .passes(OsStr::new(name))
    }

    #[test]
    fn deny_wins_over_allow_and_allow_over_clear() {
        assert!(inherits(false, &[], &[], "HOME"));
        assert!(!inherits(true, &[], &[], "HOME"));
        assert!(inherits(true, &["HOME"], &[], "HOME"));
        assert!(!inherits(false, &["PATH"], &[], "HOME"));
        assert!(!inherits(false, &["*"], &["AWS_*"], "AWS_KEY"));
    }

    #[test]
    fn variables_come_one_by_flag_and_one_by_line() {
        let flag = Source::Flag("--env".to_owned());
        let variable = Source::Environment("TANIST_ENV".to_owned());
        let read = |text: &str, source: &Source| {
            pairs(&[text.into()], source).map(|pairs| {
                pairs
                    .into_iter()
                    .map(|(k, v)| format!("{}:{}", k.display(), v.display()))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(read("A=b=c,\nd", &flag), Ok(vec!["A:b=c,\nd".to_owned()]));
        assert_eq!(
            read("A=1\nB=2\n", &variable),
            Ok(vec!["A:1".to_owned(), "B:2".to_owned()])
        );
        for text in ["A", "=1", "TANIST_TERM=99"] {
            assert!(read(text, &flag).is_err(), "{text}");
        }
    }
}
