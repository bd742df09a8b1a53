//! The probe does what it says: a checker is worth what its witnesses are.
#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;
use tanist_testkit::{Expect, History, ProbeRole, Process, Tail, now};

const TREE: [ProbeRole; 4] = [
    ProbeRole::Root,
    ProbeRole::Child,
    ProbeRole::Grandchild,
    ProbeRole::Escapee,
];

/// A probe and whatever is left of its tree, taken down at the end.
struct Tree {
    folder: tempfile::TempDir,
    root: Child,
    tail: Tail,
    history: History,
}

impl Tree {
    fn start(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("history");
        let tail = Tail::open(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tanist-probe"));
        command.arg("--log").arg(&log).args(flags);
        command
            .env("TANIST_INSTANCE", "feed")
            .env("TANIST_TERM", "42");
        let root = command.spawn().unwrap();
        Self {
            folder,
            root,
            tail,
            history: History::default(),
        }
    }

    fn wait(&mut self, what: &str, enough: impl Fn(&History) -> bool) {
        let history = &mut self.history;
        let until = now() + Duration::from_secs(30);
        let waited = self.tail.wait_for(what, until, |new| {
            history.extend(new);
            enough(history).then_some(())
        });
        waited.unwrap();
    }

    fn wait_roles(&mut self, roles: &[ProbeRole]) {
        self.wait("every role to write", |history| {
            history
                .activations()
                .first()
                .is_some_and(|one| roles.iter().all(|role| one.has(*role)))
        });
    }

    fn processes(&self) -> Vec<Process> {
        belonging(self.folder.path())
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for process in belonging(self.folder.path()) {
            process.signal(Signal::KILL).unwrap();
            process.wait_ended(now() + Duration::from_secs(30)).unwrap();
        }
        self.root.wait().unwrap();
    }
}

fn belonging(folder: &Path) -> Vec<Process> {
    Process::all()
        .unwrap()
        .into_iter()
        .filter(|process| process.belongs_to(folder))
        .collect()
}

#[test]
fn the_whole_tree_writes_under_one_activation_and_one_member_escapes() {
    let mut tree = Tree::start(&[]);
    tree.wait_roles(&TREE);
    let verdict = tree.history.check(&Expect {
        activations: 1..=1,
        roles: TREE.to_vec(),
        ..Expect::default()
    });
    assert!(verdict.holds(), "{verdict}");
    let activation = &verdict.activations[0];
    assert!(activation.id.starts_with("feed/42/"), "{}", activation.id);
    assert_eq!(activation.term, Some(42));

    let escapee = activation
        .writers
        .keys()
        .find(|writer| writer.role == ProbeRole::Escapee);
    let escapee = Process::open(escapee.unwrap().pid).unwrap();
    let root = Process::open(tree.root.id()).unwrap();
    assert_ne!(escapee.session().unwrap(), root.session().unwrap());
    assert!(
        tree.processes()
            .iter()
            .all(|other| other.pid != escapee.parent)
    );
}

#[test]
fn the_escapee_outlives_the_root() {
    let mut tree = Tree::start(&[]);
    tree.wait_roles(&TREE);
    tree.root.kill().unwrap();
    tree.root.wait().unwrap();
    let died = now();
    tree.wait("a line of the escapee after the root's death", |history| {
        let one = history.activations()[0];
        one.last > died + Duration::from_millis(50) && one.last_by.role == ProbeRole::Escapee
    });
}

#[test]
fn a_tree_told_to_ignore_the_stop_signal_goes_on() {
    let mut tree = Tree::start(&["--ignore-term"]);
    tree.wait_roles(&TREE);
    for process in tree.processes() {
        process.signal(Signal::TERM).unwrap();
    }
    let told = now();
    let count = tree.history.activations()[0].writers.len();
    tree.wait("lines after the signal", |history| {
        history.activations()[0].last > told
    });
    assert_eq!((tree.processes().len(), count), (4, 4));
}

#[test]
fn a_root_takes_its_time_to_stop_and_no_longer() {
    let mut tree = Tree::start(&["--alone", "--stop-takes", "200ms"]);
    tree.wait_roles(&[ProbeRole::Root]);
    // Its handler stands once it has written a second line.
    tree.wait("a second line", |history| {
        history.activations()[0].last_line > 1
    });
    let told = now();
    tree.processes()[0].signal(Signal::TERM).unwrap();
    assert!(tree.root.wait().unwrap().success());
    let took = now().since(told);
    assert!(took >= Duration::from_millis(200), "{took:?}");
    tree.wait("its last lines", |history| {
        history.activations()[0].last.since(told) > Duration::from_millis(150)
    });
}

#[test]
fn a_root_ends_by_itself_with_its_code() {
    let mut tree = Tree::start(&["--alone", "--exit-after", "50ms", "--exit-code", "7"]);
    assert_eq!(tree.root.wait().unwrap().code(), Some(7));
    tree.wait_roles(&[ProbeRole::Root]);
}

#[test]
fn a_second_root_cannot_bind_the_same_port() {
    let port = tanist_testkit::FreePort::find().unwrap();
    let mut first = Tree::start(&["--alone", "--listen", &port.address()]);
    first.wait("the port to be bound", |history| {
        history
            .activations()
            .first()
            .is_some_and(|one| one.last_line > 1)
    });
    let mut served = String::new();
    let mut stream = std::net::TcpStream::connect(port.address()).unwrap();
    std::io::Read::read_to_string(&mut stream, &mut served).unwrap();
    assert_eq!(served, first.history.activations()[0].id);
    let mut second = Tree::start(&["--alone", "--listen", &port.address()]);
    assert_eq!(second.root.wait().unwrap().code(), Some(98));
}
