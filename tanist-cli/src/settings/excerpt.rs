use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

/// A place in a file, drawn with the line it is in and a caret below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    path: PathBuf,
    line: usize,
    column: usize,
    text: String,
    width: usize,
}

impl Excerpt {
    /// The place `bytes` of `source`, which is what the file at `path` holds.
    pub(crate) fn new(path: impl Into<PathBuf>, source: &str, bytes: Range<usize>) -> Self {
        let start = boundary(source, bytes.start);
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = source[line_start..].lines().next().unwrap_or_default();
        let end = boundary(source, bytes.end.min(line_start + text.len()));
        let marked = source.get(start..end).unwrap_or_default();
        Self {
            path: path.into(),
            line: before.matches('\n').count() + 1,
            column: source[line_start..start].chars().count() + 1,
            // One column each, or the caret would be elsewhere.
            text: text.replace('\t', " "),
            width: marked.chars().count().max(1),
        }
    }

    /// `FILE:LINE`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.path.display(), self.line)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "  --> {}:{}", self.place(), self.column)?;
        writeln!(f, "  {number} │ {}", self.text)?;
        let indent = " ".repeat(self.column - 1);
        write!(f, "  {margin} │ {indent}{}", "^".repeat(self.width))
    }
}

/// The beginning of the character that `at` is in.
fn boundary(source: &str, at: usize) -> usize {
    let at = at.min(source.len());
    (0..=at)
        .rev()
        .find(|&at| source.is_char_boundary(at))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_is_below_what_is_meant() {
        let source = "a = 1\n\té = \"x\" # ü\n";
        let at = source.find('x').unwrap() - 1;
        let drawn = Excerpt::new("f.toml", source, at..at + 3).to_string();
        let expected = "  --> f.toml:2:6\n  2 │  é = \"x\" # ü\n    │      ^^^";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_place_at_the_end_or_over_several_lines_has_a_caret_too() {
        let drawn = |source: &str, bytes| Excerpt::new("f", source, bytes).to_string();
        assert_eq!(drawn("a =", 3..3), "  --> f:1:4\n  1 │ a =\n    │    ^");
        assert_eq!(
            drawn("a = [\n1]", 4..8),
            "  --> f:1:5\n  1 │ a = [\n    │     ^"
        );
        assert_eq!(drawn("a\n", 2..9), "  --> f:2:1\n  2 │ \n    │ ^");
    }
}
