use std::time::Duration;

use tanist::{EndCause, Ending, Leadership};
use tokio::time::Instant;

use super::environment::mandated;
use super::policy::{Ended, Verdict};
use super::silence::Silence;
use super::tenure::{Stop, Tenure, Word};
use super::{Supervisor, Told};
use crate::args::HookEvent;
use crate::control::Role;
use crate::exit::{Code, Exit};
use crate::guard::{Guard, GuardReport, Start};
use crate::log::{Level, LogLine};
use crate::signal_name::SignalName;
use crate::span::Span;

/// Whether a start goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Over,
}

impl Supervisor {
    /// Leads: starts the work, stops it, gives the leadership back. `None` means: stand by again.
    pub(super) async fn lead(&mut self, lead: Leadership, mut guard: Guard) -> Option<Exit> {
        self.starts(self.waits_for_ready());
        let mut tenure = Tenure::new(&lead);
        tenure.unfenced = self.owes_fencing(&lead);
        if self.promote(&lead, &mut guard, &mut tenure).await {
            self.work(&lead, &mut guard, &mut tenure).await;
        }
        self.end_hooks(&mut tenure).await;
        self.hooks.stop_leading();
        let demotion = self.call(HookEvent::AfterDemote, &lead, tenure.reason);
        self.show_standby();
        if tenure.is_done() {
            // What leaves is a task of its own. It has to speak first: then this is a hand-over, and
            // not a failure.
            self.leave();
            tokio::task::yield_now().await;
        }
        self.checks.child_ends();
        self.vouch();
        self.desk.relay("");
        // Verified gone: only now may the store hear of it.
        if tenure.unfenced {
            lead.hand_on_unfenced();
        } else {
            lead.stopped();
        }
        self.demoted(&tenure, demotion);
        if tenure.ends_us() {
            self.leave();
        }
        self.starting = false;
        // Told right behind it, so that a node that has to stay out is barred before it stands again.
        self.show_health();
        if let Some(exit) = self.given_back(&mut tenure).await {
            // Neither dismissed nor dropped: it sees us end, and releases in our place.
            std::mem::forget(guard);
            return Some(exit);
        }
        guard.dismiss();
        self.after(&tenure)
    }

    /// The child's starts in this leadership, one after the other.
    async fn work(&mut self, lead: &Leadership, guard: &mut Guard, tenure: &mut Tenure) {
        loop {
            self.activate(lead, guard, tenure).await;
            let Some((after, attempt)) = tenure.restart() else {
                break;
            };
            self.get_ready_again(lead, guard, tenure, after, attempt)
                .await;
            if !tenure.goes_on() {
                break;
            }
            tenure.reason = "restart";
        }
    }

    /// One start of the child, until nothing of it is left.
    async fn activate(&mut self, lead: &Leadership, guard: &mut Guard, tenure: &mut Tenure) {
        tenure.child = None;
        tenure.verdict = None;
        tenure.unwell = false;
        tenure.started_at = None;
        self.listens_below(guard.pid(), tenure);
        if self.begin(lead, guard, tenure.reason) == Going::Over {
            tenure.guard_lost = true;
            return;
        }
        tenure.silence = Silence::starting(&self.settings.timing);
        loop {
            let going = tokio::select! {
                biased;
                report = guard.report() => self.reported(report, lead, guard.pid(), tenure),
                (event, _) = self.hooks.ended() => self.hook_ended(event, guard, tenure),
                // Nobody else sees to it that the child is told: a hook may be unable to end.
                () = tenure.hook_overdue() => self.end_of_child(guard, tenure),
                () = tenure.silence.broken() => self.silent(guard, tenure),
                word = tenure.word() => match word {
                    Word::End(ending) => self.must_end(ending, guard, tenure),
                    Word::Until(safe_until) => {
                        guard.until(safe_until);
                        self.desk.until(safe_until);
                        Going::On
                    }
                },
                told = self.signals.next() => self.told(told, guard, tenure),
                line = self.news.next() => {
                    self.log.say(line);
                    Going::On
                }
                heard = self.checks.next() => {
                    self.checked_at_work(heard, guard, tenure);
                    Going::On
                }
                instruction = self.desk.next() => {
                    self.instructed(instruction);
                    Going::On
                }
                // Last: nobody can say how often it speaks.
                word = self.child_socket.next() => {
                    self.child_says(&word, lead, tenure);
                    Going::On
                }
            };
            if going == Going::Over {
                return;
            }
        }
    }

