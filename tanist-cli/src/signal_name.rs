use std::fmt;
use std::str::FromStr;

/// A signal by the name or number that `kill -l` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignalName(i32);

/// The numbers of Linux on every architecture that Rust's std supports for servers (x86, ARM,
/// RISC-V, POWER, s390x); MIPS and SPARC differ and are not built for.
const NAMES: [(&str, i32); 30] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
];

/// Real-time signals as the C library numbers them: the first two belong to it.
const RT: std::ops::RangeInclusive<i32> = 34..=64;

impl SignalName {
    /// What asks a program to end.
    pub(crate) const TERM: Self = Self(15);

    /// The signal with this number.
    pub(crate) const fn numbered(number: i32) -> Self {
        Self(number)
    }

    /// Its number.
    pub(crate) const fn number(self) -> i32 {
        self.0
    }
}

impl FromStr for SignalName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.trim().to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(&(_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(Self(number));
        }
        let number = name
            .parse::<i32>()
            .ok()
            .or_else(|| Some(RT.start() + name.strip_prefix("RTMIN+")?.parse::<i32>().ok()?))
            .filter(|n| NAMES.iter().any(|(_, known)| known == n) || RT.contains(n));
        number
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no signal; write for example TERM, INT or USR1"))
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None if RT.contains(&self.0) => write!(f, "SIGRTMIN+{}", self.0 - RT.start()),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_prefixes_and_numbers_mean_the_same() {
        for text in ["TERM", "SIGTERM", "sigterm", "term", "15"] {
            assert_eq!(text.parse::<SignalName>(), Ok(SignalName::TERM), "{text}");
        }
        assert_eq!("RTMIN+3".parse::<SignalName>().unwrap().number(), 37);
        assert_eq!(
            "SIGQUIT".parse::<SignalName>().unwrap().to_string(),
            "SIGQUIT"
        );
        for text in ["", "NOPE", "0", "99", "RTMIN+90", "-15"] {
            assert!(text.parse::<SignalName>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_table_agrees_with_the_system() {
        use rustix::process::Signal;
        assert_eq!(SignalName::TERM.number(), Signal::TERM.as_raw());
        for (name, signal) in [
            ("USR2", Signal::USR2),
            ("WINCH", Signal::WINCH),
            ("TTOU", Signal::TTOU),
        ] {
            assert_eq!(
                name.parse::<SignalName>().unwrap().number(),
                signal.as_raw()
            );
        }
    }
}
