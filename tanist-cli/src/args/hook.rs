use std::fmt;
use std::str::FromStr;

use clap::Args;

use crate::span::Span;
use crate::words;

/// What is run when something happens.
#[derive(Args, Debug)]
#[command(next_help_heading = "Hooks")]
pub(crate) struct HookArgs {
    /// Run CMD at EVENT: fence, before-promote, after-promote, before-demote, after-demote or
    /// on-change; may be repeated. No shell: blanks part words, quotes keep them together. Several
    /// of fence are tried in order. In `TANIST_HOOK` one for each line.
    #[arg(
        long,
        value_name = "EVENT=CMD",
        env = "TANIST_HOOK",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub(crate) hook: Vec<HookCommand>,

    /// How long one hook may run; then it is stopped, and killed [default: 10s].
    #[arg(
        long,
        value_name = "SPAN",
        env = "TANIST_HOOK_TIMEOUT",
        hide_env_values = true
    )]
    pub(crate) hook_timeout: Option<Span>,
}

/// When a hook is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HookEvent {
    /// Elected after a leader that did not give the leadership back; nothing has begun.
    Fence,
    /// Elected, and nothing has begun; may refuse.
    BeforePromote,
    /// The child runs.
    AfterPromote,
    /// A planned stop; the child still runs.
    BeforeDemote,
    /// The child is gone.
    AfterDemote,
    /// The leader changed, whoever it is.
    OnChange,
}

impl HookEvent {
    /// All, in the order in which a leadership has them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Fence,
        Self::BeforePromote,
        Self::AfterPromote,
        Self::BeforeDemote,
        Self::AfterDemote,
        Self::OnChange,
    ];

    /// The name in flags, arguments and logs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fence => "fence",
            Self::BeforePromote => "before-promote",
            Self::AfterPromote => "after-promote",
            Self::BeforeDemote => "before-demote",
            Self::AfterDemote => "after-demote",
            Self::OnChange => "on-change",
        }
    }

    /// The name in a settings file.
    pub(crate) fn key(self) -> String {
        self.word().replace('-', "_")
    }
}

/// One `EVENT=CMD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HookCommand {
    /// When.
    pub(crate) event: HookEvent,
    /// What: a program and its arguments.
    pub(crate) words: Vec<String>,
}

impl FromStr for HookCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (event, command) = text
            .split_once('=')
            .ok_or("write EVENT=CMD, for example after-promote=/etc/tanist/hooks/vip-add")?;
        let known = HookEvent::ALL
            .into_iter()
            .find(|known| known.word() == event.trim());
        let event = known.ok_or_else(|| {
            let words = HookEvent::ALL.map(HookEvent::word).join(", ");
            format!("there is no event {event:?}; there are {words}")
        })?;
        let words = words::split(command)?;
        // What came out of a text is a text.
        let words = words.iter().map(|word| word.to_string_lossy().into_owned());
        let words = words.collect();
        Ok(Self { event, words })
    }
}

impl fmt::Display for HookCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.event.word(), words::join(&self.words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_read_and_written_alike() {
        for text in ["fence=/bin/off", "on-change=/x 'a b' c=d"] {
            assert_eq!(text.parse::<HookCommand>().unwrap().to_string(), text);
        }
        for (text, says) in [
            ("fence", "write EVENT=CMD"),
            ("before_promote=/x", "there is no event"),
            ("fence=", "at least one word"),
            ("fence=''", "at least one word"),
            ("fence=/x 'a", "does not end"),
        ] {
            let error = text.parse::<HookCommand>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
