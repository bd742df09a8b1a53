//! What shells are told, by really asking them.

use std::process::{Command, Output};

use crate::stage::{Stage, err, out};

/// Completes `line` in a real bash that has read the script; one word for each candidate.
fn completed(stage: &Stage, line: &str) -> Vec<String> {
    let program = stage.tanist();
    let dir = std::path::Path::new(program.get_program())
        .parent()
        .unwrap();
    let mut bash = Command::new("bash");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
    // What bash does on Tab: the function of `complete -p`, with the words and three arguments.
    let script = r#"
        source <(tanist completions bash) || exit 1
        [[ $(complete -p tanist) =~ -F\ ([^ ]+) ]] || exit 2
        COMP_WORDS=($1)
        [[ $1 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        "${BASH_REMATCH[1]}" tanist "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    bash.args(["--norc", "--noprofile", "-c", script, "bash", line]);
    let output = bash
        .env("PATH", path)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success() && err(&output).is_empty(),
        "{}",
        err(&output)
    );
    out(&output).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_flags_and_words() {
    let stage = Stage::new();
    assert_eq!(completed(&stage, "tanist swi"), ["switchover"]);
    assert_eq!(completed(&stage, "tanist config ch"), ["check"]);
    assert_eq!(completed(&stage, "tanist run --stop-s"), ["--stop-signal"]);
    let forms = completed(&stage, "tanist status -o ");
    assert_eq!(forms, ["auto", "table", "json", "tsv", "plain"]);
    let slugs = completed(&stage, "tanist explain switchover::candidate-");
    assert!(
        slugs.iter().any(|slug| slug.ends_with("absent")),
        "{slugs:?}"
    );
    assert!(!stage.run_dir().exists(), "looking makes nothing");
}

#[test]
fn bash_completes_elections_and_nodes_of_the_store_that_the_line_names() {
    let stage = Stage::new();
    assert!(
        completed(&stage, "tanist history -e ")
            .iter()
            .all(|word| word.is_empty())
    );
    let mut a = stage.run(&["--node", "host-a"], "echo up; exec sleep 1000");
    a.line();
    for line in [
        "tanist status d",
        "tanist history -e ",
        "tanist leader d",
        "tanist watch d",
    ] {
        assert_eq!(completed(&stage, line), ["demo"], "{line}");
    }
    assert_eq!(
        completed(&stage, "tanist switchover -e demo --to h"),
        ["host-a"]
    );
    let there = stage.path("there");
    let line = format!("tanist status --run-dir {} d", there.display());
    assert!(completed(&stage, &line).iter().all(|word| word.is_empty()));
    assert!(!there.exists(), "looking makes nothing");
    let store = format!("tanist status -s local:{} d", stage.run_dir().display());
    assert_eq!(completed(&stage, &store), ["demo"]);
}

#[test]
fn every_shell_gets_a_script_and_a_stray_variable_does_no_harm() {
    let stage = Stage::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = out(&stage.ask(["completions", shell]));
        assert!(script.contains("TANIST_COMPLETE"), "{shell}: {script}");
    }
    let output = stage.ask(["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(64), "{}", err(&output));
    let mut stray = stage.tanist();
    let stray: Output = stray
        .env("TANIST_COMPLETE", "bash")
        .arg("status")
        .output()
        .unwrap();
    assert_eq!(stray.status.code(), Some(4), "{}", err(&stray));
}
