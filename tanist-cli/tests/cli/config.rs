use std::path::Path;

use serde_json::Value;

use crate::stage::{Stage, err, out};

/// The lines of a file of all settings, in force.
fn uncommented(text: &str) -> String {
    let setting = |line: &str| {
        let rest = line.strip_prefix('#')?;
        rest.starts_with(|c: char| c.is_ascii_lowercase())
            .then(|| format!("{rest}\n"))
    };
    text.lines().filter_map(setting).collect()
}

fn check(stage: &Stage, text: &str) -> (i32, String) {
    let path = stage.path("checked.toml");
    std::fs::write(&path, text).unwrap();
    let output = stage.ask(["config", "check", path.to_str().unwrap()]);
    let said = out(&output) + &err(&output);
    let said = said.replace(path.to_str().unwrap(), "FILE");
    (output.status.code().unwrap(), said)
}

#[test]
fn the_written_file_has_every_setting_and_its_defaults_can_be_put_in_force() {
    let stage = Stage::new();
    let path = stage.path("demo.toml");
    let init = ["config", "init", path.to_str().unwrap()];
    let written = stage.ask(init);
    assert!(written.status.success(), "{}", err(&written));
    let text = std::fs::read_to_string(&path).unwrap();
    // As it is, nothing is in force.
    assert_eq!(
        check(&stage, &text),
        (0, "FILE: 0 settings, all in order\n".to_owned())
    );
    // What the examples name need not be on this machine.
    let elsewhere = [
        "command",
        "health =",
        "health_standby",
        "hooks =",
        "renew_needs_health",
        "user",
    ];
    let all = uncommented(&text);
    let here = all.lines();
    let here = here.filter(|line| !elsewhere.iter().any(|key| line.starts_with(key)));
    let all: String = here.map(|line| format!("{line}\n")).collect();
    let count = all.lines().count();
    assert_eq!(
        check(&stage, &all),
        (0, format!("FILE: {count} settings, all in order\n"))
    );

    // What holds where nothing is set is what the file says of the defaults.
    let shown = out(&stage.ask(["config", "show"]));
    let mut same = 0;
    for line in shown.lines().filter(|line| !line.starts_with('#')) {
        if !line.starts_with("run_dir") && !line.starts_with("state_dir") {
            assert!(all.contains(&format!("{line}\n")), "{line}\n{all}");
            same += 1;
        }
    }
    assert!(same >= 25, "{shown}");

    let again = stage.ask(init);
    assert_eq!(again.status.code(), Some(73));
    assert!(err(&again).contains("config::exists"), "{}", err(&again));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let printed = stage.ask(["config", "init", "-"]);
    assert_eq!(out(&printed), text);
    std::fs::write(stage.path("file"), "").unwrap();
    let below = stage.path("file/x");
    let unwritable = stage.ask(["config", "init", below.to_str().unwrap()]);
    assert_eq!(unwritable.status.code(), Some(73));
    assert!(err(&unwritable).contains("config::unwritable"));
}

