use std::str::FromStr;

/// A pattern for names of variables: `*` is any text, `?` any one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    /// Whether the whole of `name` fits.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where the last star stood, and how far it has reached.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, n));
                    p += 1;
                }
                Some(&c) if c == b'?' || c == name[n] => {
                    p += 1;
                    n += 1;
                }
                _ => {
                    let Some((at, reached)) = star else {
                        return false;
                    };
                    star = Some((at, reached + 1));
                    p = at + 1;
                    n = reached + 1;
                }
            }
        }
        pattern[p..].iter().all(|&c| c == b'*')
    }
}

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.contains('=') {
            return Err("a pattern names variables, for example AWS_* or *_TOKEN".to_owned());
        }
        if let Some(odd) = text
            .chars()
            .find(|c| matches!(c, '[' | ']' | '{' | '}' | '!' | '\\'))
        {
            return Err(format!(
                "{odd:?} has no meaning in a pattern: * is any text, ? any one character"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_patterns_know_is_refused_and_not_taken_for_itself() {
        for text in ["[", "A[BC]", "{A,B}", "!A", "A\\*", "", "A=B"] {
            assert!(text.parse::<Glob>().is_err(), "{text}");
        }
    }

    #[test]
    fn stars_and_question_marks_cover_the_whole_name() {
        for (pattern, name, fits) in [
            ("PATH", "PATH", true),
            ("PATH", "PATHS", false),
            ("AWS_*", "AWS_SECRET", true),
            ("AWS_*", "MY_AWS_X", false),
            ("*_TOKEN", "A_TOKEN_TOKEN", true),
            ("*A*B", "xAyBzAB", true),
            ("*A*B", "xAyBz", false),
            ("LC_?", "LC_X", true),
            ("LC_?", "LC_", false),
            ("*", "", true),
        ] {
            assert_eq!(
                pattern.parse::<Glob>().unwrap().matches(name),
                fits,
                "{pattern} {name}"
            );
        }
    }
}
