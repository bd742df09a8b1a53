use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use tanist::{EndCause, Ending, Leadership, Moment};
use tokio::sync::watch;
use tokio::time::Instant;

use super::hooks::Call;
use super::policy::Verdict;
use super::silence::Silence;
use crate::exit::Exit;
use crate::signal_name::SignalName;

/// What has happened in one leadership so far.
#[derive(Debug)]
pub(super) struct Tenure {
    /// The term.
    pub(super) term: u64,
    /// Why it came about, or that the child before was ours too.
    pub(super) reason: &'static str,
    deadline: watch::Receiver<Moment>,
    ending: watch::Receiver<Option<Ending>>,
    /// The work has to end, or had to.
    pub(super) ends: bool,
    /// It has to because the right to it is lost.
    pub(super) lost: bool,
    /// What tells us to stop, and whether it did so twice.
    pub(super) stop: Option<Stop>,
    /// How the child ended.
    pub(super) child: Option<ExitStatus>,
    /// The child could not be executed.
    pub(super) exec_failed: Option<u8>,
    /// The start came too late for the lease.
    pub(super) too_late: bool,
    /// The guard died.
    pub(super) guard_lost: bool,
    /// We cannot go on, and end with this.
    pub(super) failed: Option<Exit>,
    /// What the child's own end means.
    pub(super) verdict: Option<Verdict>,
    /// The checks condemned it, and the verdict is on that.
    pub(super) unwell: bool,
    /// The child said that it serves.
    pub(super) ready: bool,
    /// Its process, once it runs.
    pub(super) pid: Option<u32>,
    /// When the child started.
    pub(super) started_at: Option<Moment>,
    /// The child has run in this leadership.
    pub(super) has_run: bool,
    /// The child has served in this leadership.
    pub(super) promoted: bool,
    /// What the hook before a planned stop is told, until it is.
    pub(super) demotion: Option<Call>,
    /// When a planned stop is over.
    pub(super) stop_by: Option<Instant>,
    /// A hook goes before the child's stop, until then at the latest.
    pub(super) child_waits: Option<Instant>,
    /// A hook did not let the work begin.
    pub(super) vetoed: bool,
    /// The leader before has to be fenced, and is not yet.
    pub(super) unfenced: bool,
    /// Why the work had to end, if it had to.
    pub(super) cause: Option<EndCause>,
    /// How long the guard may say nothing.
    pub(super) silence: Silence,
}

/// What the election says on a leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The deadline is now this.
    Until(Moment),
    /// The work has to end, or sooner than was said. `None`: nobody renews any more.
    End(Option<Ending>),
}

/// Told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// In its own time.
    Asked,
    /// At once, by a second signal.
    AtOnce(SignalName),
}

impl Tenure {
    pub(super) fn new(lead: &Leadership) -> Self {
        let mut ending = lead.ending_changes();
        // What was said before we looked counts as news.
        ending.mark_changed();
        Self {
            term: lead.term().number(),
            reason: lead.reason().word(),
            deadline: lead.deadline(),
            ending,
            ends: false,
            lost: false,
            stop: None,
            child: None,
            exec_failed: None,
            too_late: false,
            guard_lost: false,
            failed: None,
            verdict: None,
            unwell: false,
            ready: false,
            pid: None,
            started_at: None,
            has_run: false,
            promoted: false,
            demotion: None,
            stop_by: None,
            child_waits: None,
            vetoed: false,
            unfenced: false,
            cause: None,
            silence: Silence::default(),
        }
    }

    /// The next word of the election on this leadership. Cancel safe.
    pub(super) async fn word(&mut self) -> Word {
        let Self {
            deadline,
            ending,
            ends,
            ..
        } = self;
        loop {
            tokio::select! {
                biased;
                told = ending.changed() => match told {
                    Ok(()) => {
                        if let Some(ending) = *ending.borrow_and_update() {
                            return Word::End(Some(ending));
                        }
                    }
                    Err(_) if *ends => std::future::pending().await,
                    Err(_) => return Word::End(None),
                },
                moved = deadline.changed() => match moved {
                    Ok(()) => return Word::Until(*deadline.borrow_and_update()),
                    // The driver is gone; the guard knows the last deadline.
                    Err(_) if *ends => std::future::pending().await,
                    Err(_) => return Word::End(None),
                },
            }
        }
    }

    /// Waits until the time of the hook before a planned stop is over, for ever if there is none.
    pub(super) fn hook_overdue(&self) -> impl Future<Output = ()> + use<> {
        let until = self.child_waits;
        async move {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Why it ended, in one word.
    pub(super) fn end_word(&self) -> &'static str {
        match self.cause {
            Some(cause) => cause.word(),
            None if self.lost => EndCause::LeaseDue.word(),
            None if self.stop.is_some() => EndCause::Leaving.word(),
            None => EndCause::WorkEnded.word(),
        }
    }

    /// Whether nothing speaks against another start.
    pub(super) const fn goes_on(&self) -> bool {
        !self.ends && self.stop.is_none() && self.failed.is_none()
    }

    /// Whether another start in the same term is what comes next.
    pub(super) const fn restart(&self) -> Option<(std::time::Duration, u32)> {
        match self.verdict {
            Some(Verdict::Restart { after, attempt }) if self.goes_on() => Some((after, attempt)),
            _ => None,
        }
    }

    /// Whether the child ended by itself with 0, and this process ends with it.
    pub(super) fn is_done(&self) -> bool {
        self.verdict == Some(Verdict::Exit)
            && !self.unwell
            && self.child_exit().is_some_and(|exit| exit.code() == 0)
    }

    /// Whether this process ends with the leadership because of its child.
    pub(super) fn ends_us(&self) -> bool {
        self.verdict == Some(Verdict::Exit) || self.exec_failed.is_some()
    }

    /// The child's own end as an exit code.
    pub(super) fn child_exit(&self) -> Option<Exit> {
        let status = self.child?;
        Some(match (status.code(), status.signal()) {
            (Some(code), _) => Exit::child_code(u8::try_from(code).unwrap_or(u8::MAX)),
            (None, signal) => Exit::child_signal(signal.unwrap_or_default()),
        })
    }
}
