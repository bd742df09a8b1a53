//! What is refused of health checks, before anything is begun.

use crate::stage::{Stage, err, out};

fn refused(flags: &[&str], code: i32) -> String {
    let stage = Stage::new();
    let args = ["run", "-e", "demo"].iter().chain(flags);
    let output = stage.ask(args.chain(&["--", "sh", "-c", "echo ran"]));
    let said = err(&output);
    assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
    assert_eq!(out(&output), "");
    assert!(!stage.run_dir().exists(), "{flags:?}");
    said
}

#[test]
fn what_is_no_check_is_refused_with_what_to_write() {
    for (check, why) in [
        ("ping", "write exec:CMD"),
        ("https://h/", "https is not spoken"),
        ("tcp://h", "write HOST:PORT"),
        ("exec:a | b", "there is no shell"),
        ("exec:'a", "the quote ' does not end"),
    ] {
        let said = refused(&["--health", check], 64);
        assert!(said.contains(why), "{check}: {said}");
    }
    let said = refused(&["--health-fall", "0"], 64);
    assert!(said.contains("0 is not in"), "{said}");
}

#[test]
fn a_command_that_is_not_there_is_refused_like_the_childs() {
    let said = refused(&["--health", "db=exec:no-such-check -q"], 127);
    assert!(said.contains("run::command-not-found"), "{said}");
    assert!(said.contains("it is the health check db"), "{said}");
}

#[test]
fn two_checks_of_one_name_are_refused() {
    let flags = [
        "--health",
        "a=exec:true",
        "--health-standby",
        "a=tcp://[::1]:1",
    ];
    let said = refused(&flags, 64);
    assert!(said.contains("health::name"), "{said}");
}

#[test]
fn spans_that_cannot_be_kept_are_refused_with_the_number_to_write() {
    let check = ["--health", "exec:true"];
    let with = |flags: &[&'static str]| [&check[..], flags].concat();
    let said = refused(&with(&["--health-interval", "1ms"]), 64);
    assert!(said.contains("at least --health-interval 20ms"), "{said}");
    let said = refused(&with(&["--renew-needs-health", "2s"]), 64);
    assert!(said.contains("health::too-short"), "{said}");
    assert!(said.contains("at least --renew-needs-health 3s"), "{said}");
    let said = refused(&["--renew-needs-health", "9s"], 64);
    assert!(said.contains("health::none"), "{said}");
}

#[test]
fn a_file_says_the_same_with_a_caret() {
    let stage = Stage::new();
    let path = stage.path("demo.toml");
    let checks = r#"health = ["web=http://127.0.0.1:1/a?b=c", "exec:sh -c 'exit 1'"]"#;
    std::fs::write(&path, format!("{checks}\nrenew_needs_health = \"7s\"\n")).unwrap();
    let file = path.to_str().unwrap();
    let shown = out(&stage.ask(["config", "show", "-e", "demo", "-c", file]));
    assert!(shown.contains(checks), "{shown}");
    assert!(shown.contains("renew_needs_health = \"7s\""), "{shown}");
    assert!(shown.contains("health_interval = \"2s\""), "{shown}");
    std::fs::write(&path, "health = [\"true\"]\n").unwrap();
    let output = stage.ask(["config", "check", file]);
    assert_eq!(output.status.code(), Some(78));
    let said = err(&output);
    assert!(
        said.contains("^") && said.contains("write exec:CMD"),
        "{said}"
    );
}

#[test]
fn the_variable_holds_one_check_for_each_line() {
    let stage = Stage::new();
    let mut command = stage.tanist();
    command
        .env("TANIST_HEALTH", "a=exec:true\nb=exec:sh -c 'exit 0'")
        .args(["config", "show", "-e", "demo", "-o", "json"]);
    let shown: serde_json::Value =
        serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(
        shown["settings"]["health"]["value"],
        serde_json::json!(["a=exec:true", "b=exec:sh -c 'exit 0'"])
    );
}
