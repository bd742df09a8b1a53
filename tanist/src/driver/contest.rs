use std::sync::Arc;
use std::time::Duration;

use tanist_core::{
    Alarm, Beginning, Config, Defects, Election, EndCause, Event, Fact, InstanceId, Memory, Moment,
    Role, View, Wait,
};
use tokio::sync::oneshot;

use super::{Request, Wish};
use crate::EVENTS;
use crate::campaign::{CampaignSettings, Desk};
use crate::clock;
use crate::error::Error;
use crate::hands::Hands;
use crate::leadership::{Ending, Leadership, LeadershipPeer, Origin};
use crate::link::ElectionName;
use crate::state_dir::StateDir;
use crate::status::Status;

/// One election of this process: its state machine, and where its words go.
pub(crate) struct Contest {
    pub(crate) core: Election,
    /// The owner has left; the contest goes when the core has closed.
    pub(crate) leaving: bool,
    /// The core asked for a session.
    pub(crate) wants: bool,
    /// The core was told of the present session.
    pub(crate) attached: bool,
    /// The core was told of the present connection.
    pub(crate) connected: bool,
    /// The backend was told of this election.
    pub(crate) joined: bool,
    origin: Origin,
    desk: Arc<Desk>,
    state: Option<StateDir>,
    /// The state directory is being written; nothing more is carried out before it is.
    remembering: bool,
    wake_at: Option<Moment>,
    activations: u64,
    leadership: Option<LeadershipPeer>,
    news: News,
}

/// What the status says beyond the core.
struct News {
    node: String,
    waiting: Option<Wait>,
    ending: Option<EndCause>,
    alarms: Vec<(Moment, Alarm)>,
    memory_failure: Option<String>,
    view: Option<(Arc<View>, Moment)>,
}

/// What a new election starts from.
pub(crate) struct NewContest {
    pub(crate) settings: CampaignSettings,
    pub(crate) seed: u64,
    pub(crate) state: Option<StateDir>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) origin: Origin,
    /// Told whether the election was free.
    pub(crate) accepted: oneshot::Sender<bool>,
}

impl NewContest {
    pub(crate) fn election(&self) -> ElectionName {
        Arc::clone(&self.origin.election)
    }
}

impl Contest {
    /// `None` if the election is not free, or nobody waits for it any more.
    pub(crate) fn accept(new: NewContest, free: bool) -> Option<Self> {
        let NewContest {
            settings,
            seed,
            state,
            desk,
            origin,
            accepted,
        } = new;
        if accepted.send(free).is_err() || !free {
            return None;
        }
        let loaded = state
            .as_ref()
            .map_or_else(|| Ok(Memory::default()), StateDir::load);
        let (memory, memory_failure) = match loaded {
            Ok(memory) => (memory, None),
            Err(error) => {
                let election = &*origin.election;
                tracing::error!(target: EVENTS, election, %error, "going on without memory");
                (Memory::default(), Some(error.to_string()))
            }
        };
        let core = Election::new(Config {
            election: origin.election.to_string(),
            node: settings.node.clone(),
            instance: origin.instance,
            address: settings.address,
            priority: settings.priority,
            version: settings.version,
            timing: settings.timing,
            memory,
            seed,
            defects: Defects::default(),
        });
        let news = News {
            node: settings.node,
            waiting: None,
            ending: None,
            alarms: Vec::new(),
            memory_failure,
            view: None,
        };
        Some(Self {
            core,
            leaving: false,
            wants: false,
            attached: false,
            connected: false,
            joined: false,
            origin,
            desk,
            state,
            remembering: false,
            wake_at: None,
            activations: 0,
            leadership: None,
            news,
        })
    }

    pub(crate) const fn instance(&self) -> InstanceId {
        self.origin.instance
    }

    pub(crate) const fn wake_at(&self) -> Option<Moment> {
        self.wake_at
    }

    pub(crate) const fn sleep_until(&mut self, moment: Option<Moment>) {
        self.wake_at = moment;
    }

    /// Whether a fact is for the core. One of an older connection is not.
    pub(crate) fn takes(&mut self, fact: &Fact, present: Option<u64>) -> bool {
        if !self.attached {
            return false;
        }
        if let Fact::Viewed { link, view } = fact {
            if present != Some(*link) {
                return false;
            }
            let at = clock::now().at;
            match &mut self.news.view {
                Some((old, seen_at)) if **old == *view => *seen_at = at,
                news => *news = Some((Arc::new(view.clone()), at)),
            }
        }
        true
    }

    pub(crate) const fn is_remembering(&self) -> bool {
        self.remembering
    }

