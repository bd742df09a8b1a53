//! One function per rule. Each returns what it refuses.

use std::fs;
use std::path::Path;

use super::source::{Source, has_word};

/// A file of more lines is a question.
const LONG: usize = 400;
/// A file of more lines is refused.
const TOO_LONG: usize = 600;

/// Words that say nothing, or something else than what is meant.
const WORDS: [&str; 4] = ["master", "slave", "heartbeat", "primary"];

/// Where such a word may stand all the same: the file, the word, why.
const SPOKEN_ELSEWHERE: [(&str, &str, &str); 3] = [
    ("xtask/src/tidy/rules.rs", "", "the list itself"),
    ("docs/", "master", "names of znodes other programs use"),
    ("README.md", "master", "names of znodes other programs use"),
];

/// Names of files and folders that say nothing.
const NAMES: [&str; 7] = [
    "utils", "util", "common", "imp", "misc", "helper", "helpers",
];

/// What is never left in the tree. Written in two halves, so that this list is not found.
const MARKS: [(&str, &str); 7] = [
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("to", "do!("),
    ("unimple", "mented!("),
    ("#[ig", "nore"),
    ("#[al", "low("),
];

/// Names of stores, which only the store's own folder and the table may say.
const STORES: [&str; 4] = ["etcd", "zookeeper", "zk", "local"];

/// The crates this holds for, and the places in them where stores are named.
const STORE_BLIND: [&str; 2] = ["tanist-core/src/", "tanist/src/"];
const STORES_NAMED: [(&str, &str); 4] = [
    (
        "tanist/src/backend/",
        "the stores' own folders and the table",
    ),
    ("tanist/src/backend.rs", "declares the folders"),
    ("tanist/src/target.rs", "what a user may write"),
    ("tanist/src/run_dir.rs", "what a user may write"),
];

/// Folders every machine has: one who keeps the tree there says nothing of himself.
const SHARED_PLACES: [&str; 8] = [
    "", "/home", "/opt", "/root", "/srv", "/tmp", "/usr/src", "/var/tmp",
];

/// Words of the vocabulary's black list, comments and prose included.
pub(crate) fn words(source: &Source<'_>) -> Vec<String> {
    if source.path.ends_with(".lock") || source.path.ends_with(".jsonl") {
        return Vec::new();
    }
    let excused = |word: &str| {
        SPOKEN_ELSEWHERE
            .iter()
            .any(|(path, excused, _)| source.path.starts_with(path) && word.contains(excused))
    };
    let words: Vec<_> = WORDS.into_iter().filter(|word| !excused(word)).collect();
    let each = source
        .lines
        .iter()
        .flat_map(|line| words.iter().map(move |word| (line, word)));
    each.filter(|(line, word)| has_word(line.text, word))
        .map(|(line, word)| format!("{}: the word {word} is not used here", source.at(line)))
        .collect()
}

/// Unfinished work, tests that skip themselves, excuses without an end.
pub(crate) fn marks(source: &Source<'_>) -> Vec<String> {
    if !source.is_rust() && !source.path.ends_with(".md") {
        return Vec::new();
    }
    let marks = MARKS.map(|(left, right)| format!("{left}{right}"));
    let each = source
        .lines
        .iter()
        .flat_map(|line| marks.iter().map(move |mark| (line, mark)));
    each.filter(|(line, mark)| line.text.contains(mark.as_str()))
        .map(|(line, mark)| format!("{}: {mark} has no place here", source.at(line)))
        .collect()
}

/// A store named where none may be known. Comments may explain, tests may use one.
pub(crate) fn stores(source: &Source<'_>) -> Vec<String> {
    let named = STORES_NAMED
        .iter()
        .any(|(path, _)| source.path.starts_with(path));
    if named || !STORE_BLIND.iter().any(|path| source.path.starts_with(path)) {
        return Vec::new();
    }
    let lines = source
        .lines
        .iter()
        .filter(|line| !line.comment && !line.test);
    let each = lines.flat_map(|line| STORES.iter().map(move |store| (line, store)));
    each.filter(|(line, store)| has_word(line.text, store))
        .map(|(line, store)| {
            format!(
                "{}: {store} may be named only in its folder and the table",
                source.at(line)
            )
        })
        .collect()
}

/// A file or folder whose name says nothing.
pub(crate) fn names(source: &Source<'_>) -> Option<String> {
    let says_nothing = |part: &str| NAMES.contains(&part.trim_end_matches(".rs"));
    source
        .path
        .split('/')
        .any(says_nothing)
        .then(|| format!("{}: name it for what it is", source.path))
}

