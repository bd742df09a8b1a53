use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::line::ProbeRole;
use crate::span;

/// What a probe was told to do; every flag of `tanist-probe` is one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeOptions {
    /// `--log FILE`: where lines are appended. Required.
    pub log: PathBuf,
    /// `--every SPAN`: from one line to the next of each process; 5ms.
    pub every: Duration,
    /// `--alone`: the root has no tree.
    pub alone: bool,
    /// Unless `--no-escapee`: one process leaves by setsid and double fork.
    pub escapee: bool,
    /// `--stop-takes SPAN`: from the stop signal to the root's end; at once.
    pub stop_takes: Duration,
    /// `--exit-after SPAN`: the root ends by itself.
    pub exit_after: Option<Duration>,
    /// `--exit-code N`: how it then ends.
    pub exit_code: u8,
    /// `--listen ADDRESS`: the root serves its activation to whoever connects.
    pub listen: Option<String>,
    /// `--life SPAN`: no process outlives this, so that a failed test leaves nothing; 10 minutes.
    pub life: Duration,
    /// From `TANIST_INSTANCE`.
    pub instance: String,
    /// From `TANIST_TERM`.
    pub term: Option<u64>,
    /// The place in the tree; set by the probe for its own descendants.
    pub role: ProbeRole,
    /// The start it belongs to; likewise.
    pub activation: Option<String>,
    /// What this process has to do before it writes lines; `--ignore-term` sets it.
    pub stage: Stage,
}

/// What a process does before it writes lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing.
    Run,
    /// Have the stop signal ignored by the whole tree.
    ShieldThenRun,
    /// Be the middle of a double fork.
    Leave,
}

impl ProbeOptions {
    /// Options that append to `log` and leave the rest at its default.
    pub fn new(log: impl Into<PathBuf>) -> Self {
        Self {
            log: log.into(),
            every: Duration::from_millis(5),
            alone: false,
            escapee: true,
            stop_takes: Duration::ZERO,
            exit_after: None,
            exit_code: 0,
            listen: None,
            life: Duration::from_secs(600),
            instance: "-".to_owned(),
            term: None,
            role: ProbeRole::Root,
            activation: None,
            stage: Stage::Run,
        }
    }

    /// Reads flags, and `TANIST_INSTANCE` and `TANIST_TERM` through `env`.
    ///
    /// # Errors
    ///
    /// Says which flag or value is wrong.
    pub fn parse(
        args: impl IntoIterator<Item = OsString>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut options = Self::new(PathBuf::new());
        options.instance = env("TANIST_INSTANCE").unwrap_or(options.instance);
        options.term = env("TANIST_TERM").map(|term| number(&term)).transpose()?;
        let mut args = args.into_iter();
        while let Some(flag) = args.next() {
            let flag = text(flag)?;
            match flag.as_str() {
                "--alone" => options.alone = true,
                "--no-escapee" => options.escapee = false,
                "--ignore-term" => options.stage = Stage::ShieldThenRun,
                "--leave" => options.stage = Stage::Leave,
                "--log" => options.log = args.next().ok_or("--log needs a file")?.into(),
                _ => {
                    let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
                    options.set(&flag, &text(value)?)?;
                }
            }
        }
        if options.log.as_os_str().is_empty() {
            return Err("--log FILE is required".to_owned());
        }
        Ok(options)
    }

    fn set(&mut self, flag: &str, value: &str) -> Result<(), String> {
        match flag {
            "--every" => self.every = span::parse(value)?,
            "--stop-takes" => self.stop_takes = span::parse(value)?,
            "--exit-after" => self.exit_after = Some(span::parse(value)?),
            "--exit-code" => self.exit_code = number(value)?,
            "--listen" => self.listen = Some(value.to_owned()),
            "--life" => self.life = span::parse(value)?,
            "--activation" => self.activation = Some(value.to_owned()),
            "--instance" => value.clone_into(&mut self.instance),
            "--term" => self.term = Some(number(value)?),
            "--role" => {
                self.role = ProbeRole::parse(value).ok_or_else(|| format!("no role {value:?}"))?;
            }
            _ => return Err(format!("unknown flag {flag}")),
        }
        Ok(())
    }

    /// The flags that [`ProbeOptions::parse`] reads back as these options.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["--log".into(), self.log.clone().into()];
        let mut pair = |flag: &str, value: String| args.extend([flag.into(), value.into()]);
        pair("--every", span::show(self.every));
        pair("--stop-takes", span::show(self.stop_takes));
        pair("--exit-code", self.exit_code.to_string());
        pair("--life", span::show(self.life));
        pair("--instance", self.instance.clone());
        pair("--role", self.role.word().to_owned());
        if let Some(after) = self.exit_after {
            pair("--exit-after", span::show(after));
        }
        if let Some(address) = &self.listen {
            pair("--listen", address.clone());
        }
        if let Some(activation) = &self.activation {
            pair("--activation", activation.clone());
        }
        if let Some(term) = self.term {
            pair("--term", term.to_string());
        }
        let switches = [
            (self.alone, "--alone"),
            (!self.escapee, "--no-escapee"),
            (self.stage == Stage::ShieldThenRun, "--ignore-term"),
            (self.stage == Stage::Leave, "--leave"),
        ];
        args.extend(
            switches
                .into_iter()
                .filter(|(on, _)| *on)
                .map(|(_, flag)| flag.into()),
        );
        args
    }
}

fn text(value: OsString) -> Result<String, String> {
    value
        .into_string()
        .map_err(|value| format!("{} is not UTF-8", value.display()))
}

fn number<N: std::str::FromStr>(value: &str) -> Result<N, String> {
    value
        .parse()
        .map_err(|_| format!("{value:?} is not a number in range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_read_back_as_the_same_options() {
        let mut options = ProbeOptions::new("/tmp/some log");
        options.every = Duration::from_millis(3);
        options.alone = true;
        options.escapee = false;
        options.stop_takes = Duration::from_millis(250);
        options.exit_after = Some(Duration::from_secs(2));
        options.exit_code = 7;
        options.listen = Some("127.0.0.1:1".to_owned());
        options.life = Duration::from_secs(60);
        options.instance = "feed".to_owned();
        options.term = Some(9);
        options.role = ProbeRole::Grandchild;
        options.activation = Some("feed/9/1".to_owned());
        for stage in [Stage::Run, Stage::ShieldThenRun, Stage::Leave] {
            options.stage = stage;
            let read = ProbeOptions::parse(options.to_args(), |_| None).unwrap();
            assert_eq!(read, options);
        }
    }

    #[test]
    fn the_identity_comes_from_the_environment() {
        let env = |name: &str| match name {
            "TANIST_INSTANCE" => Some("feed".to_owned()),
            "TANIST_TERM" => Some("42".to_owned()),
            _ => None,
        };
        let options = ProbeOptions::parse(["--log".into(), "x".into()], env).unwrap();
        assert_eq!(
            (options.instance.as_str(), options.term),
            ("feed", Some(42))
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let parse = |args: &[&str]| {
            ProbeOptions::parse(args.iter().map(OsString::from), |_| None).unwrap_err()
        };
        assert_eq!(parse(&[]), "--log FILE is required");
        assert_eq!(parse(&["--log"]), "--log needs a file");
        assert_eq!(parse(&["--log", "x", "--every"]), "--every needs a value");
        assert_eq!(
            parse(&["--log", "x", "--color", "red"]),
            "unknown flag --color"
        );
        assert_eq!(
            parse(&["--exit-code", "300"]),
            "\"300\" is not a number in range"
        );
    }
}