    /// Gives the guard all it needs and lets it start the child.
    fn begin(&mut self, lead: &Leadership, guard: &mut Guard, reason: &'static str) -> Going {
        let mut env = mandated(&self.mandate(lead, reason));
        env.extend(self.lines_to_us());
        let begun = lead
            .holds()
            .map_err(|error| error.to_string())
            .and_then(|holds| {
                guard
                    .provide_release(&lead.release_bytes(), &self.hooks.along(false))
                    .map_err(|error| error.to_string())?;
                let start = Start {
                    safe_until: lead.safe_until(),
                    env,
                    holds,
                };
                guard.begin(start).map_err(|error| error.to_string())
            });
        match begun {
            Ok(()) => Going::On,
            Err(why) => {
                let text = format!("the guard cannot begin: {why}");
                self.log.say(LogLine::new(Level::Error, "guard", text));
                Going::Over
            }
        }
    }

    /// The guard does not answer, so it goes the way of a dead one: its end is always safe, since
    /// nothing is given back before what it left is verified gone.
    fn silent(&self, guard: &Guard, tenure: &mut Tenure) -> Going {
        let text = "the guard does not answer; it is killed and what it left is swept";
        let line = LogLine::warn("silent", text);
        self.log.say(line.with("guard", guard.pid()));
        tenure.silence.explained();
        guard.kill();
        Going::On
    }

    /// The guard ends the tree without being told to.
    fn ends_by_itself(&self, tenure: &mut Tenure) {
        let timing = &self.settings.timing;
        tenure.silence.started();
        tenure.silence.ending(timing, timing.lost_stop_timeout());
    }

    fn reported(
        &mut self,
        report: GuardReport,
        lead: &Leadership,
        guard: u32,
        tenure: &mut Tenure,
    ) -> Going {
        match report {
            GuardReport::Started { pid } => {
                tenure.silence.started();
                tenure.started_at = Some(tanist::clock::now().at);
                let command = self.settings.child.command[0].display();
                let line = LogLine::info("started", format!("{command}, pid {pid}"));
                let line = line.with("pid", pid).with("guard", guard);
                // Who reads the line finds it to be so.
                self.child_runs(pid, lead, tenure);
                self.checks
                    .child_runs(mandated(&self.mandate(lead, tenure.reason)));
                self.vouch();
                self.show_health();
                self.log.say(line.with("term", tenure.term));
                if tenure.ready {
                    self.tell_ready(tenure);
                }
                self.may_demote(lead, tenure);
            }
            GuardReport::TooLate => {
                self.ends_by_itself(tenure);
                tenure.too_late = true;
                let text = "the child did not start while enough of the lease was left";
                self.log.say(LogLine::warn("too-late", text));
            }
            GuardReport::ExecFailed { code, message } => {
                self.ends_by_itself(tenure);
                tenure.exec_failed = Some(code);
                self.log.say(LogLine::new(Level::Error, "error", message));
            }
            GuardReport::Exited { status } => {
                self.ends_by_itself(tenure);
                tenure.child = Some(status);
                self.child_ended(tenure);
            }
            GuardReport::DeadlineReached => {
                self.ends_by_itself(tenure);
                self.hooks.halt();
                tenure.lost = true;
                tenure.ends = true;
                let text = "no renewal was acknowledged in time; the child is stopped";
                self.log.say(LogLine::warn("deadline", text));
                self.lost_unvouched(tenure);
                self.checks.child_ends();
                self.desk.role(Role::Standby);
            }
            GuardReport::Lingering { .. } | GuardReport::Hindered { .. } => {
                tenure.silence.explained();
                self.tell_trouble(&report);
            }
            GuardReport::Empty => return Going::Over,
            GuardReport::Gone => {
                tenure.guard_lost = true;
                let text = "the guard has ended; nothing of the child is left";
                self.log.say(LogLine::warn("guard", text));
                return Going::Over;
            }
        }
        Going::On
    }