#[test]
fn the_written_file_lies_where_it_is_looked_for() {
    let stage = Stage::new();
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    command.env("XDG_CONFIG_HOME", &home);
    let output = command.args(["config", "init", "-e", "demo"]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert!(home.join("tanist/demo.toml").exists(), "{}", out(&output));
}

#[test]
fn a_check_finds_what_only_several_settings_together_say() {
    let stage = Stage::new();
    let (code, said) = check(&stage, "lease = \"2s\"\nlost_stop_timeout = \"3s\"\n");
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("timing::stop-exceeds-lease"), "{said}");
    assert!(
        said.contains("lost-stop-timeout comes from FILE:2"),
        "{said}"
    );
    for (text, slug) in [
        ("election = \"Not/Good\"", "election::name"),
        ("node = \"a/b\"", "node::name"),
        ("store = \"what://x\"", "store::address"),
        ("env = { TANIST_TERM = \"9\" }", "run::env-reserved"),
        (
            "once = true\non_failure = \"restart\"",
            "run::once-and-policy",
        ),
        ("stop_signal = \"RTMIN+3\"", "run::stop-signal"),
        (
            "stop_signal = \"FOO\"",
            "write for example TERM, INT or USR1\n",
        ),
        ("user = \"no-such-user\"", "run::user-unknown"),
        ("command = [\"no-such-command\"]", "run::command-not-found"),
        ("cwd = \"/no/such/dir\"", "run::cwd"),
        ("stdin = \"/no/such/file\"", "run::stdin"),
        (
            "hooks = { after_promote = [\"/no/such/hook\"] }",
            "hook::not-found",
        ),
        (
            "health = [\"exec:/no/such/check\"]",
            "run::command-not-found",
        ),
        (
            "once = true\non_success = \"rejoin\"",
            "run::once-and-policy",
        ),
        ("leese = \"1s\"", "did you mean `lease`?"),
    ] {
        let (code, said) = check(&stage, text);
        assert_eq!(code, 78, "{text}: {said}");
        assert!(said.contains(slug), "{text}: {said}");
        // Two lines together have no single place, and a check is told by its name.
        let drawn = said.contains("--> FILE:1:") && said.contains("^^^");
        assert!(
            drawn || text.contains('\n') || text.starts_with("health"),
            "{text}: {said}"
        );
    }
    let (_, said) = check(&stage, "node = \"a\"\ncommand = [\"no-such-command\"]\n");
    let drawn = "  2 │ command = [\"no-such-command\"]\n    │           ^^^^^^^^^^^^^^^^^^^\n";
    assert!(said.contains(drawn), "{said}");
    assert_eq!(
        check(&stage, "stop_signal = \"INT\""),
        (0, "FILE: 1 setting, all in order\n".to_owned())
    );
    // Not the environment: the file is what is checked.
    let path = stage.path("checked.toml");
    std::fs::write(&path, "lease = \"4s\"\n").unwrap();
    let mut command = stage.tanist();
    command.args(["config", "check"]).arg(&path);
    let output = command.env("TANIST_LEASE", "1ms").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}

#[test]
fn what_the_check_passes_is_what_run_passes() {
    let stage = Stage::new();
    let path = stage.path("run.toml");
    for (text, slug) in [
        ("stop_signal = \"RTMIN+3\"", "run::stop-signal"),
        ("user = \"no-such-user\"", "run::user-unknown"),
        ("command = [\"no-such-command\"]", "run::command-not-found"),
    ] {
        let command = "command = [\"true\"]\n";
        let command = if text.starts_with("command") {
            ""
        } else {
            command
        };
        std::fs::write(&path, format!("{command}{text}\n")).unwrap();
        for verb in [&["config", "check"][..], &["run", "-e", "demo", "-c"]] {
            let output = stage.tanist().args(verb).arg(&path).output().unwrap();
            let said = err(&output).replace("\\n", "\n");
            assert!(
                said.contains(slug) && said.contains('^'),
                "{verb:?}: {said}"
            );
        }
    }
}

