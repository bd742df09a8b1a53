use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::stage::{Stage, state_of, wait_until};

/// A terminal with `tanist run` in its foreground, as a person starts it.
struct Terminal {
    node: Child,
    keys: File,
    shown: BufReader<File>,
}

impl Terminal {
    fn run(stage: &Stage, script: &str) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let far = rustix::fs::open(name, flags, Mode::empty()).unwrap();
        let stream = || Stdio::from(far.try_clone().unwrap());
        let inner = stage.tanist();
        // It makes the terminal that of the session, and tanist the leader of both.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(inner.get_program());
        command.args([
            "run", "-e", "demo", "--node", "a", "-qq", "--", "sh", "-c", script,
        ]);
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let node = command
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn();
        let keys = File::from(near.try_clone().unwrap());
        Self {
            node: node.unwrap(),
            keys,
            shown: BufReader::new(File::from(near)),
        }
    }

    fn press(&mut self, key: u8) {
        self.keys.write_all(&[key]).unwrap();
    }

    /// The next line that is shown; what is typed is shown too, and taken off.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.shown.read_line(&mut line).unwrap();
        line.trim_end()
            .trim_start_matches("^C")
            .trim_start_matches("^Z")
            .to_owned()
    }

    /// What is shown until everybody has let go of the terminal.
    fn rest(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.node.wait().unwrap().code();
        let lines = self.shown.lines().map_while(Result::ok);
        (code, lines.map(|line| line.trim_end().to_owned()).collect())
    }
}

/// F89: Ctrl-C goes to whoever is in the foreground: tanist, and not also its work.
#[test]
fn ctrl_c_stops_the_work_once() {
    let stage = Stage::new();
    let script = "trap 'echo INT' INT; trap 'echo TERM; exit 0' TERM; echo ready; \
                  while :; do sleep 0.01; done";
    let mut terminal = Terminal::run(&stage, script);
    assert_eq!(terminal.line(), "ready");
    terminal.press(3);
    let (code, lines) = terminal.rest();
    assert_eq!(code, Some(0), "{lines:?}");
    let said = |word: &str| lines.iter().filter(|line| line.ends_with(word)).count();
    assert_eq!((said("TERM"), said("INT")), (1, 0), "{lines:?}");
}

/// F89: Ctrl-Z stops the work, and not who renews for it.
#[test]
fn ctrl_z_stops_the_work_and_not_tanist() {
    let stage = Stage::new();
    let mut terminal = Terminal::run(&stage, "echo $$; exec sleep 1000");
    let child: i32 = terminal.line().parse().unwrap();
    let socket = stage.run_dir().join("demo.a.sock");
    wait_until("it leads", || {
        crate::stage::control(&socket, "term")["role"] == "leader"
    });
    terminal.press(26);
    wait_until("the work is stopped", || state_of(child) == Some('T'));
    assert_eq!(crate::stage::control(&socket, "term")["role"], "leader");
    assert_ne!(state_of(terminal.node.id().cast_signed()), Some('T'));
    // And the stop ends it all the same.
    terminal.press(3);
    assert_eq!(terminal.rest().0, Some(0));
    assert_eq!(state_of(child), None);
}

/// F78, F89: the terminal goes away, and with it the session: the work is not stranded.
#[test]
fn a_terminal_that_goes_away_leaves_nothing_behind() {
    let stage = Stage::new();
    let mut terminal = Terminal::run(&stage, "echo $$; exec sleep 1000");
    let child: i32 = terminal.line().parse().unwrap();
    let socket = stage.run_dir().join("demo.a.sock");
    wait_until("it leads", || {
        crate::stage::control(&socket, "term")["role"] == "leader"
    });
    let Terminal { node, keys, shown } = terminal;
    drop((keys, OwnedFd::from(shown.into_inner())));
    // A hang-up is the child's, and it ends by it.
    wait_until("it is gone", || state_of(child).is_none());
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&node),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let mut node = node;
    assert_eq!(node.wait().unwrap().code(), Some(0));
}
