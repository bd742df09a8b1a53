use std::time::Duration;

use tanist::Timing;

use super::directories::{default_run_dir, default_state_dir};
use super::{HealthSettings, HookSettings, PolicySettings, QuerySettings, host_name};
use crate::args::{HookCommand, HookEvent, Limit, OnFailure};
use crate::signal_name::SignalName;
use crate::span::Span;

/// One setting: `--stop-timeout`, `TANIST_STOP_TIMEOUT` and `stop_timeout` in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The key in the file; the other names follow from it.
    pub(crate) name: &'static str,
    /// How it is written.
    pub(crate) kind: Kind,
    /// What holds when nobody sets it.
    pub(crate) fallback: Fallback,
    /// A value for those that have no default, as the file has it.
    pub(crate) example: &'static str,
}

/// How a value is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A string that is a path, or a word that is none.
    Path {
        /// What else may be written.
        words: &'static [&'static str],
    },
    /// A whole number.
    Number,
    /// true or false.
    Switch,
    /// Strings.
    List,
    /// A table of strings.
    Variables,
    /// A table of events, with a list of words each, but for `fence`: that has a list of such lists.
    Hooks,
}

/// What holds when nobody sets it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback {
    /// Nothing.
    None,
    /// This, if there is one.
    Is(fn() -> Option<String>),
    /// What the lease makes of it.
    Derived(fn(&Timing) -> Duration),
}

impl Key {
    /// The key of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The key that a file names so.
    pub(crate) fn find_in_file(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.in_file() == name)
    }

    /// The name in the file. Only where the file has several in one table it is another.
    pub(crate) fn in_file(&self) -> &'static str {
        match self.kind {
            Kind::Hooks => "hooks",
            _ => self.name,
        }
    }

    /// The flag.
    pub(crate) fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// The environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("TANIST_{}", self.name.to_uppercase())
    }

    /// What holds when nobody sets it, as one would write it after the flag.
    pub(crate) fn default(&self, timing: &Timing) -> Option<String> {
        match self.fallback {
            Fallback::None => None,
            Fallback::Is(text) => text(),
            Fallback::Derived(span) => Some(Span(span(timing)).exact()),
        }
    }

    /// The default as a file has it, or the example where there is none.
    pub(crate) fn shown(&self) -> String {
        if !self.example.is_empty() {
            return self.example.to_owned();
        }
        let timing = Timing::from_lease(Timing::DEFAULT_LEASE);
        let default = timing.ok().and_then(|timing| self.default(&timing));
        self.literal(&[default.unwrap_or_default()])
    }

    /// `texts`, which are what one would write after the flag, as the file has them.
    pub(crate) fn literal(&self, texts: &[String]) -> String {
        match self.kind {
            Kind::Text | Kind::Path { .. } => quoted(&texts.concat()),
            Kind::Number | Kind::Switch => texts.concat(),
            Kind::List => {
                let items: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
                format!("[{}]", items.join(", "))
            }
            Kind::Variables => {
                let pairs = texts.iter().filter_map(|text| text.split_once('='));
                let pairs: Vec<_> = pairs
                    .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
                    .collect();
                if pairs.is_empty() {
                    return "{}".to_owned();
                }
                format!("{{ {} }}", pairs.join(", "))
            }
            Kind::Hooks => hooks_literal(texts),
        }
    }
}

