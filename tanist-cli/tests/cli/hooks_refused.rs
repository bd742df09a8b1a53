//! Hooks that are refused before anything is touched, and how they are written.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use serde_json::{Value, json};

use crate::stage::{Stage, err, out};

/// What is said of these flags, and the exit code; the store is not touched.
fn refused(stage: &Stage, flags: &[&str]) -> (i32, String) {
    let args = [&["run", "-e", "demo"], flags, &["--", "true"]].concat();
    let output = stage.ask(args);
    assert!(!stage.run_dir().join("demo").exists(), "{flags:?}");
    (output.status.code().unwrap(), err(&output))
}

#[test]
fn a_node_whose_hook_cannot_run_never_stands() {
    let stage = Stage::new();
    let file = stage.path("file");
    std::fs::write(&file, "text").unwrap();
    let given = |program: &Path| format!("--hook=fence={}", program.display());
    for (flag, code, says) in [
        ("--hook=fence=/no/such".to_owned(), 64, "hook::not-found"),
        (
            "--hook=on-change=no-such-cmd".to_owned(),
            64,
            "hook::not-found",
        ),
        (given(&file), 64, "hook::not-executable"),
        (given(Path::new("/")), 64, "hook::not-executable"),
        (
            "--hook=before_promote=true".to_owned(),
            64,
            "there is no event",
        ),
        ("--hook=fence".to_owned(), 64, "write EVENT=CMD"),
        ("--hook=fence=true 'a".to_owned(), 64, "does not end"),
        ("--hook-timeout=1ms".to_owned(), 64, "hook::timeout"),
        ("--hook-timeout=2h".to_owned(), 64, "hook::timeout"),
    ] {
        let (ended, said) = refused(&stage, &[&flag]);
        assert!(
            ended == code && said.contains(says),
            "{flag}: {ended} {said}"
        );
    }
    let twice = ["--hook=after-promote=true", "--hook=after-promote=false"];
    let (ended, said) = refused(&stage, &twice);
    assert!(ended == 64 && said.contains("hook::twice"), "{said}");
}

#[test]
fn root_runs_no_hook_that_others_could_change() {
    if !rustix::process::geteuid().is_root() {
        // Anybody else runs what is theirs: nobody gains anything by it.
        return;
    }
    let stage = Stage::new();
    let dir = stage.path("hooks");
    std::fs::create_dir(&dir).unwrap();
    let program = dir.join("vip");
    let copied = std::process::Command::new("cp")
        .arg("/bin/true")
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let link = stage.path("link");
    std::os::unix::fs::symlink(&program, &link).unwrap();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    let owner = |path: &Path, owner| chown(path, Some(owner), None).unwrap();
    let runs = || {
        [&program, &link].map(|path| {
            let flag = format!("--hook=fence={}", path.display());
            let args = ["run", "-e", "x", "--once", &flag, "--", "true"];
            stage.ask(args).status.code().unwrap()
        })
    };
    mode(&dir, 0o755);
    mode(&program, 0o755);
    assert_eq!(runs(), [0, 0]);
    for (path, wrong, right) in [
        (&program, 0o757, 0o755),
        (&program, 0o775, 0o755),
        (&dir, 0o1777, 0o755),
    ] {
        mode(path, wrong);
        assert_eq!(runs(), [77, 77], "{} {wrong:o}", path.display());
        mode(path, right);
    }
    for path in [&program, &dir] {
        owner(path, 65534);
        assert_eq!(runs(), [77, 77], "{}", path.display());
        owner(path, 0);
    }
    assert_eq!(runs(), [0, 0]);
    mode(&program, 0o757);
    let flag = format!("--hook=fence={}", program.display());
    let (_, said) = refused(&stage, &[&flag]);
    let told = said.contains("hook::unsafe") && said.contains("chmod go-w");
    assert!(told, "{said}");
}

const FILE: &str = r#"
[hooks]
before_promote = ["/bin/sh", "-c", "echo 'a  b' \"$HOME\""]
fence = [["/bin/false"], ["/bin/true", "x y", ""]]
"#;

