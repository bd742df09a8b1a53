/// What one run of a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) grade: Grade,
    /// Why, for people: one short line.
    pub(super) note: String,
}

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    Pass,
    /// Well enough to lead, if nobody is better.
    Warn,
    Fail,
}

impl Outcome {
    /// The longest note, in characters.
    pub(super) const NOTE_MAX: usize = 200;

    pub(super) fn pass() -> Self {
        Self::new(Grade::Pass, "")
    }

    pub(super) fn fail(note: impl AsRef<str>) -> Self {
        Self::new(Grade::Fail, note)
    }

    /// The note is cut to its first line, without what a terminal would act on.
    pub(super) fn new(grade: Grade, note: impl AsRef<str>) -> Self {
        let line = note.as_ref().lines().find(|line| !line.trim().is_empty());
        let line = line.unwrap_or_default().trim();
        let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self {
            grade,
            note: plain.take(Self::NOTE_MAX).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_short_line() {
        let note = |text: &str| Outcome::fail(text).note;
        assert_eq!(note("\n  /data 91% full \nmore"), "/data 91% full");
        assert_eq!(note("a\u{1b}[2Jb\tc"), "a [2Jb c");
        assert_eq!(note(&"ä".repeat(1000)), "ä".repeat(Outcome::NOTE_MAX));
    }
}
