use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tanist_core::{Event, Health, InstanceId, Member, Moment, Timing, TimingError};
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};

use crate::driver::{Request, Wish};
use crate::error::{Error, ErrorKind};
use crate::leadership::Leadership;
use crate::link::ElectionName;
use crate::status::Status;

/// One node that stands in one election.
///
/// Stays in the line, through every outage, until it is closed or dropped. A session that ends, an
/// entry that is lost, a leadership that is over: it stands anew by itself each time.
pub struct Campaign {
    election: ElectionName,
    instance: InstanceId,
    desk: Arc<Desk>,
    requests: mpsc::UnboundedSender<Request>,
    /// What happened before anybody asked for it.
    first: Mutex<Option<broadcast::Receiver<Event>>>,
}

/// How a node stands.
#[derive(Clone, Debug)]
pub struct CampaignSettings {
    /// The election's name, see [`crate::check_election`].
    pub election: String,
    /// The node's name, for people; identity is always the instance.
    pub node: String,
    /// What the leader advertises, often `host:port`.
    pub address: String,
    /// Higher leads before lower; 0 never leads.
    pub priority: u32,
    /// The budget.
    pub timing: Timing,
    /// A private directory of this machine in which the highest term it saw is kept. Without one,
    /// terms rise across a restored store only by the wall clock.
    pub state_dir: Option<PathBuf>,
    /// The version that others see.
    pub version: String,
}

impl CampaignSettings {
    /// Stands in `election` as `node`, with the default timing and priority.
    ///
    /// # Errors
    ///
    /// None today; the default timing is checked like any other.
    pub fn new(election: impl Into<String>, node: impl Into<String>) -> Result<Self, TimingError> {
        Ok(Self {
            election: election.into(),
            node: node.into(),
            address: String::new(),
            priority: Member::DEFAULT_PRIORITY,
            timing: Timing::from_lease(Timing::DEFAULT_LEASE)?,
            state_dir: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

impl Campaign {
    pub(crate) fn new(
        election: ElectionName,
        instance: InstanceId,
        desk: Arc<Desk>,
        requests: mpsc::UnboundedSender<Request>,
    ) -> Self {
        Self {
            election,
            instance,
            first: Mutex::new(Some(desk.events.subscribe())),
            desk,
            requests,
        }
    }

    /// The election's name.
    pub fn election(&self) -> &str {
        &self.election
    }

    /// This start of the node.
    pub const fn instance(&self) -> InstanceId {
        self.instance
    }

    /// Waits until this node leads and its work may begin.
    ///
    /// Cancel-safe: a leadership that came while nobody waited is handed out by the next call,
    /// unless it has ended meanwhile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] when the campaign or its session is over.
    pub async fn elected(&self) -> Result<Leadership, Error> {
        loop {
            let mut news = std::pin::pin!(self.desk.news.notified());
            // Registered before looking, so that what comes in between is not missed.
            news.as_mut().enable();
            if let Some(leadership) = self.desk.take() {
                return Ok(leadership);
            }
            if *self.desk.closed.borrow() {
                return Err(self.closed());
            }
            let mut closed = self.desk.closed.subscribe();
            tokio::select! {
                () = news => {}
                _ = closed.wait_for(|closed| *closed) => {}
            }
        }
    }

    /// Gives the leadership up, or stands back from the next one, and lets others go first, until
    /// another leads or twice the longest wait has passed. Returns at once; the leadership's
    /// [`Leadership::ending`] resolves.
    pub fn resign(&self) {
        self.wish(Wish::Resign);
    }

    /// Tells what the node's own health checks say, with a note for people that is shown with it.
    ///
    /// A leader that becomes critical is told to stop. Each change, of the note alone too, is
    /// written to the store.
    pub fn set_health(&self, health: Health, note: impl Into<String>) {
        self.wish(Wish::Health(health, note.into()));
    }

    /// Vouches for the work until then, on [`crate::clock::now`]: while it runs, no renewal is sent
    /// later. Whoever cannot vouch any more, because the work or its watcher hangs, needs to do
    /// nothing: the lease ends, and the work with it, at the latest one lease after this moment.
    ///
    /// `None`, as it is at first, lets renewals go out without anybody's word. Holds until the next
    /// call, also for later leaderships.
    pub fn vouch_until(&self, until: Option<Moment>) {
        self.wish(Wish::Vouched(until));
    }

    /// Changes the priority.
    pub fn set_priority(&self, priority: u32) {
        self.wish(Wish::Priority(priority));
    }

    /// What tells whether the loop that carries this election still turns.
    pub fn pulse(&self) -> Pulse {
        Pulse {
            election: Arc::clone(&self.election),
            instance: self.instance,
            requests: self.requests.clone(),
        }
    }

    /// The latest snapshot.
    pub fn status(&self) -> Status {
        self.desk.status.borrow().clone()
    }

    /// The snapshot as it changes.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.desk.status.subscribe()
    }

    /// Everything that happens: for the first who asks, since the campaign began; for any other, from
    /// now on. Who falls far behind misses the oldest, and is told.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.take().unwrap_or_else(|| self.desk.events.subscribe())
    }

    /// Leaves the election and waits until the leadership is given back and the place in the line
    /// is deleted, as far as the store can be reached. Waits for as long as the
    /// [`Leadership`] is kept.
    ///
    /// When dropped it goes on in the background.
    pub async fn close(self) {
        let mut closed = self.desk.closed.subscribe();
        self.wish(Wish::Leave);
        // It fails only when the driver is gone, and then everything is over.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    fn wish(&self, wish: Wish) {
        let (election, instance) = (Arc::clone(&self.election), self.instance);
        // Without a driver there is nobody to ask, and `elected` says so.
        let _ = self.requests.send(Request::Wish {
            election,
            instance,
            wish,
        });
    }

    fn closed(&self) -> Error {
        Error::new(
            ErrorKind::Closed,
            "wait for the leadership",
            "the campaign is over",
        )
        .with("election", &self.election)
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        self.wish(Wish::Leave);
        // A leadership that nobody fetched: dropping it says that nothing works.
        drop(self.desk.take());
    }
}

impl fmt::Debug for Campaign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Campaign")
            .field("election", &self.election)
            .field("instance", &self.instance.to_string())
            .finish_non_exhaustive()
    }
}

