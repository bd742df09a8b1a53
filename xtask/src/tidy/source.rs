/// A file, with what the rules need to know of each line.
pub(crate) struct Source<'a> {
    /// From the root of the workspace.
    pub(crate) path: &'a str,
    /// The lines.
    pub(crate) lines: Vec<Line<'a>>,
}

/// A line of a file.
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: usize,
    /// What is written.
    pub(crate) text: &'a str,
    /// Whether it is a comment as a whole.
    pub(crate) comment: bool,
    /// Whether it is part of a test.
    pub(crate) test: bool,
}

impl<'a> Source<'a> {
    /// Reads a file. Tests are at the bottom, so the first sign of them counts for the rest.
    pub(crate) fn new(path: &'a str, text: &'a str) -> Self {
        let mut test = path.contains("/tests/") || path.ends_with("tests.rs");
        let lines = text.lines().enumerate().map(|(index, text)| {
            test |= text.trim() == "#[cfg(test)]";
            let comment = text.trim_start().starts_with("//");
            Line {
                number: index + 1,
                text,
                comment,
                test,
            }
        });
        Self {
            path,
            lines: lines.collect(),
        }
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// How a line is named in a refusal.
    pub(crate) fn at(&self, line: &Line<'_>) -> String {
        format!("{}:{}", self.path, line.number)
    }
}

/// Whether `text` contains `word` by itself, in whatever case.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(word).any(|(at, _)| {
        edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_by_themselves() {
        assert!(has_word("the Beat goes on", "beat"));
        assert!(
            has_word("a_beat", "beat"),
            "part of an identifier is a word too"
        );
        assert!(!has_word("upbeat", "beat"));
        assert!(!has_word("beaten", "beat"));
    }

    #[test]
    fn what_follows_the_first_sign_of_tests_is_test() {
        let source = Source::new("a/src/b.rs", "code\n// said\n#[cfg(test)]\nmod tests {}");
        let seen: Vec<_> = source
            .lines
            .iter()
            .map(|line| (line.comment, line.test))
            .collect();
        assert_eq!(
            seen,
            [(false, false), (true, false), (false, true), (false, true)]
        );
        assert!(Source::new("a/tests/b.rs", "x").lines[0].test);
    }
}