fn settings(stage: &Stage, text: &str) -> String {
    let path = stage.path("demo.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_file_has_hooks_as_lists_of_words() {
    let stage = Stage::new();
    let path = settings(&stage, FILE);
    let shown = stage.ask(["config", "show", "-c", &path, "-o", "json"]);
    let shown: Value = serde_json::from_str(&out(&shown)).unwrap();
    let expected = json!({
        "before_promote": ["/bin/sh", "-c", "echo 'a  b' \"$HOME\""],
        "fence": [["/bin/false"], ["/bin/true", "x y", ""]],
    });
    assert_eq!(shown["settings"]["hooks"]["value"], expected);
    // What is shown can be a file again, and says the same.
    let text = out(&stage.ask(["config", "show", "-c", &path]));
    let line = text.lines().find(|line| line.starts_with("hooks = "));
    let again = settings(&stage, line.unwrap());
    let second = stage.ask(["config", "show", "-c", &again, "-o", "json"]);
    let second: Value = serde_json::from_str(&out(&second)).unwrap();
    assert_eq!(second["settings"]["hooks"]["value"], expected);
    assert_eq!(shown["settings"]["hook_timeout"]["value"], "10s");
}

#[test]
fn a_flag_wins_over_the_lines_of_the_variable_and_these_over_the_file() {
    let stage = Stage::new();
    let path = settings(&stage, FILE);
    let shown = |variable: Option<&str>| {
        let mut command = stage.tanist();
        command.envs(variable.map(|lines| ("TANIST_HOOK", lines)));
        let output = command
            .args(["config", "show", "-c", &path, "--origin"])
            .output();
        let text = out(&output.unwrap());
        let line = text.lines().find(|line| line.starts_with("hooks = "));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let expected = "hooks = { fence = [[\"/bin/true\"]], on_change = [\"/bin/echo\", \"a b\"] }  \
                    # env TANIST_HOOK";
    let lines = "fence=/bin/true\non-change=/bin/echo 'a b'";
    assert_eq!(shown(Some(lines)), expected);
    assert!(shown(None).ends_with("demo.toml:2"), "{}", shown(None));
    let says = "echo \"$0 $TANIST_EVENT\"";
    let mut command = stage.tanist();
    command
        .env("TANIST_CONFIG", &path)
        .env("TANIST_HOOK", "before-promote=/bin/false");
    let flag = format!("--hook=before-promote=sh -c '{says}'");
    let args = ["run", "-e", "demo", "--once", &flag, "--", "echo", "mine"];
    let output = command.args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("before-promote before-promote"));
}

#[test]
fn a_mistake_in_a_file_is_shown_where_it_stands() {
    let stage = Stage::new();
    for (text, says) in [
        ("[hooks]\nafter = [\"/x\"]", "2 │ after = "),
        (
            "[hooks]\nafter = [\"/x\"]",
            "there are fence, before_promote",
        ),
        (
            "[hooks]\ntimeout = \"1s\"",
            "hook_timeout stands at the top",
        ),
        ("[hooks]\nfence = [\"/x\"]", "a list of its own"),
        ("[hooks]\non_change = \"/x\"", "no list"),
        ("[hooks]\non_change = []", "at least one word"),
        ("[hooks]\non_change = [1]", "a number in place of a string"),
        ("[hooks]\non_change = [\"./x\"]", "begins with a slash"),
        ("[hooks]\non_change = [\"/x\", \"a\\nb\"]", "no line break"),
        ("hooks = 1", "a table of events"),
        ("hook = [\"x\"]", "did you mean `hooks`?"),
        ("hook_timeout = \"1ms\"", "hook::timeout"),
    ] {
        let path = settings(&stage, text);
        let output = stage.ask(["config", "check", &path]);
        let said = err(&output);
        assert_eq!(output.status.code(), Some(78), "{text}: {said}");
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn the_doctor_looks_at_hooks_too() {
    let stage = Stage::new();
    let found = |program: &str| {
        let path = settings(&stage, &format!("[hooks]\non_change = [{program:?}]"));
        let output = stage.ask(["doctor", "-c", &path, "-o", "tsv"]);
        let text = out(&output);
        let line = text.lines().find(|line| line.starts_with("hooks\t"));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    assert!(found("/no/such").contains("hook::not-found"));
    assert!(found("/bin/true").contains("1 can and may be run"));
}