    /// The child itself has ended: as asked, or by itself.
    fn child_ended(&mut self, tenure: &mut Tenure) {
        let now = tanist::clock::now().at;
        let ran_for = tenure
            .started_at
            .map(|at| now.since(at))
            .unwrap_or_default();
        let Some(exit) = tenure.child_exit() else {
            return;
        };
        let said = tenure
            .child
            .map(|status| status.to_string())
            .unwrap_or_default();
        let line = LogLine::info("ended", format!("{said} after {}", Span(ran_for)));
        self.log.say(line.with("status", exit.code()));
        self.desk.role(Role::Standby);
        self.checks.child_ends();
        self.vouch();
        if !tenure.goes_on() || tenure.unwell || tenure.exec_failed.is_some() {
            return;
        }
        let ended = Ended {
            success: exit.code() == 0,
            ran_for,
        };
        let verdict = self.policy.ended(now, ended);
        tenure.verdict = Some(verdict);
        self.go_by(verdict, now, &format!("the child ended: {said}"));
    }

    fn must_end(
        &mut self,
        ending: Option<Ending>,
        guard: &mut Guard,
        tenure: &mut Tenure,
    ) -> Going {
        if ending.is_some_and(|ending| ending.cause == EndCause::LeaseDue) {
            self.lost_unvouched(tenure);
        }
        tenure.ends = true;
        tenure.lost |= ending.is_none_or(|ending| !ending.cause.is_planned());
        let grace = ending.map_or_else(
            || self.settings.timing.lost_stop_timeout(),
            |ending| ending.grace,
        );
        tenure.cause = ending.map(|ending| ending.cause);
        if tenure.lost {
            self.hooks.halt();
        }
        match tenure.stop {
            // A second signal has said how long already.
            Some(Stop::AtOnce(_)) => {}
            _ if tenure.lost => self.end(grace, guard, tenure),
            _ => self.end_planned(grace, guard, tenure),
        }
        self.checks.child_ends();
        self.desk.role(Role::Standby);
        Going::On
    }

    fn told(&mut self, told: Told, guard: &mut Guard, tenure: &mut Tenure) -> Going {
        match told {
            Told::Forward(signal) => guard.signal(signal),
            Told::Dropped(signal) => {
                let text = format!("{signal} cannot be passed on to the child");
                self.log.say(LogLine::warn("signal", text));
            }
            Told::Stop(signal) => {
                // The child first, and only then all others.
                if self.note_stop(signal, tenure) == Stop::Asked {
                    let grace = self.settings.timing.stop_timeout();
                    self.end_planned(grace, guard, tenure);
                } else {
                    self.hooks.halt();
                    self.end(Duration::ZERO, guard, tenure);
                }
                self.show_stop();
            }
        }
        Going::On
    }

    /// A planned stop takes no longer than `grace`, with its hook.
    fn end_planned(&mut self, grace: Duration, guard: &mut Guard, tenure: &mut Tenure) {
        let now = Instant::now();
        let stop_by = tenure.stop_by.map_or(now + grace, |by| by.min(now + grace));
        tenure.stop_by = Some(stop_by);
        if tenure.child_waits.is_none() && !self.demotes_first(tenure, grace) {
            self.end(stop_by.saturating_duration_since(now), guard, tenure);
        }
    }

    fn hook_ended(&self, event: HookEvent, guard: &mut Guard, tenure: &mut Tenure) -> Going {
        if event == HookEvent::BeforeDemote && tenure.child_waits.is_some() {
            return self.end_of_child(guard, tenure);
        }
        Going::On
    }