/// A path that exists only where it was written.
pub(crate) fn this_place(source: &Source<'_>, root: &Path) -> Vec<String> {
    let Some(place) = root.parent().map(|place| place.display().to_string()) else {
        return Vec::new();
    };
    if SHARED_PLACES.contains(&place.trim_end_matches('/')) {
        return Vec::new();
    }
    let place = format!("{place}/");
    let lines = source
        .lines
        .iter()
        .filter(|line| line.text.contains(&place));
    lines
        .map(|line| format!("{}: {place} means nothing elsewhere", source.at(line)))
        .collect()
}

/// A Rust file that is too long.
pub(crate) fn size(source: &Source<'_>) -> Option<String> {
    let lines = source.lines.len();
    (source.is_rust() && lines > TOO_LONG)
        .then(|| format!("{}: {lines} lines, {TOO_LONG} are refused", source.path))
}

/// A Rust file that may want to be two.
pub(crate) fn long(source: &Source<'_>) -> Option<String> {
    let lines = source.lines.len();
    (source.is_rust() && lines > LONG && lines <= TOO_LONG).then(|| {
        format!(
            "{}: {lines} lines; is there a second thing in it?",
            source.path
        )
    })
}

/// A store's folder without its `docs.md`.
pub(crate) fn described(files: &[String]) -> Vec<String> {
    const FOLDER: &str = "tanist/src/backend/";
    let mut stores: Vec<&str> = files
        .iter()
        .filter_map(|file| {
            file.strip_prefix(FOLDER)?
                .split_once('/')
                .map(|(store, _)| store)
        })
        .collect();
    stores.dedup();
    let has_docs = |store: &str| files.contains(&format!("{FOLDER}{store}/docs.md"));
    let without = stores.into_iter().filter(|store| !has_docs(store));
    without
        .map(|store| format!("{FOLDER}{store}/docs.md is missing"))
        .collect()
}

/// A README that does not show how to begin.
pub(crate) fn examples(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("README.md")).unwrap_or_default();
    let shown = text.split("```").skip(1).step_by(2);
    let runs = shown.filter(|block| block.contains("run -e")).count();
    (runs == 0).then(|| "README.md: no example of `run -e`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_found_in_code_and_prose_and_excused_where_it_must_be() {
        let text = "// The Master of all\nlet heartbeat_at = 1;\nfine";
        let found = words(&Source::new("tanist/src/x.rs", text));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[1].starts_with("tanist/src/x.rs:2: the word heartbeat"),
            "{found:?}"
        );
        let excused = words(&Source::new(
            "docs/zookeeper.md",
            "create /master, no slave",
        ));
        assert_eq!(excused.len(), 1, "{excused:?}");
    }

    #[test]
    fn every_mark_is_found() {
        for (left, right) in MARKS {
            let text = format!("x {left}{right} y");
            assert_eq!(marks(&Source::new("a/src/x.rs", &text)).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_store_is_named_only_where_it_may_be() {
        let text = "//! etcd explained\nuse crate::zk;\n#[cfg(test)]\nlet x = \"local:\";";
        assert_eq!(stores(&Source::new("tanist/src/driver.rs", text)).len(), 1);
        assert_eq!(stores(&Source::new("tanist-core/src/x.rs", text)).len(), 1);
        assert!(stores(&Source::new("tanist/src/backend/etcd/mod.rs", text)).is_empty());
        assert!(stores(&Source::new("tanist-cli/src/x.rs", text)).is_empty());
        assert!(stores(&Source::new("tanist/src/x.rs", "let localhost = 1;")).is_empty());
    }

    #[test]
    fn sizes_names_and_places_are_looked_at() {
        let text = "x\n".repeat(TOO_LONG + 1);
        assert!(size(&Source::new("a/src/x.rs", &text)).is_some());
        assert!(size(&Source::new("a/src/x.jsonl", &text)).is_none());
        let text = "x\n".repeat(LONG + 1);
        assert!(long(&Source::new("a/src/x.rs", &text)).is_some());
        assert!(size(&Source::new("a/src/x.rs", &text)).is_none());
        assert!(names(&Source::new("a/src/utils.rs", "")).is_some());
        assert!(names(&Source::new("a/src/common/x.rs", "")).is_some());
        assert!(names(&Source::new("a/src/commonly.rs", "")).is_none());
        let source = Source::new("a.md", "see /home/me/tanist/x");
        assert_eq!(this_place(&source, Path::new("/home/me/tanist")).len(), 1);
        assert!(this_place(&source, Path::new("/tanist")).is_empty());
    }

    #[test]
    fn a_store_without_its_docs_is_refused() {
        let files = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let one = "tanist/src/backend/one/mod.rs";
        assert_eq!(
            described(&files(&[one, "tanist/src/backend/table.rs"])),
            ["tanist/src/backend/one/docs.md is missing"]
        );
        assert!(described(&files(&[one, "tanist/src/backend/one/docs.md"])).is_empty());
    }
}
