//! Hooks: what an operator has run when something happens.
//!
//! Every hook is run by a guard of its own, so it has a process group, a deadline that nobody has to
//! keep, and an end that is verified. Nothing in here is waited for by the loop that renews.

mod call;
mod output;
mod outside;
mod promote;
mod run;
mod runner;
mod usable;

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use tanist::{Campaign, Leadership};

use super::desk::Desk;
use super::mandate::standing;
use crate::args::HookEvent;
use crate::log::Log;
use crate::settings::RunSettings;
pub(super) use call::Call;
use outside::Outside;
pub(super) use run::Outcome;
use run::{Authority, HookRun};
use runner::Runner;

pub(crate) use usable::resolve as resolve_hooks;

/// The hooks of one node: those that act as leader, one at a time, and those beside.
#[derive(Debug)]
pub(super) struct Hooks {
    runner: Arc<Runner>,
    authority: Option<Authority>,
    /// Its other end is open for as long as a hook of this leadership lives.
    after: Option<PipeReader>,
    current: Option<HookRun>,
    /// `None` if there are none such.
    outside: Option<Outside>,
}

impl Hooks {
    /// None is running.
    pub(super) fn open(
        settings: &RunSettings,
        desk: &Desk,
        campaign: &Campaign,
        log: &Log,
    ) -> Self {
        let runner = Arc::new(Runner::new(settings, log));
        let events = [HookEvent::AfterDemote, HookEvent::OnChange];
        let any = events
            .into_iter()
            .any(|event| runner.commands(event).next().is_some());
        let outside = any.then(|| {
            let (events, own) = (campaign.events(), campaign.instance());
            let standing = standing(settings, desk, own);
            Outside::open(Arc::clone(&runner), events, own, standing)
        });
        Self {
            runner,
            authority: None,
            after: None,
            current: None,
            outside,
        }
    }

    /// Waits for those that belong to no leadership, at the end of it all.
    pub(super) async fn close(self) {
        if let Some(outside) = self.outside {
            outside.close().await;
        }
    }

    /// Whether there is one for `event`.
    pub(super) fn has(&self, event: HookEvent) -> bool {
        self.runner.commands(event).next().is_some()
    }

    /// Runs one in no leader's name, in its turn.
    pub(super) fn call_outside(&self, call: Call) {
        if let Some(outside) = &self.outside {
            outside.call(call);
        }
    }

    /// How many there are for `event`.
    pub(super) fn count(&self, event: HookEvent) -> usize {
        self.runner.commands(event).count()
    }

    /// How long one may run.
    pub(super) fn timeout(&self) -> Duration {
        self.runner.timeout()
    }

    /// How long hooks may take at the end of tanist: the one at work, and that after the child's end.
    pub(super) fn last_ones(&self) -> Duration {
        let each = self.timeout() + self.runner.timing.lost_stop_timeout();
        self.outside.as_ref().map_or(Duration::ZERO, |_| each * 2)
    }

    /// From now on hooks act in the name of `lead`.
    ///
    /// # Errors
    ///
    /// The system gives no descriptors.
    pub(super) fn lead(&mut self, lead: &Leadership) -> io::Result<()> {
        let (after, held) = io::pipe()?;
        self.authority = Some(Authority {
            deadline: lead.deadline(),
            holds: lead.holds()?,
            after: held.into(),
        });
        self.after = Some(after);
        Ok(())
    }

    /// The stream that ends when no hook of this leadership is left. A release has to wait for it.
    ///
    /// For as long as the leader before is not fenced, what holds the leadership goes along too:
    /// nobody may take it before the record says so.
    pub(super) fn along(&self, unfenced: bool) -> Vec<BorrowedFd<'_>> {
        let held = self.authority.iter().flat_map(|authority| &authority.holds);
        let held = held.filter(|_| unfenced);
        let after = self.after.iter().map(AsFd::as_fd);
        after.chain(held.map(AsFd::as_fd)).collect()
    }

    /// The leadership is about to be given back; no hook of it is left.
    pub(super) fn stop_leading(&mut self) {
        self.authority = None;
        self.after = None;
    }

    /// Starts the `number`-th hook of the event of `call`, as leader. What runs before is ended first.
    pub(super) fn start(&mut self, number: usize, call: Call, budget: Duration) {
        let Some(command) = self.runner.commands(call.event).nth(number).cloned() else {
            return;
        };
        let before = self.current.take();
        if let Some(before) = &before {
            before.halt();
        }
        let authority = self.authority.as_ref().map(Authority::share);
        let run = HookRun::start(&self.runner, command, call, authority, budget, before);
        self.current = Some(run);
    }

    /// The event of the hook that acts as leader now.
    pub(super) fn running(&self) -> Option<HookEvent> {
        self.current.as_ref().map(HookRun::event)
    }

    /// Kills what runs as leader.
    pub(super) fn halt(&self) {
        if let Some(current) = &self.current {
            current.halt();
        }
    }

    /// Waits until the hook that acts as leader has ended and nothing of it is left, for ever if
    /// there is none. Cancel safe.
    pub(super) async fn ended(&mut self) -> (HookEvent, Outcome) {
        let Some(current) = &mut self.current else {
            return std::future::pending().await;
        };
        let event = current.event();
        let outcome = current.ended().await;
        self.current = None;
        (event, outcome)
    }
}
