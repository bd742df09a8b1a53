use std::os::unix::fs::PermissionsExt;

use crate::stage::{Stage, err};

/// Runs it and expects a refusal that left no trace.
fn refused(stage: &Stage, args: &[&str], code: i32, slug: &str) -> String {
    let output = stage.ask(args);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(slug), "{args:?}: {said}");
    assert!(
        !stage.run_dir().join("demo").exists(),
        "{args:?} touched the store"
    );
    said
}

/// F81: no such command, a file that is none, a directory.
#[test]
fn a_number_that_is_none_is_refused_in_our_words() {
    let stage = Stage::new();
    for number in ["high", "-1", "4294967296"] {
        let output = stage.ask(["run", "-e", "demo", "--priority", number, "--", "true"]);
        assert_eq!(output.status.code(), Some(64), "{number}");
        let said = err(&output);
        assert!(said.contains("is no whole number; write 0 to"), "{said}");
    }
}

#[test]
fn what_dash_dash_for_means_differs_so_no_variable_sets_it() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command.env("TANIST_FOR", "active").args(["pause", "demo"]);
    let output = command.output().unwrap();
    // Not 64: the variable is not read, and the election is not there.
    assert_eq!(output.status.code(), Some(4), "{}", err(&output));
}

#[test]
fn a_command_that_cannot_run_never_stands_in_the_election() {
    let stage = Stage::new();
    refused(
        &stage,
        &["run", "-e", "demo", "--", "no-such-cmd"],
        127,
        "run::command-not-found",
    );
    refused(
        &stage,
        &["run", "-e", "demo", "--", "/no/such"],
        127,
        "run::command-not-found",
    );
    let file = stage.path("file");
    std::fs::write(&file, "text").unwrap();
    let file = file.to_str().unwrap();
    refused(
        &stage,
        &["run", "-e", "demo", "--", file],
        126,
        "run::command-not-executable",
    );
    refused(
        &stage,
        &["run", "-e", "demo", "--", "/"],
        126,
        "run::command-not-executable",
    );
}

/// F81: a command whose interpreter is missing.
#[test]
fn a_command_that_fails_in_its_exec_gives_the_leadership_back() {
    let stage = Stage::new();
    let file = stage.path("script");
    std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    let output = stage.ask(["run", "-e", "demo", "--", file.to_str().unwrap()]);
    let said = err(&output);
    assert!(matches!(output.status.code(), Some(126 | 127)), "{said}");
    assert!(said.contains("exec-failed"), "{said}");
    let status = stage.ask(["status", "demo", "-o", "plain"]);
    assert_eq!(
        status.status.code(),
        Some(3),
        "{}",
        crate::stage::out(&status)
    );
}

#[test]
fn impossible_timings_name_the_number_to_change() {
    let stage = Stage::new();
    let said = refused(
        &stage,
        &[
            "run",
            "-e",
            "demo",
            "--renew-every",
            "1500ms",
            "--request-timeout",
            "2s",
            "--",
            "true",
        ],
        64,
        "timing::one-lost-request",
    );
    assert!(said.contains("raise lease to 9.001s"), "{said}");
    assert!(
        said.contains("renew-every comes from --renew-every"),
        "{said}"
    );
    let args = [
        "run",
        "-e",
        "demo",
        "--lease",
        "2s",
        "--lost-stop-timeout",
        "3s",
        "--",
        "true",
    ];
    refused(&stage, &args, 64, "timing::stop-exceeds-lease");
    for short in ["0s", "8ms", "159ms"] {
        let args = ["run", "-e", "demo", "--lease", short, "--", "true"];
        let said = refused(&stage, &args, 64, "timing::too-short");
        assert!(said.contains("raise lease to 160ms"), "{said}");
    }
    let args = ["run", "-e", "demo", "--lease", "24h", "--", "true"];
    refused(&stage, &args, 64, "timing::too-long");
}

#[test]
fn wrong_usage_is_64() {
    let stage = Stage::new();
    for (flags, slug) in [
        ("", "election::none"),
        ("-e Not/Good", "election::name"),
        ("-e demo -n a/b", "node::name"),
        ("-e demo -s what://x", "store::address"),
        ("-e demo -s etcd://h", "store::not-compiled"),
        ("-e demo -s etcd://h", "it carries local:"),
        ("-e demo --env X", "run::env"),
        ("-e demo --env TANIST_TERM=9", "run::env-reserved"),
        ("-e demo --cwd /no/such", "run::cwd"),
        ("-e demo --stdin /no/such", "run::stdin"),
        ("-e demo --stop-signal RTMIN+3", "run::stop-signal"),
        ("-e demo --require-cgroup --contain sweep", "run::contain"),
        (
            "-e demo --once --on-failure restart",
            "run::once-and-policy",
        ),
        ("-e demo --lease 8", "has no unit"),
        ("-e demo --wait 1s --no-wait", "cannot be used"),
    ] {
        let mut args = vec!["run"];
        args.extend(flags.split_whitespace());
        args.extend(["--", "true"]);
        refused(&stage, &args, 64, slug);
    }
    let blank = ["run", "-e", "demo", "--address", "a b", "--", "true"];
    refused(&stage, &blank, 64, "address::text");
    refused(&stage, &["run", "-e", "demo"], 64, "CMD");
    refused(&stage, &["fly"], 64, "fly");
}

/// F95: a run directory with mode 755.
#[test]
fn directories_that_others_can_enter_are_refused() {
    let stage = Stage::new();
    std::fs::create_dir(stage.run_dir()).unwrap();
    std::fs::set_permissions(stage.run_dir(), PermissionsExt::from_mode(0o755)).unwrap();
    let args = ["run", "-e", "demo", "--", "true"];
    let said = refused(&stage, &args, 73, "directory::not-private");
    assert!(said.contains("others can reach into it"), "{said}");
}

#[test]
fn an_ordinary_user_without_a_private_place_is_told_so() {
    let stage = Stage::new();
    let (mut command, _) = stage.tanist_of_an_ordinary_user();
    command
        .env_remove("TANIST_RUN_DIR")
        .env_remove("XDG_RUNTIME_DIR");
    let output = command
        .args(["run", "-e", "demo", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(73), "{}", err(&output));
    assert!(err(&output).contains("run-dir::none"));
}

#[test]
fn an_ordinary_user_cannot_run_the_child_as_another() {
    let stage = Stage::new();
    let (mut command, home) = stage.tanist_of_an_ordinary_user();
    command
        .env("TANIST_RUN_DIR", home.join("run"))
        .env("TANIST_STATE_DIR", home.join("state"));
    let args = ["run", "-e", "demo", "--once", "--user", "0", "--", "true"];
    let output = command.args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(77), "{}", err(&output));
    assert!(
        err(&output).contains("run::user-denied"),
        "{}",
        err(&output)
    );
}

#[test]
fn help_and_version_are_no_failures() {
    let stage = Stage::new();
    for args in [
        &["--version"][..],
        &["--help"],
        &["run", "--help"],
        &["status", "-h"],
    ] {
        assert_eq!(stage.ask(args).status.code(), Some(0), "{args:?}");
    }
    // No command at all is wrong usage, and says what there is.
    let nothing = stage.ask::<&str>([]);
    assert_eq!(nothing.status.code(), Some(64));
}
