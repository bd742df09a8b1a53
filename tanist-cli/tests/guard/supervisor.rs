use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::process::{Resource, Signal, getrlimit, setrlimit};
use tanist_core::{Moment, Timing};
use tokio::sync::mpsc;

use crate::product::guard::{ChildStdin, Contain, Guard, GuardReport, GuardSpec, Start};

/// The supervisor of a test: it obeys lines and says what its guard reports, in lines.
pub(crate) const VERB: &str = "supervise";

pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(supervise(spec(arguments)));
    // A line that is still being waited for must not keep the process.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

async fn supervise(spec: GuardSpec) {
    // What a careless shell leaves open must not reach the child.
    let leak = File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leak, FdFlags::empty()).unwrap();
    let mut guard = match Guard::spawn(&spec).await {
        Ok(guard) => guard,
        Err(error) => return say(&format!("refused {error}")),
    };
    say(&format!("ready {} {}", guard.pid(), guard.containment()));
    let mut orders = orders();
    let mut stays = false;
    loop {
        tokio::select! {
            report = guard.report() => {
                say(&describe(&report));
                if report == GuardReport::Gone {
                    break;
                }
            }
            order = orders.recv() => match order {
                Some(order) if order == "stay" => {
                    stays = true;
                    say("staying");
                }
                Some(order) => obey(&mut guard, &spec, &order).await,
                None => break,
            }
        }
    }
    if stays {
        while orders.recv().await.is_some() {}
    }
    drop(leak);
}

fn orders() -> mpsc::UnboundedReceiver<String> {
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if line.map(|line| sender.send(line)).is_err() {
                break;
            }
        }
    });
    orders
}

async fn obey(guard: &mut Guard, spec: &GuardSpec, order: &str) {
    let (verb, rest) = order.split_once(' ').unwrap_or((order, ""));
    match verb {
        "begin" => {
            let (moment, holds) = rest.split_once(' ').unwrap_or((rest, ""));
            let env = vec![("TANIST_TERM".into(), "7".into())];
            let lock = |path: &str| {
                let file = File::options().append(true).open(path).unwrap();
                file.lock().unwrap();
                OwnedFd::from(file)
            };
            let holds = holds.split_whitespace().map(lock).collect();
            guard
                .begin(Start {
                    safe_until: at(moment),
                    env,
                    holds,
                })
                .unwrap();
        }
        "until" => guard.until(at(rest)),
        "end" => guard.end(Duration::from_millis(rest.parse().unwrap())),
        "signal" => guard.signal(Signal::from_named_raw(rest.parse().unwrap()).unwrap()),
        "release" => guard.provide_release(rest.as_bytes(), &[]).unwrap(),
        "release-beside" => release_beside(guard, spec, rest.as_bytes()).await,
        "dismiss" => guard.dismiss(),
        "another-guard" => {
            let other = Guard::spawn(spec).await.unwrap();
            say(&format!("another {}", other.pid()));
            // It stays for as long as this process does.
            std::mem::forget(other);
        }
        "open-files" => {
            let mut limit = getrlimit(Resource::Nofile);
            limit.current = Some(rest.parse().unwrap());
            setrlimit(Resource::Nofile, limit).unwrap();
            say("limited");
        }
        "own-child" => {
            let mut cat = Command::new("cat");
            let child = cat
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            say(&format!("own {}", child.id()));
            std::mem::forget(child);
        }
        other => panic!("no such order: {other}"),
    }
}

/// Another tree at work in the name of the same leadership, which the release has to wait for.
async fn release_beside(guard: &mut Guard, spec: &GuardSpec, bytes: &[u8]) {
    let (after, held) = io::pipe().unwrap();
    guard.provide_release(bytes, &[after.as_fd()]).unwrap();
    let mut other = Guard::spawn(spec).await.unwrap();
    let far = crate::rig::now() + Duration::from_secs(600);
    let start = Start {
        safe_until: far,
        env: Vec::new(),
        holds: vec![held.into()],
    };
    other.begin(start).unwrap();
    while !matches!(other.report().await, GuardReport::Started { .. }) {}
    let stream = rustix::fs::fstat(&after).unwrap().st_ino;
    say(&format!("beside {} {stream}", other.pid()));
    std::mem::forget(other);
}

fn describe(report: &GuardReport) -> String {
    match report {
        GuardReport::Started { pid } => format!("started {pid}"),
        GuardReport::TooLate => "too-late".to_owned(),
        GuardReport::ExecFailed { code, message } => format!("exec-failed {code} {message}"),
        GuardReport::Exited { status } => format!("exited {status}"),
        GuardReport::DeadlineReached => "deadline-reached".to_owned(),
        GuardReport::Lingering { processes } => format!("lingering {processes}"),
        GuardReport::Hindered { why } => format!("hindered {why}"),
        GuardReport::Empty => "empty".to_owned(),
        GuardReport::Gone => "gone".to_owned(),
    }
}

fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").unwrap();
    stdout.flush().unwrap();
}

fn at(nanos: &str) -> Moment {
    Moment::after_origin(Duration::from_nanos(nanos.parse().unwrap()))
}

/// `lease-ms contain require-cgroup stdin stop-signal cwd user -- command`, `-` for none.
fn spec(arguments: &[OsString]) -> GuardSpec {
    let text = |at: usize| arguments[at].to_str().unwrap();
    let given = |at: usize| (text(at) != "-").then(|| arguments[at].clone());
    let lease = Duration::from_millis(text(0).parse().unwrap());
    GuardSpec {
        program: GuardSpec::SELF.into(),
        timing: Timing::from_lease(lease).unwrap(),
        contain: Contain::named(text(1)).unwrap(),
        require_cgroup: text(2) == "true",
        stdin: if text(3) == "inherit" {
            ChildStdin::Inherit
        } else {
            ChildStdin::Null
        },
        stop_signal: Signal::from_named_raw(text(4).parse().unwrap()).unwrap(),
        cwd: given(5).map(PathBuf::from),
        user: given(6),
        command: arguments[8..].to_vec(),
        env: std::env::vars_os().collect(),
    }
}