#[test]
fn no_file_is_written_but_where_it_was_meant() {
    let stage = Stage::new();
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    command.env("XDG_CONFIG_HOME", &home);
    let output = command.args(["config", "init", "-e", "Bad!"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(64), "{}", err(&output));
    assert!(
        err(&output).contains("[election::name]"),
        "{}",
        err(&output)
    );
    assert!(!home.join("tanist").exists());
    for act in ["check", "show"] {
        let output = stage.ask(["config", act, "-e", "Bad!"]);
        assert_eq!(output.status.code(), Some(64), "{act}: {}", err(&output));
    }

    let below = stage.path("mistyped/dir/x.toml");
    let output = stage.ask(["config", "init", below.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(73), "{}", err(&output));
    assert!(err(&output).contains("mkdir -p"), "{}", err(&output));
    assert!(!stage.path("mistyped").exists());
}

#[test]
fn the_election_is_the_first_word_of_show_and_not_of_check() {
    let stage = Stage::new();
    let output = stage.ask(["config", "show", "mail"]);
    assert!(
        out(&output).contains("election = \"mail\"\n"),
        "{}",
        err(&output)
    );
    let output = stage.ask(["config", "show", "mail", "-e", "other"]);
    assert!(err(&output).contains("[election::two]"), "{}", err(&output));
    let mut command = stage.tanist();
    let command = command.args(["config", "show", "mail"]);
    let output = command.env("TANIST_ELECTION", "other").output().unwrap();
    assert!(
        out(&output).contains("election = \"mail\"\n"),
        "{}",
        err(&output)
    );

    let output = stage.ask(["config", "check", "mail"]);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("tanist config check -e mail"), "{said}");
    assert!(!said.contains("TANIST_CONFIG"), "{said}");
}

#[test]
fn no_file_at_all_is_said_with_the_places() {
    let stage = Stage::new();
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    command.env("XDG_CONFIG_HOME", &home);
    let args = ["config", "check", "-e", "no-such-election"];
    let output = command.args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = err(&output);
    assert!(said.contains("config::none"), "{said}");
    assert!(said.contains("/etc/tanist/no-such-election.toml"), "{said}");
}

#[test]
fn show_says_what_is_in_force_and_where_it_comes_from() {
    let stage = Stage::new();
    let path = stage.path("demo.toml");
    let text =
        "lease = \"4s\"\nnode = \"a\\\"b\"\npriority = 7\nenv = { A = \"1\" }\ntimeout = \"5s\"\n";
    std::fs::write(&path, text).unwrap();
    let show = |more: &[&str]| {
        let mut command = stage.tanist();
        command
            .env("TANIST_CONFIG", &path)
            .env("TANIST_PRIORITY", "8");
        command
            .env("TANIST_ENV_DENY", "A*,B")
            .env("TANIST_ONCE", "yes");
        let output = command.args(["config", "show", "-e", "demo"]).args(more);
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", err(&output));
        out(&output).replace(path.to_str().unwrap(), "FILE")
    };
    let shown = show(&["--origin"]);
    for line in [
        "# FILE",
        "election = \"demo\"  # --election",
        "node = \"a\\\"b\"  # FILE:2",
        "priority = 8  # env TANIST_PRIORITY",
        "lease = \"4s\"  # FILE:1",
        "renew_every = \"500ms\"  # default",
        "env = { \"A\" = \"1\" }  # FILE:4",
        "env_deny = [\"A*\", \"B\"]  # env TANIST_ENV_DENY",
        "once = true  # env TANIST_ONCE",
        "no_wait = false  # default",
        "timeout = \"5s\"  # FILE:5",
        "# address is not set",
        "# command is not set",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    assert!(!show(&[]).contains("TANIST_PRIORITY"));
    let json: Value = serde_json::from_str(&show(&["-o", "json"])).unwrap();
    assert_eq!(json["file"], "FILE");
    assert_eq!(json["settings"]["priority"]["value"], 8);
    assert_eq!(json["settings"]["env"]["value"]["A"], "1");
    assert_eq!(json["settings"]["lease"]["origin"], "FILE:1");
    assert!(show(&["-o", "tsv"]).contains("lease\t\"4s\"\tFILE:1\n"));
}

#[test]
fn what_is_shown_is_a_file_again() {
    let stage = Stage::new();
    let text = "command = [\"sh\", \"-c\", \"echo\"]\nenv = { A = \"x\\ny\", \"B.C\" = \"\" }\n";
    let path = stage.path("demo.toml");
    std::fs::write(&path, text).unwrap();
    let show = |path: &Path| {
        let output = stage.ask(["config", "show", "-c", path.to_str().unwrap()]);
        let shown = out(&output);
        shown.lines().skip(1).collect::<Vec<_>>().join("\n")
    };
    let shown = show(&path);
    let second = stage.path("second.toml");
    std::fs::write(&second, &shown).unwrap();
    assert_eq!(show(&second), shown);
    assert!(
        shown.contains(r#"env = { "A" = "x\u000Ay", "B.C" = "" }"#),
        "{shown}"
    );
}

#[test]
fn show_refuses_what_cannot_be_in_force() {
    let stage = Stage::new();
    for (name, value, slug) in [
        ("TANIST_LEASE", "8", "config::variable"),
        ("TANIST_LEASE", "1ms", "timing::too-short"),
        ("TANIST_CONFIG", "/no/such/file", "config::missing"),
    ] {
        let mut command = stage.tanist();
        let output = command.env(name, value).args(["config", "show"]).output();
        let output = output.unwrap();
        assert_ne!(output.status.code(), Some(0));
        assert!(err(&output).contains(slug), "{slug}: {}", err(&output));
    }
}
