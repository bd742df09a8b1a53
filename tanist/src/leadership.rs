use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tanist_core::{Beginning, EndCause, EntryId, InstanceId, Moment, Reason, Stamp, Term};
use tokio::sync::{mpsc, watch};

use crate::backend::Backend;
use crate::driver::{Request, Wish};
use crate::link::ElectionName;
use crate::release;

/// The right to work, from the core's word to begin until this value is dropped.
///
/// Dropping it says *stopped: nothing of the work is left*. Only then is the leadership given back,
/// so keep it for as long as anything works in its name, and drop it right after.
///
/// Work only while [`Leadership::ending`] has not resolved and the present moment is before
/// [`Leadership::safe_until`]. Both are promises about this process as long as it runs: a machine
/// that was paused finds out afterwards. What the work writes to must therefore check
/// [`Leadership::term`], which only grows.
pub struct Leadership {
    election: ElectionName,
    instance: InstanceId,
    beginning: Beginning,
    activation: u64,
    deadline: watch::Receiver<Moment>,
    ending: watch::Receiver<Option<Ending>>,
    backend: Arc<dyn Backend>,
    target: Option<String>,
    requests: mpsc::UnboundedSender<Request>,
}

/// The work has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Why.
    pub cause: EndCause,
    /// From the stop signal to the kill. If the end is planned, the deadline moves on meanwhile;
    /// otherwise this is never beyond what `safe_until` leaves.
    pub grace: Duration,
    /// Everything of the work is gone by then, unless the deadline is extended while it stops.
    pub safe_until: Moment,
}

/// The driver's side of a [`Leadership`].
#[derive(Debug)]
pub(crate) struct LeadershipPeer {
    pub(crate) activation: u64,
    pub(crate) deadline: watch::Sender<Moment>,
    pub(crate) ending: watch::Sender<Option<Ending>>,
}

/// What all leaderships of one campaign share.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) election: ElectionName,
    pub(crate) instance: InstanceId,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) target: Option<String>,
    pub(crate) requests: mpsc::UnboundedSender<Request>,
}

impl Leadership {
    pub(crate) fn new(
        origin: &Origin,
        beginning: Beginning,
        activation: u64,
    ) -> (Self, LeadershipPeer) {
        let (deadline_out, deadline) = watch::channel(beginning.safe_until);
        let (ending_out, ending) = watch::channel(None);
        let Origin {
            election,
            instance,
            backend,
            target,
            requests,
        } = origin.clone();
        let this = Self {
            election,
            instance,
            beginning,
            activation,
            deadline,
            ending,
            backend,
            target,
            requests,
        };
        (
            this,
            LeadershipPeer {
                activation,
                deadline: deadline_out,
                ending: ending_out,
            },
        )
    }

    /// The fencing token: greater than that of every leadership before.
    pub const fn term(&self) -> Term {
        self.beginning.term
    }

    /// The node that led before, if it is known.
    pub fn previous(&self) -> Option<&str> {
        self.beginning.previous.as_deref()
    }

    /// Whether the node before did not give the leadership back, and nobody after it has fenced it.
    ///
    /// Its lease is over and it knows that, unless its machine is paused, or runs a kernel that does
    /// not keep time. Who can shut it out of what the work writes to does so before anything begins;
    /// who cannot says so with [`Leadership::hand_on_unfenced`] instead of beginning.
    pub const fn deposes(&self) -> bool {
        self.beginning.deposes
    }

    /// Why this leadership came about.
    pub const fn reason(&self) -> Reason {
        self.beginning.reason
    }

    /// Our place in the line.
    pub const fn entry(&self) -> &EntryId {
        &self.beginning.entry
    }

    /// The version of the record as our claim wrote it.
    pub const fn record(&self) -> Stamp {
        self.beginning.record
    }

    /// Everything of the work is gone by then, on [`crate::clock::now`]. Moves with every renewal.
    pub fn safe_until(&self) -> Moment {
        *self.deadline.borrow()
    }

    /// The deadline as it moves.
    pub fn deadline(&self) -> watch::Receiver<Moment> {
        self.deadline.clone()
    }

    /// Waits until the work has to end. Says the same again, with less time, if a planned end turns
    /// into a loss: ask [`Leadership::ending_changes`] for that.
    ///
    /// Cancel-safe. If the session's task itself is gone, because its runtime was shut down, this
    /// resolves at once: nobody renews any more.
    pub async fn ending(&self) -> Ending {
        let mut ending = self.ending.clone();
        let said = ending
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|ending| *ending);
        said.unwrap_or_else(|| self.abandoned())
    }

    /// The word to end as it changes: `None` as long as the work may run.
    pub fn ending_changes(&self) -> watch::Receiver<Option<Ending>> {
        self.ending.clone()
    }

    /// What [`crate::release`] needs to give this leadership back in another process, after this
    /// one died and its work is verified gone.
    ///
    /// It may contain what the store knows this session by: keep it secret, hand it over by pipe.
    pub fn release_bytes(&self) -> Vec<u8> {
        self.pass(false)
    }

    /// The same, for as long as nothing has begun because the node before is not fenced yet: the
    /// next leader is told that it still has to.
    pub fn release_bytes_unfenced(&self) -> Vec<u8> {
        self.pass(true)
    }

    fn pass(&self, unfenced: bool) -> Vec<u8> {
        release::Pass {
            format: release::FORMAT,
            target: self.target.clone(),
            election: self.election.to_string(),
            entry: self.beginning.entry.clone(),
            instance: self.instance,
            term: self.beginning.term,
            pass: self.backend.pass(),
            unfenced,
        }
        .encode()
    }

    /// Duplicates of descriptors that keep the leadership with this machine's kernel for as long as
    /// one of them is open, to be handed to the processes of the work. None for stores that have
    /// no such thing.
    ///
    /// They close on exec; whoever hands them on clears that flag on his copy.
    ///
    /// # Errors
    ///
    /// If a descriptor cannot be duplicated.
    pub fn holds(&self) -> io::Result<Vec<OwnedFd>> {
        self.backend.holds(&self.election)
    }

    /// Says that everything of the work is gone. The same as dropping it.
    pub fn stopped(self) {
        drop(self);
    }

    /// Like [`Leadership::stopped`], but nothing was begun, because the node before could not be
    /// fenced: whoever leads next is told that it [deposes](Leadership::deposes) that node.
    pub fn hand_on_unfenced(self) {
        // Heard before the drop, which the same channel carries.
        self.wish(Wish::Unfenced {
            activation: self.activation,
        });
    }

    fn wish(&self, wish: Wish) {
        // Without a driver there is nobody to tell, and nothing is withdrawn.
        let _ = self.requests.send(Request::Wish {
            election: Arc::clone(&self.election),
            instance: self.instance,
            wish,
        });
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ending.borrow().is_some()
    }

    fn abandoned(&self) -> Ending {
        Ending {
            cause: EndCause::LeaseDue,
            grace: Duration::ZERO,
            safe_until: self.safe_until(),
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.wish(Wish::Stopped {
            activation: self.activation,
        });
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("election", &self.election)
            .field("beginning", &self.beginning)
            .field("safe_until", &self.safe_until())
            .finish_non_exhaustive()
    }
}
