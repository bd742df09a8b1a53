use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tanist_testkit::Need;

use crate::stage::{Node, Stage, err, state_of};

/// Says who it is, then works until it is killed.
const WORK: &str = "echo $$; exec sleep 1000";

/// What `sh` does as root in a mount namespace of its own, before it becomes `tanist run`.
fn in_a_namespace(stage: &Stage, before: &str, args: &[&str]) -> Command {
    let inner = stage.tanist();
    let mut command = Command::new("unshare");
    let script = format!("{before} && exec \"$@\"");
    command.args(["--mount", "sh", "-e", "-c", &script]);
    command
        .arg(stage.run_dir())
        .arg(inner.get_program())
        .args(args);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command
}

fn run<'a>(node: &'a str, script: &'a str) -> [&'a str; 9] {
    [
        "run", "-e", "demo", "--node", node, "--", "sh", "-c", script,
    ]
}

/// The lock is put elsewhere, and then something else into its place.
fn lock_is_lost(replace: impl Fn(&Path)) {
    let stage = Stage::new();
    let flags = |node| ["--node", node, "--lease", "1s"];
    let mut first = stage.run(&flags("a"), WORK);
    let child: i32 = first.line().parse().unwrap();
    let mut second = stage.run(&flags("b"), "echo $$; exec sleep 1000");
    second.event("standby");
    let lock = stage.run_dir().join("demo/lock");
    let old = stage.path("old-lock");
    fs::rename(&lock, &old).unwrap();
    replace(&lock);
    first.event("ending");
    first.event("ended");
    assert_eq!(state_of(child), None);
    // Somebody leads again, when the old work is gone, by a lock that is a file.
    drop(first);
    second.line();
    assert!(fs::symlink_metadata(&lock).unwrap().is_file());
    assert_eq!(
        fs::read(&old).unwrap(),
        b"",
        "the file outside is as it was"
    );
}

/// F91: the lock file is renamed while the work runs, and nothing is in its place.
#[test]
fn a_lock_that_is_renamed_is_lost() {
    lock_is_lost(|_| ());
}

/// F91: the lock file is renamed, and an empty one made.
#[test]
fn a_lock_that_is_replaced_is_lost() {
    lock_is_lost(|lock| fs::write(lock, "").unwrap());
}

/// F91, F95: a link to a file of somebody else's lies where the lock should be.
#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let stage = Stage::new();
    let victim = stage.path("victim");
    fs::write(&victim, "precious").unwrap();
    let mut first = stage.run(&["--node", "a", "--lease", "1s"], WORK);
    let child: i32 = first.line().parse().unwrap();
    let lock = stage.run_dir().join("demo/lock");
    fs::remove_file(&lock).unwrap();
    symlink(&victim, &lock).unwrap();
    first.event("ending");
    first.event("ended");
    assert_eq!(state_of(child), None);
    // Nobody leads by it, and what it points to is neither locked nor touched.
    assert!(first.no_line());
    fs::File::open(&victim).unwrap().try_lock().unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    // Removed, it is as if it had never been.
    fs::remove_file(&lock).unwrap();
    first.line();
}

/// F95: a run directory that belongs to somebody else.
#[test]
fn a_directory_of_somebody_else_is_refused() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.run_dir()).unwrap();
    fs::set_permissions(stage.run_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(stage.run_dir(), Some(65534), Some(65534)).unwrap();
    let output = stage.ask(run("a", "true"));
    assert_eq!(output.status.code(), Some(73), "{}", err(&output));
    assert!(
        err(&output).contains("directory::not-private"),
        "{}",
        err(&output)
    );
    assert!(
        err(&output).contains("it belongs to user 65534"),
        "{}",
        err(&output)
    );
    assert_eq!(
        fs::read_dir(stage.run_dir()).unwrap().count(),
        0,
        "it was touched"
    );
}

/// F94: the run directory is on a file system that takes no writes.
#[test]
fn a_store_that_cannot_be_written_is_refused_before_anything_begins() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.run_dir()).unwrap();
    let read_only = "mount -t tmpfs -o ro,mode=700 tmpfs \"$0\"";
    let output = in_a_namespace(&stage, read_only, &run("a", "echo ran"))
        .output()
        .unwrap();
    let said = err(&output);
    assert_eq!(output.status.code(), Some(73), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(output.stdout.is_empty(), "the command ran");
}

