use std::fmt;

use tanist::ErrorKind;

use crate::exit::{Code, Exit};
use crate::settings::Source;

/// Why tanist cannot do what was asked: what, where, why, and what to do next.
///
/// The slug in brackets never changes once published, so that it can be searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    code: Code,
    slug: &'static str,
    what: String,
    place: Option<Spot>,
    why: Vec<String>,
    next: Vec<String>,
}

/// The line of a settings file that is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Spot {
    /// As an excerpt.
    Drawn(Box<str>),
    /// `FILE:LINE`.
    Line(Box<str>),
}

impl Problem {
    /// A problem that ends the process with `code`.
    pub(crate) fn new(code: Code, slug: &'static str, what: impl Into<String>) -> Self {
        Self {
            code,
            slug,
            what: what.into(),
            place: None,
            why: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Wrong usage.
    pub(crate) fn usage(slug: &'static str, what: impl Into<String>) -> Self {
        Self::new(Code::Usage, slug, what)
    }

    /// Shows the place in a file, as [`crate::settings::Excerpt`] draws it.
    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(Spot::Drawn(place.to_string().into()));
        self
    }

    /// Adds where it happened or why.
    pub(crate) fn because(mut self, why: impl fmt::Display) -> Self {
        self.why.push(why.to_string());
        self
    }

    /// Adds what follows, or what to do next.
    pub(crate) fn next(mut self, next: impl fmt::Display) -> Self {
        self.next.push(next.to_string());
        self
    }

    /// Adds where the value comes from that is to blame, unless nobody set it.
    pub(crate) fn set_by(mut self, source: &Source) -> Self {
        if let Source::File(line) = source {
            self.place = Some(Spot::Line(line.as_str().into()));
        }
        match source {
            Source::Default => self,
            source => self.because(format_args!("it comes from {source}")),
        }
    }

    /// The line of a settings file that is to blame, `FILE:LINE`, unless it is drawn already.
    pub(crate) fn line(&self) -> Option<&str> {
        match &self.place {
            Some(Spot::Line(line)) => Some(line),
            Some(Spot::Drawn(_)) | None => None,
        }
    }

    /// The same, found in a settings file and nowhere else.
    pub(crate) fn of_the_file(mut self) -> Self {
        self.code = Code::Config;
        self
    }

    /// How the process ends by it.
    pub(crate) const fn exit(&self) -> Exit {
        Exit::of(self.code, self.slug)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.what, self.slug)?;
        if let Some(Spot::Drawn(place)) = &self.place {
            write!(f, "\n{place}")?;
        }
        for why in &self.why {
            write!(f, "\n  │ {}", why.replace('\n', "\n  │ "))?;
        }
        for next in &self.next {
            write!(f, "\n  = {next}")?;
        }
        Ok(())
    }
}

impl Problem {
    /// What the library could not do.
    pub(crate) fn of(error: tanist::Error) -> Self {
        let (code, slug) = match error.kind() {
            ErrorKind::Invalid => (Code::Usage, "store::invalid"),
            ErrorKind::NotCompiled => (Code::Usage, "store::not-compiled"),
            ErrorKind::Unsupported => (Code::Usage, "store::unsupported"),
            ErrorKind::Unreachable => (Code::Unavailable, "store::unreachable"),
            ErrorKind::Changed => (Code::TempFail, "store::changed"),
            ErrorKind::Unsafe => (Code::CantCreate, "store::unsafe"),
            ErrorKind::Garbage => (Code::Protocol, "store::garbage"),
            ErrorKind::Denied => (Code::NoPerm, "store::denied"),
            ErrorKind::Io => (Code::OsError, "store::io"),
            _ => (Code::Software, "store::closed"),
        };
        Self::new(code, slug, error.to_string())
    }
}

impl From<tanist::Error> for Problem {
    fn from(error: tanist::Error) -> Self {
        Self::of(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_why_and_what_next() {
        let problem = Problem::usage("run::command-not-found", "there is no command nosuch")
            .because("looked in /bin")
            .next("nothing was started");
        assert_eq!(
            problem.to_string(),
            "there is no command nosuch [run::command-not-found]\n  │ looked in /bin\n  \
             = nothing was started"
        );
        assert_eq!(problem.exit().code(), 64);
    }
}
