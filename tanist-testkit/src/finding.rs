use std::fmt;
use std::time::Duration;

use tanist_core::Moment;

use crate::activation::Writer;
use crate::line::ProbeRole;

/// One thing a history shows that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A process of the earlier activation was alive after the later one had begun.
    Overlap {
        /// Which ran on.
        earlier: String,
        /// Which had begun.
        later: String,
        /// For how long both ran.
        by: Duration,
        /// When the later one began.
        from: Moment,
        /// Who wrote the earlier one's last line.
        writer: Writer,
        /// The number of that line in the file.
        line: usize,
    },
    /// A line that names an earlier moment but was written after the later activation had begun:
    /// its writer was alive then, if only to write it.
    LateLine {
        /// Which wrote late.
        earlier: String,
        /// Which had begun.
        later: String,
        /// The number of the late line in the file.
        line: usize,
    },
    /// A later activation with a lower term.
    TermFell {
        /// Which has the lower term.
        activation: String,
        /// Its term.
        term: u64,
        /// The highest before.
        before: u64,
    },
    /// The same term for two instances, or taken up again after another had led.
    TermTwice {
        /// Which had it second.
        activation: String,
        /// The term.
        term: u64,
    },
    /// An activation without a term, or with more than one.
    NoTerm {
        /// Which.
        activation: String,
    },
    /// A process of the work is alive at the end.
    Survivor {
        /// What it is.
        process: String,
    },
    /// There are more or fewer activations than there must be.
    Activations {
        /// How many there are.
        found: usize,
        /// How few there may be.
        least: usize,
        /// How many there may be.
        most: usize,
    },
    /// A process that had to write did not.
    Silent {
        /// In which activation.
        activation: String,
        /// Which.
        role: ProbeRole,
    },
    /// Nobody was active for too long.
    Gap {
        /// Before which activation.
        before: String,
        /// How long.
        was: Duration,
        /// How long it may be.
        allowed: Duration,
    },
    /// A line that nobody can have written whole.
    Broken {
        /// Its number in the file.
        line: usize,
    },
}

impl Finding {
    /// The safety property that does not hold: S1 no two activations overlap, S2 terms rise, S3 no
    /// term is issued twice, S4 nothing of the work is left. Empty for what the caller expected
    /// beyond them.
    pub const fn property(&self) -> &'static str {
        match self {
            Self::Overlap { .. } | Self::LateLine { .. } => "S1",
            Self::TermFell { .. } => "S2",
            Self::TermTwice { .. } => "S3",
            Self::Survivor { .. } => "S4",
            Self::NoTerm { .. }
            | Self::Activations { .. }
            | Self::Silent { .. }
            | Self::Gap { .. }
            | Self::Broken { .. } => "",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let property = self.property();
        if !property.is_empty() {
            write!(f, "{property}: ")?;
        }
        match self {
            Self::Overlap {
                earlier,
                later,
                by,
                from,
                writer,
                line,
            } => write!(
                f,
                "overlap of {}: {earlier} ran on after {later} had begun at {from} \
                 (last by {writer}, line {line})",
                Millis(*by)
            ),
            Self::LateLine {
                earlier,
                later,
                line,
            } => {
                write!(
                    f,
                    "late line {line}: {earlier} wrote it after {later} had begun"
                )
            }
            Self::TermFell {
                activation,
                term,
                before,
            } => {
                write!(f, "term fell from {before} to {term} with {activation}")
            }
            Self::TermTwice { activation, term } => {
                write!(
                    f,
                    "term {term} issued twice, the second time to {activation}"
                )
            }
            Self::NoTerm { activation } => write!(f, "{activation} has not one term"),
            Self::Survivor { process } => write!(f, "alive at the end: {process}"),
            Self::Activations { found, least, most } if least == most => {
                write!(f, "{found} activations instead of {least}")
            }
            Self::Activations { found, least, .. } if found < least => {
                write!(f, "{found} activations, fewer than {least}")
            }
            Self::Activations { found, most, .. } => {
                write!(f, "{found} activations, more than {most}")
            }
            Self::Silent { activation, role } => {
                write!(f, "no {} of {activation} wrote a line", role.word())
            }
            Self::Gap {
                before,
                was,
                allowed,
            } => write!(
                f,
                "nobody active for {} before {before}, {} allowed",
                Millis(*was),
                Millis(*allowed)
            ),
            Self::Broken { line } => write!(f, "line {line} is broken"),
        }
    }
}

/// A span in milliseconds, to the microsecond.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:03} ms",
            self.0.as_millis(),
            self.0.subsec_micros() % 1000
        )
    }
}