/// F94: an overlay is a file system of this machine, and its locks are real.
#[test]
fn an_overlay_is_as_good_as_any() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.run_dir()).unwrap();
    let overlay = "mount -t tmpfs tmpfs /mnt; mkdir -m 700 /mnt/l /mnt/u /mnt/w; \
                   mount -t overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w o \"$0\"";
    let args = [
        "run", "-e", "demo", "--once", "--", "stat", "-f", "-c", "%T",
    ];
    let dir = stage.run_dir();
    let args: Vec<&str> = args.into_iter().chain([dir.to_str().unwrap()]).collect();
    let output = in_a_namespace(&stage, overlay, &args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(output.stdout, b"overlayfs\n");
}

/// The smallest file system in user space there can be: an empty directory.
const FUSE: &str = "\
import ctypes, os, struct, sys, threading
fd = os.open('/dev/fuse', os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = f'fd={fd},rootmode=40700,user_id=0,group_id=0,allow_other'.encode()
if libc.mount(b'test', sys.argv[1].encode(), b'fuse', 0, options): sys.exit(os.strerror(ctypes.get_errno()))
attributes = struct.pack('<QQQQQQIIIIIIIIII', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40700, 2, 0, 0, 0, 4096, 0)
def serve():
    while True:
        request = os.read(fd, 1 << 20)
        length, code, unique = struct.unpack('<IIQ', request[:16])
        body, error = b'', -38
        if code == 26: body, error = struct.pack('<IIIIHHII', 7, 31, 4096, 0, 0, 0, 4096, 1) + bytes(36), 0
        elif code == 3: body, error = struct.pack('<QII', 0, 0, 0) + attributes, 0
        elif code == 17: body, error = struct.pack('<QQQQQIII', 0, 0, 0, 0, 0, 4096, 255, 4096) + bytes(28), 0
        elif code == 1: error = -2
        if code not in (2, 36, 42): os.write(fd, struct.pack('<IiQ', 16 + len(body), error, unique) + body)
threading.Thread(target=serve, daemon=True).start()
import subprocess
sys.exit(subprocess.call(sys.argv[2:]))
";

/// F94: a file system in user space, which may lie on another machine.
#[test]
fn a_file_system_that_others_may_share_is_refused() {
    if !Need::Root.go_on() || !Need::Python.go_on() {
        return;
    }
    let stage = Stage::new();
    let shared = stage.path("shared");
    fs::create_dir(&shared).unwrap();
    let store = format!("local:{}", shared.display());
    let inner = stage.tanist();
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "python3", "-c", FUSE])
        .arg(&shared);
    command.arg(inner.get_program());
    command.args(["run", "-e", "demo", "--store", &store, "--", "echo", "ran"]);
    for (name, value) in inner
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
    {
        command.env(name, value);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = err(&output);
    assert!(said.contains("it is on FUSE"), "{said}");
    assert!(said.contains("allow_network_fs=1"), "{said}");
    assert!(output.stdout.is_empty(), "the command ran");
    assert_eq!(output.status.code(), Some(73), "{said}");
}

/// F96: two mount namespaces with a directory of the same name each. Neither can see the other, so
/// both lead; what the log says of the directory is what tells them apart.
#[test]
fn two_namespaces_see_two_stores_and_say_which() {
    if !Need::Root.go_on() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.run_dir()).unwrap();
    fs::set_permissions(stage.run_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut outside = stage.run(&["--node", "a"], WORK);
    outside.line();
    let own = "mount -t tmpfs -o mode=700 tmpfs \"$0\"";
    let mut inside = Node::start(in_a_namespace(&stage, own, &run("b", WORK)));
    inside.line();
    let said = [outside.event("standing"), inside.event("standing")].map(|line| {
        (
            line["store"].as_str().unwrap().to_owned(),
            line["inode"].as_str().unwrap().to_owned(),
        )
    });
    assert_eq!(said[0].0, said[1].0, "one name");
    assert_ne!(said[0].1, said[1].1, "and two directories");
    let real = fs::metadata(stage.run_dir()).unwrap();
    assert_eq!(said[0].1, format!("{}:{}", real.dev(), real.ino()));
    // In one namespace the same name is the same directory, and one of them waits.
    let mut beside = stage.run(&["--node", "c"], WORK);
    assert_eq!(beside.event("standing")["inode"], said[0].1);
    beside.event("standby");
    outside.signal(Signal::TERM);
    beside.line();
}