    /// Keeps what the core learned, and holds its next order back until it is durable.
    pub(crate) fn remember(&mut self, memory: Memory, disk: &Hands) {
        let Some(state) = self.state.clone() else {
            return;
        };
        self.remembering = true;
        let requests = self.origin.requests.clone();
        let (election, instance) = (Arc::clone(&self.origin.election), self.origin.instance);
        // Not awaited here: a slow disk must not hold up the other elections.
        disk.start(move || {
            let wish = Wish::Remembered(state.save(memory));
            // Without a driver there is no next order either.
            let _ = requests.send(Request::Wish {
                election,
                instance,
                wish,
            });
        });
    }

    /// The state directory was written, or could not be: then the store and the wall clock alone
    /// make terms rise, which is no reason to stop.
    pub(crate) fn remembered(&mut self, result: Result<(), Error>) {
        self.remembering = false;
        self.news.memory_failure = match result {
            Ok(()) => None,
            Err(error) => {
                let election = &*self.origin.election;
                if self.news.memory_failure.is_none() {
                    tracing::error!(target: EVENTS, election, %error, "going on without memory");
                }
                Some(error.to_string())
            }
        };
    }

    pub(crate) fn begin(&mut self, beginning: Beginning) {
        self.activations += 1;
        self.news.ending = None;
        self.news.waiting = None;
        let (leadership, peer) = Leadership::new(&self.origin, beginning, self.activations);
        self.leadership = Some(peer);
        self.desk.put(leadership);
    }

    pub(crate) fn until(&self, safe_until: Moment) {
        if let Some(peer) = &self.leadership {
            peer.deadline.send_replace(safe_until);
        }
    }

    pub(crate) fn end(&mut self, cause: EndCause, grace: Duration) {
        self.news.ending = Some(cause);
        if let Some(peer) = &self.leadership {
            let safe_until = self
                .core
                .safe_until()
                .unwrap_or_else(|| *peer.deadline.borrow());
            // A planned stop has its own time: renewals go on and move the deadline meanwhile.
            let grace = if cause.is_planned() {
                grace
            } else {
                grace.min(safe_until.since(clock::now().at))
            };
            peer.ending.send_replace(Some(Ending {
                cause,
                grace,
                safe_until,
            }));
        }
        // Nobody fetched it, so nothing works: dropping it says so.
        drop(self.desk.take());
    }

    /// Whether it is the present leadership that stopped.
    pub(crate) fn stopped(&mut self, activation: u64) -> bool {
        let present = self.leads_as(activation);
        if present {
            self.leadership = None;
            self.news.ending = None;
        }
        present
    }

    /// Whether this is the present leadership.
    pub(crate) fn leads_as(&self, activation: u64) -> bool {
        self.leadership
            .as_ref()
            .is_some_and(|peer| peer.activation == activation)
    }

    pub(crate) fn publish_event(&mut self, event: Event) {
        let election = &*self.origin.election;
        match &event {
            Event::Waiting(wait) => self.news.waiting = Some(wait.clone()),
            Event::Alarm(alarm) => {
                tracing::warn!(target: EVENTS, election, ?alarm, "alarm");
                if self.news.alarms.len() == Status::ALARMS_KEPT {
                    self.news.alarms.remove(0);
                }
                self.news.alarms.push((clock::now().at, alarm.clone()));
            }
            Event::Standing { .. }
            | Event::Elected { .. }
            | Event::Began { .. }
            | Event::Ending { .. }
            | Event::Stopped { .. }
            | Event::Withdrawn { .. }
            | Event::EntryLost
            | Event::LeaderChanged { .. } => {}
        }
        tracing::debug!(target: EVENTS, election, ?event, "event");
        // Nobody has to listen.
        let _ = self.desk.events.send(event);
    }

    pub(crate) fn publish_status(&self) {
        let core = &self.core;
        let news = &self.news;
        let leads = core.role() == Role::Leader;
        let status = Status {
            election: Arc::clone(&self.origin.election),
            node: news.node.clone(),
            instance: Some(self.origin.instance),
            role: core.role(),
            connected: self.connected,
            entry: core.entry().cloned(),
            term: core.term(),
            safe_until: core.safe_until(),
            ending: news.ending,
            waiting: if leads { None } else { news.waiting.clone() },
            alarms: news.alarms.clone(),
            memory_failure: news.memory_failure.clone(),
            view: news.view.as_ref().map(|(view, _)| Arc::clone(view)),
            viewed_at: news.view.as_ref().map(|(_, at)| *at),
        };
        self.desk.status.send_if_modified(|old| {
            let changed = *old != status;
            if changed {
                *old = status;
            }
            changed
        });
    }
}

impl Drop for Contest {
    fn drop(&mut self) {
        // Also when the driver's task is cut off: whoever waits must not wait for ever.
        self.desk.closed.send_replace(true);
    }
}
