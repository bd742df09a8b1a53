use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::Test;
use crate::look::copy_program;
use crate::plan::Plan;
use crate::rig::{NOBODY, Rig};

/// What a child starts with, and what it does not start with at all.
pub(crate) const TESTS: &[Test] = &[
    (
        "past_the_deadline_nothing_runs",
        past_the_deadline_nothing_runs,
    ),
    (
        "a_command_that_is_not_there_is_127",
        a_command_that_is_not_there_is_127,
    ),
    (
        "a_command_that_cannot_run_is_126",
        a_command_that_cannot_run_is_126,
    ),
    ("a_missing_directory_is_named", a_missing_directory_is_named),
    (
        "the_child_has_the_intended_descriptors_only",
        the_intended_descriptors_only,
    ),
    (
        "standard_input_is_inherited_when_asked_for",
        standard_input_is_inherited_when_asked_for,
    ),
    (
        "ignored_and_blocked_signals_are_reset",
        ignored_and_blocked_signals_are_reset,
    ),
    (
        "the_child_leads_its_own_process_group",
        the_child_leads_its_own_process_group,
    ),
    (
        "another_user_means_all_of_that_user",
        another_user_means_all_of_that_user,
    ),
    (
        "who_is_not_root_cannot_change_users",
        who_is_not_root_cannot_change_users,
    ),
    (
        "the_directory_is_entered_as_the_user",
        the_directory_is_entered_as_the_user,
    ),
];

/// F86: a deadline that has passed.
fn past_the_deadline_nothing_runs() {
    let mut rig = Plan::default().shell("touch $DIR/ran");
    rig.ready();
    // Of 2 s, 1.25 s have to be left: a renewal, and stopping.
    rig.begin(Duration::from_millis(1_200));
    rig.expect("too-late");
    rig.expect("empty");
    rig.dismiss();
    assert!(!rig.path("ran").exists());
}

fn failed_to_execute(rig: &mut Rig, code: &str) -> String {
    rig.ready();
    rig.begin(Duration::from_secs(600));
    let why = rig.expect(&format!("exec-failed {code} "));
    rig.expect("empty");
    rig.dismiss();
    why
}

/// F81: the command goes away before its exec.
fn a_command_that_is_not_there_is_127() {
    let mut rig = Plan::default().command(&["no-such-command-anywhere"]);
    let why = failed_to_execute(&mut rig, "127");
    assert!(
        why.contains("no-such-command-anywhere: it is not in PATH"),
        "{why}"
    );
    let mut rig = Plan::default().command(&["/no/such/file"]);
    let why = failed_to_execute(&mut rig, "127");
    assert!(
        why.contains("/no/such/file: there is no such file"),
        "{why}"
    );
}

