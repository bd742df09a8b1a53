use super::ChildWord;

/// What a child said and nobody took yet. Of each kind the last one counts, so it never grows.
#[derive(Debug, Default)]
pub(super) struct Words {
    ready: bool,
    status: Option<String>,
    life: Option<ChildWord>,
}

/// Of a status, in characters.
const STATUS_MAX: usize = 200;

impl Words {
    /// Takes a message apart.
    pub(super) fn hear(&mut self, text: &str) {
        for line in text.lines() {
            match line.split_once('=') {
                Some(("READY", "1")) => {
                    self.ready = true;
                    // It is a sign of life, too, and comes out first.
                    self.life = None;
                }
                Some(("WATCHDOG", "1")) => self.life = Some(ChildWord::Alive),
                Some(("WATCHDOG", "trigger")) => self.life = Some(ChildWord::Stuck),
                Some(("STATUS", status)) => {
                    let plain = status.chars().map(|c| if c.is_control() { ' ' } else { c });
                    self.status = Some(plain.take(STATUS_MAX).collect());
                }
                _ => {}
            }
        }
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<ChildWord> {
        if std::mem::take(&mut self.ready) {
            return Some(ChildWord::Ready);
        }
        self.status
            .take()
            .map(ChildWord::Status)
            .or_else(|| self.life.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(texts: &[&str]) -> Vec<ChildWord> {
        let mut words = Words::default();
        texts.iter().for_each(|text| words.hear(text));
        std::iter::from_fn(|| words.pop()).collect()
    }

    #[test]
    fn words_are_lines_and_what_is_not_ours_is_passed_over() {
        let words = heard(&["READY=1\nMAINPID=7\nSTATUS=up \u{1b}[2J=2\nWATCHDOG=trigger\nX"]);
        let status = ChildWord::Status("up  [2J=2".to_owned());
        assert_eq!(words, [ChildWord::Ready, status, ChildWord::Stuck]);
    }

    #[test]
    fn of_each_kind_the_last_one_counts() {
        let words = heard(&[
            "STATUS=a",
            "WATCHDOG=trigger",
            "READY=1",
            "WATCHDOG=1",
            "STATUS=b",
        ]);
        let status = ChildWord::Status("b".to_owned());
        assert_eq!(words, [ChildWord::Ready, status, ChildWord::Alive]);
        let words = heard(&["WATCHDOG=trigger", "READY=1"]);
        assert_eq!(words, [ChildWord::Ready], "it lives after all");
    }
}
