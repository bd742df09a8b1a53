use crate::stage::{Stage, err, out};

#[test]
fn a_slug_is_explained_as_it_is_copied() {
    let stage = Stage::new();
    let expected = "\
config::exists

What: tanist config init found a file where it was to write one.
Why: a file that somebody wrote is never overwritten.
Do: name another file, move the old one away, or print the text with tanist config init - and merge it by hand.
";
    for slug in [
        "config::exists",
        "[config::exists]",
        "reason=config::exists",
    ] {
        let output = stage.ask(["explain", slug]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert_eq!(out(&output), expected);
    }
}

#[test]
fn all_slugs_are_listed_with_one_line_each() {
    let stage = Stage::new();
    let listed = out(&stage.ask(["explain"]));
    assert!(listed.lines().count() > 60, "{listed}");
    for line in listed.lines() {
        let (slug, what) = line.split_once(": ").unwrap();
        assert!(what.ends_with('.') || what.ends_with(')'), "{line}");
        let text = out(&stage.ask(["explain", slug]));
        assert!(
            text.starts_with(&format!("{slug}\n\nWhat: {what}\n")),
            "{text}"
        );
    }
}

#[test]
fn a_slug_that_is_none_is_answered_with_the_nearest() {
    let stage = Stage::new();
    let output = stage.ask(["explain", "config::exist"]);
    assert_eq!(output.status.code(), Some(64));
    let expected = "error: there is no slug \"config::exist\" [explain::unknown]\n  = did you mean config::exists?\n";
    assert_eq!(err(&output), expected);
    let output = stage.ask(["explain", "zzz"]);
    assert!(err(&output).contains("tanist explain lists all"));
}

#[test]
fn the_reason_of_a_last_line_is_explained_too() {
    let stage = Stage::new();
    let mut leader = stage.run(&[], "echo up; exec sleep 1000");
    assert_eq!(leader.line(), "up");
    let second = stage.run(&["-n", "other", "--no-wait"], "true");
    let (code, whose) = second.ended();
    assert_eq!(code, 75);
    let reason = whose.strip_prefix("tanist:").unwrap();
    let output = stage.ask(["explain", reason]);
    assert!(out(&output).contains("--no-wait"), "{}", err(&output));
}
