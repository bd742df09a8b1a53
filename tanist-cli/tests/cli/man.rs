//! The manual, as `tanist man` writes it.

use std::collections::BTreeMap;
use std::process::Command;

use crate::stage::{Stage, err, out};

fn pages(stage: &Stage) -> BTreeMap<String, String> {
    let dir = stage.path("man/man1");
    let output = stage.ask(["man".as_ref(), dir.as_os_str()]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let listed: Vec<_> = out(&output).lines().map(str::to_owned).collect();
    let read = |item: std::fs::DirEntry| {
        assert!(listed.contains(&item.path().display().to_string()));
        let name = item.file_name().into_string().unwrap();
        (name, std::fs::read_to_string(item.path()).unwrap())
    };
    let all: BTreeMap<_, _> = dir
        .read_dir()
        .unwrap()
        .map(Result::unwrap)
        .map(read)
        .collect();
    assert_eq!(all.len(), listed.len());
    all
}

/// The verbs that the help lists.
fn verbs(stage: &Stage) -> Vec<String> {
    let help = out(&stage.ask(["--help"]));
    let (_, verbs) = help.split_once("Commands:\n").unwrap();
    let (verbs, _) = verbs.split_once("\n\n").unwrap();
    let words = verbs.lines().filter_map(|line| line.strip_prefix("  "));
    let words = words.filter(|line| !line.starts_with(' '));
    words
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// What stands under a heading.
fn section<'a>(page: &'a str, title: &str) -> Option<&'a str> {
    let quoted = format!(".SH \"{title}\"\n");
    let bare = format!(".SH {title}\n");
    let rest = page
        .split_once(&quoted)
        .or_else(|| page.split_once(&bare))?
        .1;
    Some(rest.split("\n.SH ").next().unwrap())
}

#[test]
fn every_verb_has_a_page_and_a_line_in_the_readme() {
    let stage = Stage::new();
    let pages = pages(&stage);
    let verbs = verbs(&stage);
    assert!(verbs.len() > 12, "{verbs:?}");
    let readme = include_str!("../../../README.md");
    for verb in &verbs {
        let page = &pages[&format!("tanist-{verb}.1")];
        for title in ["NAME", "SYNOPSIS", "DESCRIPTION"] {
            let text = section(page, title).unwrap_or_else(|| panic!("{verb}: no {title}"));
            assert!(text.len() > 10, "{verb}: {title} is empty");
        }
        assert!(
            pages["tanist.1"].contains(&format!("tanist\\-{verb}(1)")),
            "{verb}"
        );
        let named = ["`", " "]
            .iter()
            .any(|end| readme.contains(&format!("tanist {verb}{end}")));
        assert!(named, "the README does not name tanist {verb}");
    }
}

#[test]
fn every_page_has_examples_that_can_be_typed_and_says_how_it_ends() {
    let stage = Stage::new();
    for (name, page) in pages(&stage).iter().filter(|(name, _)| *name != "tanist.1") {
        let words = name.trim_end_matches(".1").replace('-', " ");
        let examples = section(page, "EXAMPLES").unwrap_or_else(|| panic!("{name}: no examples"));
        let own = |line: &str| line.replace("\\-", "-").contains(&words);
        assert!(examples.lines().any(own), "{name}: {examples}");
        let codes = section(page, "EXIT STATUS").unwrap_or_else(|| panic!("{name}: no codes"));
        let code = |word: &str| word.trim_start_matches("\\fB").parse::<u8>().is_ok();
        let codes: Vec<_> = codes.split([' ', '\\', '\n', '/']).collect();
        let told = codes
            .iter()
            .any(|word| code(word) || word.starts_with("fB"));
        assert!(told || name == "tanist-config.1", "{name}: {codes:?}");
    }
}

#[test]
fn the_main_page_has_what_the_child_sees_and_every_setting() {
    let stage = Stage::new();
    let pages = pages(&stage);
    let main = &pages["tanist.1"];
    let mut leader = stage.run(&["--address", "x:1"], "env; echo end; exec sleep 1000");
    let child = section(main, "ENVIRONMENT OF THE CHILD").unwrap();
    let mut seen = 0;
    loop {
        let line = leader.line();
        if line == "end" {
            break;
        }
        let Some((name, _)) = line.split_once('=') else {
            continue;
        };
        if name.starts_with("TANIST_") {
            assert!(
                child.contains(&format!("\\fB{name}\\fR")),
                "{name}: {child}"
            );
            seen += 1;
        }
    }
    assert_eq!(child.matches(".TP").count(), seen, "{child}");
    let variables = section(main, "ENVIRONMENT").unwrap();
    let shown = out(&stage.ask(["config", "show", "-o", "tsv"]));
    for setting in shown
        .lines()
        .skip(1)
        .filter_map(|row| row.split('\t').next())
    {
        // A file has all hooks in one table.
        let setting = if setting == "hooks" { "hook" } else { setting };
        let variable = format!("\\fBTANIST_{}\\fR", setting.to_uppercase());
        assert!(
            setting == "command" || variables.contains(&variable),
            "{variable}"
        );
    }
    let files = section(main, "FILES").unwrap();
    for file in [
        "/etc/tanist/ELECTION.toml",
        "ELECTION.NODE.sock",
        "STATE_DIR/ELECTION.json",
    ] {
        let file = file.replace('-', "\\-");
        assert!(files.contains(&file), "{file}: {files}");
    }
}

#[test]
fn a_formatter_has_nothing_to_complain_of() {
    let stage = Stage::new();
    for (name, page) in pages(&stage) {
        // Only what roff knows begins with a dot.
        for line in page.lines().filter(|line| line.starts_with('.')) {
            let word = line.split(' ').next().unwrap();
            let known = [
                ".TH", ".SH", ".TP", ".PP", ".RS", ".RE", ".IP", ".nf", ".fi", ".br", ".ie", ".el",
            ];
            assert!(known.contains(&word), "{name}: {line}");
        }
        let path = stage.path("man/man1").join(&name);
        let groff = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(path)
            .output();
        // Where there is none, what was looked at above has to do.
        if let Ok(said) = groff {
            assert!(
                said.status.success() && said.stderr.is_empty(),
                "{name}: {}",
                err(&said)
            );
        }
    }
}

#[test]
fn a_directory_that_cannot_be_is_refused() {
    let stage = Stage::new();
    let file = stage.path("file");
    std::fs::write(&file, "").unwrap();
    let output = stage.ask(["man".as_ref(), file.join("man").as_os_str()]);
    assert_eq!(output.status.code(), Some(73));
    assert!(err(&output).contains("man::unwritable"), "{}", err(&output));
}
