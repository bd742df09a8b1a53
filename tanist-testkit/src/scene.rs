use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use tanist_core::Moment;
use tempfile::TempDir;

use crate::activation::Activation;
use crate::boot_clock;
use crate::client::Client;
use crate::expect::Expect;
use crate::free_port::FreePort;
use crate::history::History;
use crate::keeper::Keeper;
use crate::line::ProbeRole;
use crate::node::Node;
use crate::process::Process;
use crate::programs::Programs;
use crate::tail::Tail;
use crate::team::Team;
use crate::user::User;
use crate::verdict::Verdict;
use crate::work::{self, Work};

/// A result of a scene, whatever went wrong.
pub type SceneResult<T> = Result<T, Box<dyn Error>>;

/// Several nodes that stand in one election on this machine, and what their work wrote.
///
/// When it is dropped, every process that belongs to it is killed.
#[derive(Debug)]
pub struct Scene {
    folder: TempDir,
    programs: Programs,
    user: User,
    work: Work,
    keeper: Keeper,
    port: FreePort,
    nodes: Vec<Node>,
    tail: Tail,
    history: History,
    seen: usize,
}

/// How long a scene waits for what must come. Far longer than anything takes, because a slow
/// machine is no fault; how fast things are is measured elsewhere.
pub const PATIENCE: Duration = Duration::from_secs(60);

const TREE: [ProbeRole; 4] = [
    ProbeRole::Root,
    ProbeRole::Child,
    ProbeRole::Grandchild,
    ProbeRole::Escapee,
];

impl Scene {
    /// A scene without nodes.
    ///
    /// # Errors
    ///
    /// When its folder cannot be made.
    pub fn new(programs: &Programs, user: User, work: Work, keeper: Keeper) -> SceneResult<Self> {
        let folder = tempfile::Builder::new().prefix("tanist-scene-").tempdir()?;
        let programs = programs.copy_to(folder.path())?;
        let tail = Tail::open(work::log(folder.path()))?;
        for path in [folder.path(), Path::new(&work::log(folder.path()))] {
            user.own(path)?;
        }
        let (port, history) = (FreePort::find()?, History::default());
        Ok(Self {
            folder,
            programs,
            user,
            work,
            keeper,
            port,
            nodes: vec![],
            tail,
            history,
            seen: 0,
        })
    }

    /// The scene's folder: the store's is `store` in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client that connects all the time from now on.
    pub fn client(&self) -> Client {
        Client::start(self.work.clone(), &self.port)
    }

    /// Starts a node, or starts it again.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or runs.
    pub fn start(&mut self, name: &str) -> SceneResult<()> {
        self.start_with(name, &[])
    }