/// F81: it is there and cannot run.
fn a_command_that_cannot_run_is_126() {
    let directory = tempfile::tempdir().unwrap();
    let draft = directory.path().join("draft");
    fs::write(&draft, "#!/no/such/interpreter\n").unwrap();
    let file = directory.path().join("script");
    copy_program(&draft, &file);
    let path = file.to_str().unwrap();
    let why = failed_to_execute(&mut Plan::default().command(&[path]), "126");
    assert!(why.contains("Permission denied"), "{why}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let why = failed_to_execute(&mut Plan::default().command(&[path]), "126");
    assert!(
        why.contains("the interpreter it names is not there"),
        "{why}"
    );
    let why = failed_to_execute(&mut Plan::default().command(&["/"]), "126");
    assert!(why.contains("cannot execute /"), "{why}");
}

fn a_missing_directory_is_named() {
    let plan = Plan {
        cwd: "/no/such/directory",
        ..Plan::default()
    };
    let why = failed_to_execute(&mut plan.shell("touch $DIR/ran"), "126");
    assert!(
        why.contains("cannot enter /no/such/directory: No such file"),
        "{why}"
    );
}

/// The supervisor of these tests is careless and leaves a descriptor open for everybody.
///
/// F87: what the child has open.
fn the_intended_descriptors_only() {
    let mut rig = Plan::default().python(
        "import os\n\
         held = os.path.realpath(os.environ['DIR'] + '/lock')\n\
         names = {int(fd): os.readlink('/proc/self/fd/' + fd) for fd in os.listdir('/proc/self/fd')\n\
         \tif os.path.exists('/proc/self/fd/' + fd)}\n\
         extra = [name for fd, name in names.items() if fd > 2 and not name.startswith('/proc/')]\n\
         wire = os.open(os.environ['DIR'] + '/wire', os.O_WRONLY)\n\
         os.write(wire, f'{names[0]} {extra == [held]} {extra}\\n'.encode())\n",
    );
    let mut wire = rig.tripwire("wire");
    fs::write(rig.path("lock"), "").unwrap();
    rig.ready();
    let far = (crate::rig::now() + Duration::from_secs(600))
        .since_origin()
        .as_nanos();
    let lock = rig.path("lock");
    rig.tell(&format!("begin {far} {}", lock.display()));
    rig.expect("started ");
    let line = wire.line();
    assert!(line.starts_with("/dev/null True "), "{line}");
}

fn standard_input_is_inherited_when_asked_for() {
    let plan = Plan {
        stdin: "inherit",
        ..Plan::default()
    };
    let mut rig = plan.shell("exec 9>$DIR/wire; readlink /proc/self/fd/0 >&9");
    let mut wire = rig.tripwire("wire");
    rig.start();
    let line = wire.line();
    // The supervisor's standard input is the pipe through which the test speaks to it.
    assert!(line.starts_with("pipe:"), "{line}");
}

fn ignored_and_blocked_signals_are_reset() {
    let script = "exec 9>$DIR/wire; grep -E 'Sig(Ign|Blk)' /proc/self/status | tr -d '\\n' >&9; \
                  echo >&9";
    let every = [(Some("INT QUIT USR1 CHLD"), 0), (Some("HUP"), 1), (None, 0)];
    for (ignoring, left) in every {
        let mut rig = Plan {
            ignoring,
            ..Plan::default()
        }
        .shell(script);
        let mut wire = rig.tripwire("wire");
        rig.start();
        let line = wire.line();
        let zero_blocked = line.contains("SigBlk:\t0000000000000000");
        let ignored = line.split("SigIgn:").nth(1).unwrap().trim();
        assert!(zero_blocked, "{line}");
        // A hang-up that was ignored before stays so: that is what nohup is for.
        // The two that the C library keeps to itself are nobody's to reset.
        let ignored = u64::from_str_radix(ignored, 16).unwrap() & !(0b11 << 31);
        assert_eq!(ignored, left, "{line}");
        assert_eq!(rig.expect("exited "), "exit status: 0");
        rig.expect("empty");
        rig.dismiss();
    }
}

fn the_child_leads_its_own_process_group() {
    let mut rig = Plan::default()
        .shell("exec 9>$DIR/wire; awk '{ print $5, $6, $7 }' /proc/$$/stat >&9; exec sleep 1000");
    let mut wire = rig.tripwire("wire");
    let (guard, _) = rig.ready();
    rig.begin(Duration::from_secs(600));
    let child = rig.expect("started ");
    assert_eq!(wire.line(), format!("{child} {guard} 0"));
}

const WHO: &str = "exec 9>$DIR/wire; echo $(id -u) $(id -g) $(id -G) >&9; \
                   grep -E '^Cap(Eff|Prm)' /proc/self/status | tr -d '\\n\\t' >&9; echo >&9";

fn another_user_means_all_of_that_user() {
    if !rustix::process::geteuid().is_root() {
        return who_is_not_root_cannot_change_users();
    }
    let mut rig = Plan {
        user: "nobody",
        ..Plan::default()
    }
    .shell(WHO);
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), format!("{NOBODY} {NOBODY} {NOBODY}"));
    assert_eq!(
        wire.line(),
        "CapPrm:0000000000000000CapEff:0000000000000000"
    );
    rig.expect("exited ");
    rig.expect("empty");
    let mut rig = Plan {
        user: "4242:4343",
        ..Plan::default()
    }
    .shell(WHO);
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), "4242 4343 4343");
}

fn who_is_not_root_cannot_change_users() {
    let plan = Plan {
        user: "root",
        unprivileged: true,
        ..Plan::default()
    };
    let rig = plan.shell("touch $DIR/ran");
    let why = rig.expect("refused ");
    assert!(why.contains("only root may change users"), "{why}");
    assert!(!rig.path("ran").exists());
}

fn the_directory_is_entered_as_the_user() {
    if !rustix::process::geteuid().is_root() {
        return who_is_not_root_cannot_change_users();
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let path = closed.path().to_str().unwrap().to_owned();
    let cwd: &'static str = path.leak();
    let mut rig = Plan {
        user: "nobody",
        cwd,
        ..Plan::default()
    }
    .shell("touch $DIR/ran");
    let why = failed_to_execute(&mut rig, "126");
    assert!(why.contains("Permission denied"), "{why}");
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let plan = Plan {
        user: "nobody",
        cwd,
        ..Plan::default()
    };
    let mut rig = plan.shell("exec 9>$DIR/wire; pwd >&9");
    let mut wire = rig.tripwire("wire");
    rig.start();
    assert_eq!(wire.line(), cwd);
}
