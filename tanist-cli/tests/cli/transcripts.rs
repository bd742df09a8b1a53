//! What tanist prints, as it is kept in `docs/transcripts/`: made by running it, and compared.
//!
//! `TANIST_BLESS=1 cargo test -p tanist-cli --test cli transcripts` writes the files anew.

mod codes;
mod errors;
mod live;
mod mask;
mod script;

use std::collections::BTreeSet;
use std::path::Path;

use script::Script;

/// One thing to be shown: its heading, and what is done.
pub(crate) type Scene = (&'static str, fn(&mut Script));

/// Plays scenes, several at a time, and returns what each printed.
fn play(scenes: &[Scene]) -> Vec<String> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut all = vec![String::new(); scenes.len()];
    let slots = std::sync::Mutex::new(&mut all);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some((heading, act)) = scenes.get(at) else {
                        return;
                    };
                    let mut script = Script::new();
                    act(&mut script);
                    let text = format!("## {heading}\n\n```console\n{}```\n", script.text());
                    slots.lock().unwrap()[at] = text;
                }
            });
        }
    });
    all
}

/// Fails where the file says something else than was just printed.
fn compare(name: &str, head: &str, scenes: &[String]) {
    let path = format!("{}/../docs/transcripts/{name}", env!("CARGO_MANIFEST_DIR"));
    let path = Path::new(&path);
    let text = format!("{head}\n{}", scenes.join("\n"));
    if std::env::var_os("TANIST_BLESS").is_some() {
        std::fs::write(path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    if kept == text {
        return;
    }
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (kept.lines().collect(), text.lines().collect());
    let gone = kept.lines().filter(|line| !new.contains(line));
    let come = text.lines().filter(|line| !old.contains(line));
    let gone: Vec<_> = gone.map(|line| format!("- {line}")).collect();
    let come: Vec<_> = come.map(|line| format!("+ {line}")).collect();
    panic!(
        "docs/transcripts/{name} is out of date; TANIST_BLESS=1 writes it anew:\n{}\n{}",
        gone.join("\n"),
        come.join("\n")
    );
}

/// The headings of what was played.
fn headings(scenes: &[Scene]) -> BTreeSet<&'static str> {
    scenes.iter().map(|(heading, _)| *heading).collect()
}

#[test]
fn the_help_is_what_is_kept() {
    let mut script = Script::new();
    let help = script.output("tanist --help");
    let verbs = help.split_once("Commands:\n").unwrap().1;
    let verbs = verbs.split_once("\n\n").unwrap().0;
    let words = verbs.lines().filter_map(|line| line.strip_prefix("  "));
    let words = words.filter(|line| !line.starts_with(' '));
    let mut commands = vec!["tanist".to_owned()];
    for word in words.filter_map(|line| line.split_whitespace().next()) {
        commands.push(format!("tanist {word}"));
        if word == "config" {
            commands.extend(["check", "show", "init"].map(|act| format!("tanist config {act}")));
        }
    }
    assert!(commands.len() > 18, "{commands:?}");
    let shown = commands.iter().map(|command| {
        let mut script = Script::new();
        script.sh(&format!("{command} --help"));
        format!("## {command}\n\n```console\n{}```\n", script.text())
    });
    let head = "# What `--help` prints\n\nMade by running it; see `tests/cli/transcripts.rs`.\n";
    compare("help.md", head, &shown.collect::<Vec<_>>());
}

#[test]
fn every_error_is_what_is_kept() {
    let mut scenes = [errors::SCENES, live::SCENES].concat();
    scenes.sort_by_key(|(slug, _)| *slug);
    let shown = headings(&scenes);
    let text = include_str!("../../src/explanations.md");
    let slugs = text.lines().filter_map(|line| line.strip_prefix("## "));
    let slugs: BTreeSet<&str> = slugs.collect();
    let unshown: BTreeSet<&str> = errors::UNSHOWN.iter().map(|(slug, _)| *slug).collect();
    let missing: Vec<_> = slugs.iter().filter(|slug| !shown.contains(*slug)).collect();
    let missing: Vec<_> = missing
        .iter()
        .filter(|slug| !unshown.contains(**slug))
        .collect();
    assert!(missing.is_empty(), "nobody has seen {missing:?}");
    let idle: Vec<_> = shown
        .union(&unshown)
        .filter(|slug| !slugs.contains(*slug))
        .collect();
    assert!(idle.is_empty(), "there is no slug {idle:?}");
    assert!(shown.is_disjoint(&unshown), "shown after all");
    let played = play(&scenes);
    for ((slug, _), text) in scenes.iter().zip(&played) {
        let tag = [format!("[{slug}]"), format!("reason={slug}")];
        let said = tag.iter().any(|tag| text.contains(tag)) || *slug == "usage";
        assert!(said, "{slug} was not provoked:\n{text}");
    }
    let rows = errors::UNSHOWN.iter();
    let rows: String = rows
        .map(|(slug, why)| format!("| `{slug}` | {why} |\n"))
        .collect();
    let head = format!(
        "# Every error, as it is printed\n\nMade by running the commands; `tanist explain SLUG` says \
         more. What differs with each run is written in capitals.\n\nNot shown:\n\n| slug | why |\n\
         |---|---|\n{rows}"
    );
    compare("errors.md", &head, &played);
}

#[test]
fn every_exit_code_is_what_is_kept() {
    let reference = include_str!("../../../docs/reference.md");
    let table = reference.split_once("## Exit codes\n").unwrap().1;
    let table = table.split_once("\n\n## ").unwrap().0;
    let cells = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let documented = cells.flat_map(|cell| cell.split(", ")).filter(|cell| {
        let known = cell.parse::<u8>().is_ok() || cell.contains("128+N") || cell.contains("child");
        assert!(known || *cell == "code", "{cell}");
        *cell != "code"
    });
    let documented: BTreeSet<&str> = documented.collect();
    let shown = headings(codes::SCENES);
    let unshown = codes::UNSHOWN.iter().map(|(code, _)| *code).collect();
    let all: BTreeSet<&str> = shown.union(&unshown).copied().collect();
    assert_eq!(all, documented);
    let played = play(codes::SCENES);
    for ((code, _), text) in codes::SCENES.iter().zip(&played) {
        if code.parse::<u8>().is_ok() {
            assert!(text.contains(&format!("exit status {code}\n")), "{text}");
        }
    }
    let rows = codes::UNSHOWN.iter();
    let rows: String = rows
        .map(|(code, why)| format!("{code} is not shown: {why}\n"))
        .collect();
    let head = format!("# Every exit code, with a command that ends with it\n\n{rows}");
    compare("exit-codes.md", &head, &played);
}