    /// The hook before a planned stop is through, or has had its time: the child has what is left.
    fn end_of_child(&self, guard: &mut Guard, tenure: &mut Tenure) -> Going {
        let left = tenure.stop_by.map_or(Duration::ZERO, |by| {
            by.saturating_duration_since(Instant::now())
        });
        self.end(left, guard, tenure);
        Going::On
    }

    pub(super) fn end(&self, grace: Duration, guard: &mut Guard, tenure: &mut Tenure) {
        tenure.child_waits = None;
        tenure.silence.ending(&self.settings.timing, grace);
        guard.end(grace);
    }

    /// A stop where there is no child to be stopped; the second one is for at once.
    pub(super) fn stop(&mut self, signal: SignalName, tenure: &mut Tenure) -> Stop {
        let stop = self.note_stop(signal, tenure);
        self.show_stop();
        stop
    }

    fn note_stop(&self, signal: SignalName, tenure: &mut Tenure) -> Stop {
        let stop = match tenure.stop {
            None => {
                let how = self.settings.child.stop_signal.value;
                let grace = Span(self.settings.timing.stop_timeout());
                let text = format!("{signal}; {how} to the child, up to {grace}");
                self.log.say(LogLine::info("stopping", text));
                Stop::Asked
            }
            Some(_) => {
                self.log
                    .say(LogLine::warn("killing", format!("{signal} again")));
                Stop::AtOnce(signal)
            }
        };
        tenure.stop = Some(stop);
        stop
    }

    fn show_stop(&mut self) {
        self.checks.child_ends();
        self.desk.role(Role::Standby);
        self.leave();
    }

    /// Waits until the record says that we do not lead. A second signal cuts that short.
    async fn given_back(&mut self, tenure: &mut Tenure) -> Option<Exit> {
        let term = tenure.term;
        let mut status = self.status.clone();
        let withdrawn = async move {
            // An error means that the session is over, and with it the leadership.
            let _ = status
                .wait_for(|now| now.term.map(tanist::Term::number) != Some(term))
                .await;
        };
        tokio::pin!(withdrawn);
        loop {
            tokio::select! {
                biased;
                () = &mut withdrawn => break,
                line = self.news.next() => self.log.say(line),
                told = self.signals.next() => if let Told::Stop(signal) = told
                    && let Stop::AtOnce(_) = self.stop(signal, tenure)
                {
                    return Some(Exit::interrupted(signal.number()));
                },
                heard = self.checks.next() => self.checked(heard),
                instruction = self.desk.next() => self.instructed(instruction),
            }
        }
        while let Some(line) = self.news.ready() {
            self.log.say(line);
        }
        None
    }

    /// What a leadership that is over means for this process.
    fn after(&self, tenure: &Tenure) -> Option<Exit> {
        if tenure.failed.is_some() {
            return tenure.failed;
        }
        if let Some(code) = tenure.exec_failed {
            let code = if code == 126 {
                Code::NotExecutable
            } else {
                Code::NotFound
            };
            return Some(Exit::of(code, "exec-failed"));
        }
        match tenure.stop {
            Some(Stop::AtOnce(signal)) => return Some(Exit::interrupted(signal.number())),
            Some(Stop::Asked) => {
                let own = Exit::of(Code::Ok, "stopped");
                let child = tenure.child_exit().filter(|_| self.settings.once);
                return Some(child.unwrap_or(own));
            }
            None => {}
        }
        if tenure.verdict == Some(Verdict::Exit) {
            let unwell = Exit::of(Code::TempFail, "unhealthy");
            return if tenure.unwell {
                Some(unwell)
            } else {
                tenure.child_exit()
            };
        }
        if !self.settings.once || tenure.too_late {
            return None;
        }
        if tenure.vetoed {
            return Some(Exit::of(Code::TempFail, "hook-refused"));
        }
        if tenure.guard_lost {
            Some(Exit::of(Code::OsError, "guard-lost"))
        } else if tenure.lost {
            Some(self.settings.lost)
        } else {
            Some(Exit::of(Code::TempFail, "resigned"))
        }
    }
}