/// Asks the loop behind a [`Campaign`] whether it still turns; outlives the campaign.
#[derive(Clone)]
pub struct Pulse {
    election: ElectionName,
    instance: InstanceId,
    requests: mpsc::UnboundedSender<Request>,
}

impl Pulse {
    /// Resolves when the loop has come to this question. False if it has left the election, or is gone
    /// itself. Cancel-safe.
    pub async fn felt(&self) -> bool {
        let (asked, answered) = oneshot::channel();
        let request = Request::Wish {
            election: Arc::clone(&self.election),
            instance: self.instance,
            wish: Wish::Pulse(asked),
        };
        self.requests.send(request).is_ok() && answered.await.is_ok()
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse")
            .field("election", &self.election)
            .finish_non_exhaustive()
    }
}

/// Where the driver leaves what a campaign fetches.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) status: watch::Sender<Status>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) closed: watch::Sender<bool>,
    begun: Mutex<Option<Leadership>>,
    news: Notify,
}

impl Desk {
    const EVENTS_KEPT: usize = 256;

    pub(crate) fn new(election: &ElectionName, node: &str, instance: InstanceId) -> Arc<Self> {
        let status = Status::new(Arc::clone(election), node.to_owned(), Some(instance));
        Arc::new(Self {
            status: watch::Sender::new(status),
            events: broadcast::Sender::new(Self::EVENTS_KEPT),
            closed: watch::Sender::new(false),
            begun: Mutex::new(None),
            news: Notify::new(),
        })
    }

    pub(crate) fn put(&self, leadership: Leadership) {
        let old = self.lock().replace(leadership);
        // Dropped outside of the lock: it may be the last one of its kind.
        drop(old);
        self.news.notify_waiters();
    }

    /// The leadership that nobody has fetched yet, unless it has ended.
    pub(crate) fn take(&self) -> Option<Leadership> {
        let leadership = self.lock().take();
        leadership.filter(|leadership| !leadership.has_ended())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Leadership>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
