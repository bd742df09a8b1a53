use super::status::unwritten;
use crate::args::ExplainArgs;
use crate::exit::{Code, Exit};
use crate::printer::Printer;
use crate::problem::Problem;

/// One text for each slug: `## SLUG`, then the lines What, Why and Do.
const TEXTS: &str = include_str!("../explanations.md");

/// Prints what a slug means, or which there are. Needs neither a store nor a network.
pub(super) fn main(args: &ExplainArgs) -> Result<Exit, Problem> {
    let text = match &args.slug {
        Some(slug) => explanation(slug)?,
        None => all()
            .map(|(slug, text)| format!("{slug}: {}\n", what(text)))
            .collect(),
    };
    Printer::default().print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "explain"))
}

fn explanation(slug: &str) -> Result<String, Problem> {
    // As it is copied from a message.
    let asked = slug.trim_matches(['[', ']']).trim_start_matches("reason=");
    if let Some((found, text)) = all().find(|(known, _)| *known == asked) {
        return Ok(format!("{found}\n\n{text}\n"));
    }
    let near = all()
        .map(|(known, _)| (strsim::damerau_levenshtein(known, asked), known))
        .min()
        .filter(|&(steps, known)| steps <= 1 + known.len() / 3);
    let what = format!("there is no slug {slug:?}");
    let problem = Problem::usage("explain::unknown", what);
    Err(match near {
        Some((_, known)) => problem.next(format_args!("did you mean {known}?")),
        None => problem.next("tanist explain lists all"),
    })
}

/// Every slug.
pub(crate) fn slugs() -> impl Iterator<Item = &'static str> {
    all().map(|(slug, _)| slug)
}

/// Every slug with its text.
fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS
        .split("\n## ")
        .skip(1)
        .filter_map(|part| part.split_once('\n'))
        .map(|(slug, text)| (slug, text.trim_end()))
}

fn what(text: &str) -> &str {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("What: ").unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The source that a program is made of, without its tests.
    fn sources(dir: &Path, into: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                into.push_str(text.split("#[cfg(test)]\nmod tests").next().unwrap());
            }
        }
    }

    fn source() -> String {
        let mut text = String::new();
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        sources(&src, &mut text);
        text
    }

    /// Every string of the form `word::word`.
    fn slugs_of_the_source() -> BTreeSet<String> {
        let text = source();
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        };
        let is_slug = |text: &&str| {
            let parts = text.split_once("::");
            parts.is_some_and(|(area, fault)| word(area) && word(fault))
        };
        text.split('"').filter(is_slug).map(str::to_owned).collect()
    }

    #[test]
    fn every_slug_that_the_source_has_is_explained() {
        let slugs = slugs_of_the_source();
        assert!(slugs.len() > 60, "{slugs:?}");
        let explained: BTreeSet<_> = all().map(|(slug, _)| slug.to_owned()).collect();
        let missing: Vec<_> = slugs.difference(&explained).collect();
        assert!(missing.is_empty(), "explanations.md lacks {missing:?}");
    }

    #[test]
    fn nothing_is_explained_that_cannot_happen() {
        let source = source();
        let raised = |slug: &&str| source.contains(&format!("\"{slug}\""));
        let idle: Vec<_> = slugs().filter(|slug| !raised(slug)).collect();
        assert!(idle.is_empty(), "no source raises {idle:?}");
    }

    #[test]
    fn every_explanation_says_what_why_and_what_to_do() {
        let slugs: Vec<_> = all().map(|(slug, _)| slug).collect();
        let once: BTreeSet<_> = slugs.iter().collect();
        assert_eq!(once.len(), slugs.len(), "one is explained twice");
        for (slug, text) in all() {
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 3, "{slug}");
            for (line, head) in lines.iter().zip(["What: ", "Why: ", "Do: "]) {
                let said = line.strip_prefix(head);
                assert!(said.is_some_and(|said| said.len() > 15), "{slug}: {line}");
            }
        }
    }
}