    /// The same, with more in its environment.
    ///
    /// # Errors
    ///
    /// As [`Scene::start`].
    pub fn start_with(&mut self, name: &str, environment: &[(&str, OsString)]) -> SceneResult<()> {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.name == name)
            && node.ended()?.is_none()
        {
            return Err(format!("node {name} runs").into());
        }
        self.nodes.retain(|node| node.name != name);
        let folder = self.folder.path();
        let work = self.work.command(&self.programs, folder, &self.port);
        let mut command = self
            .keeper
            .command(name, folder, &self.programs, self.user, &work)?;
        command.envs(environment.iter().cloned());
        self.nodes
            .push(Node::start(name, folder, self.user, command)?);
        Ok(())
    }

    /// The node with that name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn node(&mut self, name: &str) -> SceneResult<&mut Node> {
        let found = self.nodes.iter_mut().find(|node| node.name == name);
        found.ok_or_else(|| format!("no node {name}").into())
    }

    /// What was written so far.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Waits until the history shows what `take` looks for.
    ///
    /// # Errors
    ///
    /// When it does not come; shows what the nodes logged.
    pub fn wait<T>(
        &mut self,
        what: &str,
        mut take: impl FnMut(&History) -> Option<T>,
    ) -> SceneResult<T> {
        let history = &mut self.history;
        let until = boot_clock::now() + PATIENCE;
        let waited = self.tail.wait_for(what, until, |new| {
            history.extend(new);
            take(history)
        });
        waited.map_err(|error| self.explain(&error.to_string()).into())
    }

    /// Waits for an activation that was not seen by this before, until every process of its tree
    /// has written.
    ///
    /// # Errors
    ///
    /// When there comes none.
    pub fn wait_active(&mut self) -> SceneResult<Activation> {
        let (seen, roles) = (self.seen, self.roles());
        let active = self.wait("the next activation, with its whole tree", |history| {
            let all = history.activations();
            let newest = all.get(seen..).unwrap_or_default().last().copied()?;
            roles
                .iter()
                .all(|role| newest.has(*role))
                .then(|| newest.clone())
        })?;
        self.seen = self.history.activations().len();
        Ok(active)
    }

    /// Waits for the first line of an activation that [`Scene::wait_active`] has not seen.
    ///
    /// # Errors
    ///
    /// When there comes none.
    pub fn wait_begun(&mut self) -> SceneResult<Activation> {
        let seen = self.seen;
        self.wait("the next activation", |history| {
            history
                .activations()
                .get(seen)
                .map(|begun| (*begun).clone())
        })
    }

    /// Waits, to see that nobody works from now until then.
    ///
    /// # Errors
    ///
    /// When somebody does.
    pub fn wait_idle(&mut self, until: Moment) -> SceneResult<()> {
        let history = &mut self.history;
        // What those wrote who are gone.
        history.extend(&self.tail.read_new()?);
        let waited = self.tail.wait_for("nothing", until, |new| {
            history.extend(new);
            (!new.is_empty()).then_some(())
        });
        match waited {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Err(self.explain("somebody works").into()),
        }
    }

    /// The roles that write in every activation.
    pub fn roles(&self) -> Vec<ProbeRole> {
        let alone = matches!(&self.work, Work::Probe(flags) if flags.contains(&"--alone"));
        if alone {
            vec![ProbeRole::Root]
        } else {
            TREE.to_vec()
        }
    }

    /// The processes of the one active node.
    ///
    /// # Errors
    ///
    /// When none is active, or several are.
    pub fn team(&self) -> SceneResult<Team> {
        let all = Process::all()?;
        let works = |node: &&Node| Team::root(node.pid(), &self.work, &all).is_some();
        let active: Vec<_> = self.nodes.iter().filter(works).collect();
        if let [node] = active[..]
            && let Some(team) = Team::of(&node.name, node.pid(), &self.work, all)
        {
            return Ok(team);
        }
        let what = format!("{} teams, not one", active.len());
        Err(self.explain(&what).into())
    }

    /// Every process that belongs to the scene, can still run, and is not `tanist` itself.
    ///
    /// # Errors
    ///
    /// When the process table cannot be read.
    pub fn workers(&self) -> io::Result<Vec<Process>> {
        let mut all = self.processes()?;
        // Without a command line it has no memory left to run in: it is on its way out.
        all.retain(|process| !process.command.is_empty() && !is_tanist(process));
        Ok(all)
    }

    /// Stops every node as an operator does, who stops the standbys first, and judges what was
    /// written.
    ///
    /// # Errors
    ///
    /// When a node does not end, or leaves anything of itself behind.
    pub fn finish(&mut self, expect: Expect) -> SceneResult<Verdict> {
        let active = self.team().map(|team| team.node);
        self.nodes
            .sort_by_key(|node| active.as_ref().is_ok_and(|active| *active == node.name));
        for node in &mut self.nodes {
            if let Some(supervisor) = Process::open(node.pid()) {
                supervisor.signal(Signal::TERM)?;
                supervisor.wait_ended(boot_clock::now() + PATIENCE)?;
            }
            node.wait()?;
        }
        if matches!(self.keeper, Keeper::Flock | Keeper::FlockClosed) {
            // It passes no signal on: whoever stops it has to stop its command too.
            for worker in self.workers()? {
                worker.signal(Signal::TERM)?;
                worker.wait_ended(boot_clock::now() + PATIENCE)?;
            }
        }
        let survivors = self.workers()?.iter().map(ToString::to_string).collect();
        for left in self.processes()? {
            // A guard ends on its own after its supervisor; it has to, and soon.
            left.wait_ended(boot_clock::now() + PATIENCE)?;
        }
        self.history.extend(&self.tail.read_new()?);
        Ok(self.history.check(&Expect {
            survivors: Some(survivors),
            ..expect
        }))
    }

    /// What went wrong, with the last of each node's log and the processes there are.
    fn explain(&self, what: &str) -> String {
        let mut text = format!("{what}\n");
        for node in &self.nodes {
            let log = fs::read_to_string(node.log()).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            let _ = writeln!(text, "-- log of {}\n{}", node.name, last.join("\n"));
        }
        for process in self.processes().unwrap_or_default() {
            let _ = writeln!(text, "-- {process}");
        }
        let _ = write!(
            text,
            "-- history\n{}",
            self.history.check(&Expect::default())
        );
        text
    }

    fn processes(&self) -> io::Result<Vec<Process>> {
        let mut all = Process::all()?;
        let me = std::process::id();
        all.retain(|process| process.pid != me && process.belongs_to(self.folder.path()));
        Ok(all)
    }
}

/// By what it was started as: one that is just ending has no image any more.
fn is_tanist(process: &Process) -> bool {
    let program = process.command.first().map(Path::new);
    program
        .and_then(Path::file_name)
        .is_some_and(|name| name == "tanist")
}

impl Drop for Scene {
    fn drop(&mut self) {
        // What is killed may have a child a moment before: again until none is left.
        while let Ok(left) = self.processes()
            && !left.is_empty()
        {
            for process in left {
                // One that ends by itself meanwhile is as good.
                let _gone = process.signal(Signal::KILL);
                let _late = process.wait_ended(boot_clock::now() + PATIENCE);
            }
        }
        for node in &mut self.nodes {
            let _reaped = node.wait();
        }
    }
}
