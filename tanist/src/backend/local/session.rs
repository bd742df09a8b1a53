use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tanist_core::{Fact, Grant, InstanceId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::Local;
use super::candidacy::Candidacy;
use super::watcher::Watcher;
use super::worker::{Part, Task, Worker};
use crate::clock;
use crate::link::{Command, ElectionName, Link, Reports};

/// For how long the kernel keeps our entries: as long as this process lives, whatever it does. Any
/// span that is longer than every lease says so.
const ASSURED: Duration = Duration::from_secs(24 * 3600);

/// Without the kernel's news everything is glanced at this often.
pub(super) const BLIND_POLL: Duration = Duration::from_millis(250);

/// One run of the backend: the session is the files that it holds open.
struct Session {
    local: Local,
    reports: Reports,
    /// The session's length as it was asked for: only the poll goes by it.
    ttl: Duration,
    workers: BTreeMap<ElectionName, mpsc::UnboundedSender<Task>>,
    running: JoinSet<()>,
    watcher: Option<Arc<Watcher>>,
    troubles: mpsc::UnboundedSender<String>,
    link: Arc<AtomicU64>,
    links: u64,
    open: bool,
    /// When everything was read last.
    polled_at: Instant,
}

pub(super) async fn run(local: Local, mut link: Link) {
    let (troubles, mut troubled) = mpsc::unbounded_channel();
    let watcher = Watcher::new().map(Arc::new).map_err(|error| {
        tracing::warn!(%error, "changes are seen by polling only; fs.inotify.max_user_instances \
                                may be too low");
    });
    let mut session = Session {
        local,
        reports: link.reports().clone(),
        ttl: link.settings().ttl,
        workers: BTreeMap::new(),
        running: JoinSet::new(),
        watcher: watcher.ok(),
        troubles,
        link: Arc::default(),
        links: 0,
        open: false,
        polled_at: Instant::now(),
    };
    session.connect();
    let mut poll = session.polls();
    loop {
        let watcher = session.watcher.clone();
        tokio::select! {
            command = link.next() => match command {
                None | Some(Command::Close) => break,
                Some(command) => session.obey(command),
            },
            changed = changed(watcher.as_deref()) => match changed {
                Ok(elections) => session.look(&elections),
                Err(error) => {
                    tracing::warn!(%error, "changes are seen by polling only from now on");
                    session.watcher = None;
                    poll = session.polls();
                }
            },
            trouble = troubled.recv() => session.disconnect(&trouble.unwrap_or_default()),
            _ = poll.tick() => session.poll(),
        }
    }
    session.close().await;
}

impl Session {
    fn obey(&mut self, command: Command) {
        match command {
            Command::Join { election, instance } => self.join(election, instance),
            Command::Open => self.open(),
            Command::Look { election } => self.ask(&election, Task::Look),
            Command::Watch { election, focus } => self.ask(&election, Task::Watch(focus)),
            Command::Commit {
                election,
                ask,
                commit,
            } => {
                self.ask(&election, Task::Commit { ask, commit });
            }
            Command::Leave { election } => {
                // Its worker gives up the place and ends.
                self.workers.remove(&election);
            }
            Command::Close => {}
        }
    }

    fn join(&mut self, election: ElectionName, instance: Option<InstanceId>) {
        let ledger = self.local.ledger(&election);
        let part = match instance {
            Some(instance) => {
                Part::Candidate(Candidacy::new(ledger, instance, self.local.held.clone()))
            }
            None => Part::Observer { ledger, lock: None },
        };
        let worker = Worker {
            election: Arc::clone(&election),
            reports: self.reports.clone(),
            link: Arc::clone(&self.link),
            watcher: self.watcher.clone(),
            troubles: self.troubles.clone(),
            files: self.local.files.clone(),
            disk: self.local.disk.clone(),
        };
        let (tasks, tasks_in) = mpsc::unbounded_channel();
        self.running.spawn(worker.run(part, tasks_in));
        self.workers.insert(Arc::clone(&election), tasks);
        self.ask(&election, Task::Look);
    }

    /// The store is there as soon as its directory is, and nothing has to be asked of it.
    fn open(&mut self) {
        match self.local.prepare() {
            Ok(()) => {
                self.open = true;
                self.connect();
                self.reports.session(Fact::Opened(Grant {
                    ttl: self.ttl,
                    assured: ASSURED,
                }));
                self.alive();
            }
            Err(error) => {
                // A directory that is not private stays so until a person changes it.
                let retry = error.is_retryable();
                self.reports.session(Fact::Ended {
                    why: error.to_string(),
                    retry,
                });
            }
        }
    }

    fn connect(&mut self) {
        if self.link.load(Ordering::Acquire) > 0 || self.local.prepare().is_err() {
            return;
        }
        self.links += 1;
        self.link.store(self.links, Ordering::Release);
        self.reports.session(Fact::Connected { link: self.links });
        self.look_at_all();
    }

    fn disconnect(&self, why: &str) {
        if self.link.swap(0, Ordering::AcqRel) > 0 {
            tracing::warn!(store = %self.local.root.display(), why, "the store cannot be used");
            self.reports.session(Fact::Disconnected);
        }
    }

    fn poll(&mut self) {
        if self.link.load(Ordering::Acquire) == 0 {
            self.connect();
            return;
        }
        self.alive();
        let blind = self.watcher.is_none();
        if blind && self.polled_at.elapsed() + BLIND_POLL < self.ttl / 2 {
            self.workers
                .keys()
                .for_each(|election| self.ask(election, Task::Glance));
        } else {
            self.polled_at = Instant::now();
            self.look_at_all();
        }
    }

    fn alive(&self) {
        if self.open {
            self.reports.session(Fact::Alive {
                asked_at: clock::now().at,
            });
        }
    }

    fn look(&self, elections: &[ElectionName]) {
        elections
            .iter()
            .for_each(|election| self.ask(election, Task::Look));
    }

    fn look_at_all(&self) {
        self.workers
            .keys()
            .for_each(|election| self.ask(election, Task::Look));
    }

    fn ask(&self, election: &ElectionName, task: Task) {
        if let Some(worker) = self.workers.get(election) {
            // It is gone only with the runtime.
            let _ = worker.send(task);
        }
    }

    fn polls(&self) -> Interval {
        let every = self.poll_every();
        let mut polls = tokio::time::interval_at(Instant::now() + every, every);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        polls
    }

    /// At least every half of the session's length, and not all processes at once.
    fn poll_every(&self) -> Duration {
        if self.watcher.is_none() {
            return BLIND_POLL.min(self.ttl / 4);
        }
        let mut random = [0];
        // Without randomness all poll at the same time, which is no more than a pity.
        let _ = getrandom::fill(&mut random);
        (self.ttl / 2).mul_f64(0.75 + 0.25 * f64::from(random[0]) / 256.0)
    }

    async fn close(mut self) {
        self.workers.clear();
        while self.running.join_next().await.is_some() {}
    }
}

async fn changed(watcher: Option<&Watcher>) -> io::Result<Vec<ElectionName>> {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}
