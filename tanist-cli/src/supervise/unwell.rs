//! What the health checks mean for the work.

use super::policy::{Ended, Verdict};
use super::tenure::Tenure;
use super::{Out, Supervisor};
use crate::control::Role;
use crate::guard::Guard;
use crate::health::Heard;
use crate::log::{Level, LogLine};
use crate::overview::STARTING;
use crate::span::{Span, wall_clock};
use tanist::Health;

impl Supervisor {
    /// A check was run while there is no work that could be stopped for it.
    pub(super) fn checked(&mut self, heard: Heard) {
        self.log.say(heard.line);
        self.vouch();
        self.show_health();
    }

    /// A check was run while we lead.
    pub(super) fn checked_at_work(&mut self, heard: Heard, guard: &mut Guard, tenure: &mut Tenure) {
        let ends = !tenure.goes_on() || tenure.unwell || tenure.child.is_some();
        let failure = self.checks.failure().filter(|_| !ends);
        let Some(failure) = failure else {
            return self.checked(heard);
        };
        self.log.say(heard.line);
        let verdict = self.fails(&failure, tenure, |policy, now, ended| {
            policy.ended(now, ended)
        });
        // Nobody vouches for work that is being stopped, and the lease has to last until it is.
        self.vouch();
        if matches!(verdict, Verdict::Restart { .. }) {
            // Started again here, so nobody else has to hear of it.
            let grace = self.settings.timing.stop_timeout();
            self.end(grace, guard, tenure);
        } else {
            // The election ends the work.
            self.set_health(Health::Critical, &failure);
        }
    }

    /// The lease was not renewed; if that is because nobody vouched for the work, the work failed.
    pub(super) fn lost_unvouched(&mut self, tenure: &mut Tenure) {
        let now = tanist::clock::now().at;
        let until = self.checks.vouched_until().filter(|&until| until < now);
        let ends = tenure.stop.is_some() || tenure.unwell || tenure.child.is_some();
        if let Some(until) = until.filter(|_| !ends && !self.settings.once) {
            let past = Span(now.since(until));
            let why = format!("nothing has vouched for the child for {past}");
            let _ = self.fails(&why, tenure, |policy, now, _| policy.fail_over(now));
        }
    }

    /// The child does not do what it is there for. That is its failure, as if it had ended with one.
    fn fails(
        &mut self,
        why: &str,
        tenure: &mut Tenure,
        judge: impl FnOnce(&mut super::Policy, tanist::Moment, Ended) -> Verdict,
    ) -> Verdict {
        let now = tanist::clock::now().at;
        let ran_for = tenure.started_at.map(|at| now.since(at));
        let ended = Ended {
            success: false,
            ran_for: ran_for.unwrap_or_default(),
        };
        let line = LogLine::warn("unhealthy", format!("the child is stopped: {why}"));
        self.log.say(line.with("term", tenure.term));
        tenure.unwell = true;
        self.checks.child_ends();
        let verdict = judge(&mut self.policy, now, ended);
        tenure.verdict = Some(verdict);
        self.go_by(verdict, now, why);
        self.desk.role(Role::Standby);
        verdict
    }

    /// Stays out of the election if the verdict says so.
    pub(super) fn go_by(&mut self, verdict: Verdict, now: tanist::Moment, why: &str) {
        match verdict {
            Verdict::Exit | Verdict::Restart { .. } => {}
            Verdict::StandDown { cooldown } => {
                self.out = Out::Until(now + cooldown);
                self.out_because = format!("cooling down until {}: {why}", wall_clock(cooldown));
            }
            Verdict::Park { failures } => {
                let limit = self.settings.policy.max_failovers.value;
                let within = Span(limit.within);
                let often = match failures {
                    1 => format!("once within {within}"),
                    _ => format!("{failures} times within {within}"),
                };
                let text = format!(
                    "this node gave the leadership up {often} because its child failed; it stays \
                     out of the election until tanist is started anew"
                );
                self.log.say(LogLine::new(Level::Error, "parked", text));
                self.out = Out::Parked;
                self.out_because = format!("{often}, last: {why}");
            }
        }
    }

    /// Tells the election how this node is.
    pub(super) fn show_health(&self) {
        let (health, note) = match self.out {
            Out::No if self.starting => {
                let (health, note) = self.checks.health();
                let notes = [STARTING, note.as_str()];
                let notes: Vec<&str> = notes.into_iter().filter(|it| !it.is_empty()).collect();
                (health, notes.join("; "))
            }
            Out::No => self.checks.health(),
            Out::Until(_) => (Health::Critical, self.out_because.clone()),
            Out::Parked => (Health::Parked, self.out_because.clone()),
        };
        self.set_health(health, &note);
    }

    /// Passes on until when the checks vouch for the work.
    pub(super) fn vouch(&self) {
        if self.checks.are_needed()
            && let Some(campaign) = &self.campaign
        {
            campaign.vouch_until(self.checks.vouched_until());
        }
    }

    fn set_health(&self, health: Health, note: &str) {
        if let Some(campaign) = &self.campaign {
            campaign.set_health(health, note);
        }
    }
}
