use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::stage::{Node, Stage, err, out};

/// A file of settings.
fn file(stage: &Stage, text: &str) -> PathBuf {
    let path = stage.path("demo.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// What is said of a file with which nothing can begin; the path is masked.
fn refused(stage: &Stage, text: &str, code: i32) -> String {
    let path = file(stage, text);
    let args = ["leader", "demo", "-c", path.to_str().unwrap()];
    let output = stage.ask(args);
    let said = err(&output).replace(path.to_str().unwrap(), "FILE");
    assert_eq!(output.status.code(), Some(code), "{text}: {said}");
    said
}

#[test]
fn a_flag_wins_over_the_variable_the_variable_over_the_file_the_file_over_the_default() {
    let stage = Stage::new();
    let path = file(&stage, "election = \"demo\"\naddress = \"file\"\n");
    let address = |variable: Option<&str>, flags: &[&str]| {
        let mut command = stage.tanist();
        command.env("TANIST_CONFIG", &path).args(["run", "--once"]);
        command
            .args(flags)
            .envs(variable.map(|it| ("TANIST_ADDRESS", it)));
        command.args(["--", "sh", "-c", "echo $TANIST_ADDRESS $TANIST_ELECTION"]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        out(&output)
    };
    assert_eq!(address(None, &[]), "file demo\n");
    assert_eq!(address(Some("variable"), &[]), "variable demo\n");
    assert_eq!(
        address(Some("variable"), &["--address", "flag"]),
        "flag demo\n"
    );
}

#[test]
fn the_file_alone_can_say_everything() {
    let stage = Stage::new();
    let text = r#"
election = "demo"
node = "n1"
once = true
env = { A = "1,2", B = "x\ny" }
env_deny = ["SECRET*"]
lease = "4s"
command = ["sh", "-c", "echo $TANIST_NODE $A \"$B\" ${SECRET_X-none} ${TANIST_CONFIG-none}; exit 9"]
"#;
    let path = file(&stage, text);
    let mut command = stage.tanist();
    command
        .env("SECRET_X", "1")
        .args(["run", "--config"])
        .arg(path);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(9), "{}", err(&output));
    assert_eq!(out(&output), "n1 1,2 x\ny none none\n");
}

#[test]
fn of_wait_and_no_wait_the_stronger_layer_is_meant() {
    let stage = Stage::new();
    let mut leader = stage.run(&[], "echo up; exec sleep 1000");
    assert_eq!(leader.line(), "up");
    let path = file(&stage, "no_wait = true\n");
    let other = |flags: &[&str]| {
        let mut command = stage.tanist();
        command.env("TANIST_CONFIG", &path);
        command
            .args(["run", "-e", "demo", "-n", "other", "--once"])
            .args(flags)
            .args(["--", "echo", "mine"]);
        command
    };
    let output = other(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(75), "{}", err(&output));
    let mut waiting = Node::start(other(&["--wait", "1h"]));
    waiting.event("standby");
    leader.kill();
    assert_eq!(waiting.line(), "mine");
    assert_eq!(waiting.ended().0, 0);
}

#[test]
fn the_default_place_of_an_ordinary_user_is_found() {
    let stage = Stage::new();
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    std::fs::create_dir_all(home.join("tanist")).unwrap();
    for (name, address) in [("tanist", "general"), ("demo", "own")] {
        let path = home.join(format!("tanist/{name}.toml"));
        std::fs::write(path, format!("address = {address:?}\n")).unwrap();
    }
    let mut address = |election: &str| {
        command
            .env("XDG_CONFIG_HOME", &home)
            .env("TANIST_RUN_DIR", home.join("run"))
            .env("TANIST_STATE_DIR", home.join("state"));
        let script = "echo $TANIST_ADDRESS";
        command.env("TANIST_ELECTION", election);
        let args = ["run", "--once", "--", "sh", "-c", script];
        command.output_of(&args)
    };
    assert_eq!(address("demo"), "own\n");
    assert_eq!(address("other"), "general\n");
}

/// Arguments of one use of a command that is used again.
trait OutputOf {
    fn output_of(&mut self, args: &[&str]) -> String;
}

impl OutputOf for std::process::Command {
    fn output_of(&mut self, args: &[&str]) -> String {
        let mut again = Self::new(self.get_program());
        for (name, value) in self.get_envs() {
            match value {
                Some(value) => again.env(name, value),
                None => again.env_remove(name),
            };
        }
        if rustix::process::geteuid().is_root() {
            use std::os::unix::process::CommandExt;
            again.uid(65534).gid(65534).current_dir("/");
        }
        let output = again.args(args).output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        out(&output)
    }
}

#[test]
fn a_key_that_is_none_is_refused_with_the_one_that_was_meant() {
    let stage = Stage::new();
    let said = refused(&stage, "\npriority = 3\nstop_timout = \"1s\"\n", 78);
    let expected = "\
error: unknown key `stop_timout` [config::unknown-key]
  --> FILE:3:1
  3 │ stop_timout = \"1s\"
    │ ^^^^^^^^^^^
  = did you mean `stop_timeout`?
";
    assert_eq!(said, expected);
    for (key, meant) in [
        ("stop-timeout", "did you mean `stop_timeout`?"),
        ("Lease", "did you mean `lease`?"),
        ("TANIST_NODE", "did you mean `node`?"),
        ("xyzzy", "tanist config show lists all keys"),
    ] {
        let said = refused(&stage, &format!("{key} = \"1s\"\n"), 78);
        assert!(said.contains(meant), "{key}: {said}");
    }
    let said = refused(&stage, "[child]\ncwd = \"/\"\n", 78);
    assert!(said.contains("not in tables of their own"), "{said}");
}

#[test]
fn a_name_from_elsewhere_is_told_its_name_here() {
    let stage = Stage::new();
    let said = refused(&stage, "ttl = \"10s\"\n", 78);
    let expected = "\
error: `ttl` is called `lease` here [config::other-name]
  --> FILE:1:1
  1 │ ttl = \"10s\"
    │ ^^^
  = write lease instead of ttl
";
    assert_eq!(said, expected);
}

#[test]
fn wrong_types_and_values_are_shown_where_they_are() {
    let stage = Stage::new();
    for (text, says) in [
        (
            "lease = 8",
            "error: `lease` is a string [config::type]\n  --> FILE:1:9\n  1 │ lease = 8\n    \
             │         ^\n  │ what stands here is a number\n  = write for example lease = \"8s\"\n",
        ),
        (
            "lease = \"8\"",
            "error: `lease` cannot be this [config::value]\n  --> FILE:1:10\n  1 │ lease = \"8\"\n    \
             │          ^\n  │ \"8\" has no unit; write 8s or 8ms\n",
        ),
        ("once = \"yes\"", "`once` is true or false [config::type]"),
        (
            "priority = 1.5",
            "what stands here is a number with a fraction",
        ),
        ("priority = -1", "`priority` cannot be this [config::value]"),
        ("lost_exit_code = 256", "256 is not in 0..=255"),
        ("command = \"sh -c x\"", "`command` is a list of strings"),
        ("command = [\"sh\", 1]", "a number in place of a string"),
        ("command = []", "a command has at least one word"),
        (
            "env = [\"A=1\"]",
            "write for example env = { LANG = \"C\" }",
        ),
        (
            "contain = \"docker\"",
            "write one of auto, cgroup, pidns, sweep",
        ),
        ("stop_signal = \"STOPP\"", "`stop_signal` cannot be this"),
        ("run_dir = \"run\"", "begins with a slash"),
        ("store = \"local:run\"", "begins with a slash"),
        ("stdin = \"data\"", "begins with a slash"),
        ("wait = \"1s\"\nno_wait = true", "[config::contradiction]"),
        ("lease = \"8s\"\nlease = \"9s\"", "[config::syntax]"),
        ("lease = ", "[config::syntax]\n  --> FILE:1:"),
    ] {
        let said = refused(&stage, text, 78);
        assert!(said.contains(says), "{text}: {said}");
    }
}

#[test]
fn a_named_file_has_to_be_there_and_readable() {
    let stage = Stage::new();
    let run = |path: &Path| {
        let args = [
            "run",
            "-e",
            "demo",
            "-c",
            path.to_str().unwrap(),
            "--",
            "true",
        ];
        let output = stage.ask(args);
        assert_eq!(output.status.code(), Some(78), "{}", err(&output));
        assert!(
            err(&output).contains("exit=78 source=tanist"),
            "{}",
            err(&output)
        );
        err(&output)
    };
    assert!(run(&stage.path("none")).contains("config::missing"));
    std::fs::create_dir(stage.path("dir")).unwrap();
    assert!(run(&stage.path("dir")).contains("config::unreadable"));
    std::fs::write(stage.path("bytes"), b"node = \"\xff\"").unwrap();
    assert!(run(&stage.path("bytes")).contains("config::unreadable"));
    assert!(!stage.run_dir().exists(), "the store was touched");
    let (mut command, _) = stage.tanist_of_an_ordinary_user();
    let closed = file(&stage, "");
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    let output = command.args(["status", "-c"]).arg(closed).output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{}", err(&output));
    assert!(err(&output).contains("config::unreadable"));
}

#[test]
fn a_default_place_is_left_out_only_where_its_directory_is_closed() {
    let stage = Stage::new();
    let code = |of_file: u32, of_dir: u32| {
        let (mut command, home) = stage.tanist_of_an_ordinary_user();
        let dir = home.join("tanist");
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("demo.toml");
        std::fs::write(&path, "xyzzy = 1\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(of_file)).unwrap();
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(of_dir)).unwrap();
        command.env("XDG_CONFIG_HOME", &home);
        let output = command.args(["leader", "demo"]).output().unwrap();
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o700)).unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
        (output.status.code(), err(&output))
    };
    let (found, said) = code(0o644, 0o755);
    assert_eq!(found, Some(78), "{said}");
    assert!(said.contains("config::unknown-key"), "{said}");
    let (closed_file, said) = code(0o000, 0o755);
    assert_eq!(closed_file, Some(78), "{said}");
    assert!(said.contains("config::unreadable"), "{said}");
    let (closed_dir, said) = code(0o644, 0o000);
    assert_eq!(closed_dir, Some(4), "{said}");
}

#[test]
fn impossible_timings_of_a_file_name_the_line() {
    let stage = Stage::new();
    let path = file(&stage, "lease = \"2s\"\nlost_stop_timeout = \"3s\"\n");
    let args = [
        "run",
        "-e",
        "demo",
        "-c",
        path.to_str().unwrap(),
        "--",
        "true",
    ];
    let output = stage.ask(args);
    assert_eq!(output.status.code(), Some(64));
    let said = err(&output);
    let origin = format!("lost-stop-timeout comes from {}:2", path.display());
    assert!(said.contains(&origin), "{said}");
    assert!(said.contains("timing::stop-exceeds-lease"), "{said}");
}

#[test]
fn what_the_file_says_of_a_name_does_not_reach_another_flag_of_that_name() {
    let stage = Stage::new();
    // `leader --address` is a question, not a setting.
    let path = file(&stage, "address = \"x\"\n");
    let output = stage.ask(["leader", "demo", "-c", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
}