fn hooks_literal(texts: &[String]) -> String {
    let hooks: Vec<HookCommand> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let list = |words: &[String]| {
        let items: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        format!("[{}]", items.join(", "))
    };
    let of = |event: HookEvent| {
        let of = hooks.iter().filter(|hook| hook.event == event);
        let lists: Vec<String> = of.map(|hook| list(&hook.words)).collect();
        let value = match event {
            HookEvent::Fence => format!("[{}]", lists.join(", ")),
            _ => lists.concat(),
        };
        (!lists.is_empty()).then(|| format!("{} = {value}", event.key()))
    };
    let events: Vec<String> = HookEvent::ALL.into_iter().filter_map(of).collect();
    format!("{{ {} }}", events.join(", "))
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

const fn key(name: &'static str, kind: Kind, fallback: Fallback, example: &'static str) -> Key {
    Key {
        name,
        kind,
        fallback,
        example,
    }
}

const fn span(name: &'static str, of: fn(&Timing) -> Duration) -> Key {
    key(name, Kind::Text, Fallback::Derived(of), "")
}

const fn word(name: &'static str, default: fn() -> Option<String>) -> Key {
    key(name, Kind::Text, Fallback::Is(default), "")
}

const fn number(name: &'static str, default: fn() -> Option<String>) -> Key {
    key(name, Kind::Number, Fallback::Is(default), "")
}

const fn switch(name: &'static str) -> Key {
    let off = Fallback::Is(|| Some("false".to_owned()));
    key(name, Kind::Switch, off, "")
}

const fn path(name: &'static str, default: fn() -> Option<String>, example: &'static str) -> Key {
    key(
        name,
        Kind::Path { words: &[] },
        Fallback::Is(default),
        example,
    )
}

/// Every setting, in the order in which a file is written.
pub(crate) const KEYS: &[Key] = &[
    key("election", Kind::Text, Fallback::None, r#""demo""#),
    word("node", || Some(host_name())),
    key("address", Kind::Text, Fallback::None, r#""10.0.0.1:8000""#),
    key(
        "priority",
        Kind::Number,
        Fallback::Is(|| Some(tanist::core::Member::DEFAULT_PRIORITY.to_string())),
        "",
    ),
    key(
        "command",
        Kind::List,
        Fallback::None,
        r#"["/usr/bin/python3", "-m", "http.server", "8000"]"#,
    ),
    key(
        "store",
        Kind::Path {
            words: &["local:", "local"],
        },
        Fallback::Is(|| Some("local:".to_owned())),
        "",
    ),
    path(
        "run_dir",
        || Some(default_run_dir().ok()?.display().to_string()),
        r#""/run/tanist""#,
    ),
    path(
        "state_dir",
        || Some(default_state_dir()?.display().to_string()),
        r#""/var/lib/tanist""#,
    ),
    path("role_file", || None, r#""/run/tanist/demo.host-a.role""#),
    path("track_file", || None, r#""/run/keepalived/demo.track""#),
    switch("once"),
    switch("no_wait"),
    key("wait", Kind::Text, Fallback::None, r#""30s""#),
    key(
        "conflict_exit_code",
        Kind::Number,
        Fallback::Is(|| Some("75".to_owned())),
        "",
    ),
    key(
        "lost_exit_code",
        Kind::Number,
        Fallback::Is(|| Some("75".to_owned())),
        "",
    ),
    span("lease", Timing::lease),
    span("stop_timeout", Timing::stop_timeout),
    span("renew_every", Timing::renew_every),
    span("request_timeout", Timing::request_timeout),
    span("lost_stop_timeout", Timing::lost_stop_timeout),
    span("kill_time", Timing::kill_time),
    span("guard_delay", Timing::guard_delay),
    span("session_ttl", Timing::session_ttl),
    word("on_success", || Some("exit".to_owned())),
    word("on_failure", || Some(OnFailure::default().to_string())),
    word("cooldown", || Some(Span(PolicySettings::COOLDOWN).exact())),
    word("max_failovers", || Some(Limit::default().to_string())),
    key(
        "health",
        Kind::List,
        Fallback::None,
        r#"["http://127.0.0.1:8000/health", "db=exec:/usr/bin/pg_isready -q"]"#,
    ),
    key(
        "health_standby",
        Kind::List,
        Fallback::None,
        r#"["disk=exec:/usr/local/bin/check-disk /data"]"#,
    ),
    word("health_interval", || {
        Some(Span(HealthSettings::INTERVAL).exact())
    }),
    word("health_timeout", || {
        Some(Span(HealthSettings::TIMEOUT).exact())
    }),
    number("health_rise", || {
        Some(HealthSettings::THRESHOLDS.rise.to_string())
    }),
    number("health_fall", || {
        Some(HealthSettings::THRESHOLDS.fall.to_string())
    }),
    word("health_start_grace", || {
        Some(Span(HealthSettings::START_GRACE).exact())
    }),
    key("renew_needs_health", Kind::Text, Fallback::None, r#""5s""#),
    key(
        "hook",
        Kind::Hooks,
        Fallback::None,
        r#"{ after_promote = ["/etc/tanist/hooks/vip-add", "10.0.0.100/24", "eth0"] }"#,
    ),
    word("hook_timeout", || Some(Span(HookSettings::TIMEOUT).exact())),
    word("stop_signal", || Some(SignalName::TERM.to_string())),
    key("env", Kind::Variables, Fallback::None, r#"{ LANG = "C" }"#),
    key("env_allow", Kind::List, Fallback::None, r#"["*"]"#),
    key(
        "env_deny",
        Kind::List,
        Fallback::None,
        r#"["AWS_*", "*_TOKEN"]"#,
    ),
    switch("env_clear"),
    word("ready", || Some("started".to_owned())),
    path("cwd", || None, r#""/""#),
    key("user", Kind::Text, Fallback::None, r#""nobody""#),
    key(
        "stdin",
        Kind::Path {
            words: &["null", "inherit", "-"],
        },
        Fallback::Is(|| Some("null".to_owned())),
        "",
    ),
    word("contain", || Some("auto".to_owned())),
    switch("require_cgroup"),
    word("timeout", || Some(Span(QuerySettings::TIMEOUT).exact())),
    word("output", || Some("auto".to_owned())),
    word("log_format", || Some("auto".to_owned())),
    word("color", || Some("auto".to_owned())),
];

/// Names that people try, and what they mean here.
pub(super) const OTHER_NAMES: &[(&str, &str)] = &[
    ("advertise", "address"),
    ("cmd", "command"),
    ("directory", "cwd"),
    ("grace", "stop_timeout"),
    ("group", "election"),
    ("host", "node"),
    ("kill_timeout", "stop_timeout"),
    ("hooks_timeout", "hook_timeout"),
    ("lease_ttl", "lease"),
    ("lock", "election"),
    ("max_failures", "max_failovers"),
    ("name", "election"),
    ("rundir", "run_dir"),
    ("session_timeout", "session_ttl"),
    ("statedir", "state_dir"),
    ("ttl", "lease"),
    ("url", "store"),
    ("weight", "priority"),
    ("working_directory", "cwd"),
];

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, CommandFactory};

    use super::*;
    use crate::args::Cli;

    /// What `run` takes that is no setting: it says how to read the settings.
    const NO_SETTING: &[&str] = &["config"];

    fn verb(name: &str) -> clap::Command {
        let cli = Cli::command();
        cli.find_subcommand(name).unwrap().clone()
    }

    fn with_variable(verb: &clap::Command) -> impl Iterator<Item = &Arg> {
        verb.get_arguments().filter(|arg| arg.get_env().is_some())
    }

    #[test]
    fn every_setting_of_run_is_in_the_table() {
        for name in ["run", "status", "leader", "watch"] {
            let verb = verb(name);
            for arg in with_variable(&verb).filter(|arg| arg.get_id() != "is_me") {
                let id = arg.get_id().as_str();
                assert!(
                    Key::find(id).is_some() || NO_SETTING.contains(&id),
                    "{name}: {id} has no key in the file"
                );
            }
        }
    }

    #[test]
    fn every_setting_has_three_names() {
        let (run, status) = (verb("run"), verb("status"));
        for key in KEYS.iter().filter(|key| key.name != "command") {
            let arg = with_variable(&run)
                .chain(with_variable(&status))
                .find(|arg| arg.get_id() == key.name)
                .unwrap_or_else(|| panic!("no command has {}", key.flag()));
            assert_eq!(
                arg.get_long().map(|long| format!("--{long}")),
                Some(key.flag())
            );
            assert_eq!(arg.get_env().unwrap(), key.variable().as_str());
            let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
            assert_eq!(is_switch, key.kind == Kind::Switch, "{}", key.name);
            let is_list = matches!(arg.get_action(), ArgAction::Append);
            let many = matches!(key.kind, Kind::List | Kind::Variables | Kind::Hooks);
            assert_eq!(is_list, many, "{}", key.name);
        }
    }

    #[test]
    fn other_names_mean_settings_and_are_none() {
        for (other, name) in OTHER_NAMES {
            assert!(Key::find(name).is_some(), "{name}");
            assert!(Key::find(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_words_that_the_table_repeats_are_the_defaults() {
        use clap::ValueEnum;
        let word = |value: &dyn Fn() -> clap::builder::PossibleValue| value().get_name().to_owned();
        for (name, default) in [
            (
                "contain",
                word(&|| crate::args::Contain::default().to_possible_value().unwrap()),
            ),
            (
                "on_success",
                word(&|| {
                    crate::args::OnSuccess::default()
                        .to_possible_value()
                        .unwrap()
                }),
            ),
            (
                "output",
                word(&|| {
                    crate::args::OutputForm::default()
                        .to_possible_value()
                        .unwrap()
                }),
            ),
            (
                "log_format",
                word(&|| crate::args::LogForm::default().to_possible_value().unwrap()),
            ),
            (
                "color",
                word(&|| {
                    crate::args::ColorWhen::default()
                        .to_possible_value()
                        .unwrap()
                }),
            ),
        ] {
            let timing = Timing::from_lease(Timing::DEFAULT_LEASE).unwrap();
            assert_eq!(
                Key::find(name).unwrap().default(&timing),
                Some(default),
                "{name}"
            );
        }
    }
}
