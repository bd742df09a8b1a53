//! The hooks of one leadership, in the order in which they come.

use std::future::Future;
use std::time::Duration;

use tanist::Leadership;
use tokio::time::Instant;

use super::super::tenure::{Stop, Tenure, Word};
use super::super::{Out, Supervisor, Told};
use super::{Call, Outcome};
use crate::args::HookEvent;
use crate::control::Role;
use crate::guard::{Guard, GuardReport};
use crate::log::{Level, LogLine};

/// How long to wait before a hook that said "not yet" is asked again.
const AGAIN: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Before anything begins: has the leader before fenced, where that is owed, and asks whether
    /// the work may begin. False if not, or if the leadership ends meanwhile; nothing of a hook is
    /// left then.
    pub(in super::super) async fn promote(
        &mut self,
        lead: &Leadership,
        guard: &mut Guard,
        tenure: &mut Tenure,
    ) -> bool {
        let told = self
            .hooks
            .lead(lead)
            .map_err(|error| error.to_string())
            .and_then(|()| self.provide(lead, guard, tenure));
        if let Err(why) = told {
            let text = format!("no hook can act as leader: {why}");
            self.log.say(LogLine::new(Level::Error, "hook", text));
            tenure.guard_lost = true;
            return false;
        }
        if tenure.unfenced && !self.fence(lead, guard, tenure).await {
            return false;
        }
        tenure.unfenced = false;
        // From now on the debt is paid.
        if let Err(why) = self.provide(lead, guard, tenure) {
            self.log.say(LogLine::new(Level::Error, "guard", why));
            tenure.guard_lost = true;
            return false;
        }
        self.may_promote(lead, guard, tenure).await && tenure.goes_on()
    }

    /// Tells the guard how to release, as things stand.
    fn provide(&self, lead: &Leadership, guard: &mut Guard, tenure: &Tenure) -> Result<(), String> {
        let bytes = if tenure.unfenced {
            lead.release_bytes_unfenced()
        } else {
            lead.release_bytes()
        };
        guard
            .provide_release(&bytes, &self.hooks.along(tenure.unfenced))
            .map_err(|error| error.to_string())
    }

    /// Whether somebody has to be fenced: there is a hook for it, and a leader before that did not
    /// give back and is not this node itself.
    pub(in super::super) fn owes_fencing(&self, lead: &Leadership) -> bool {
        let own = lead.previous() == Some(&*self.settings.node.value);
        lead.deposes() && !own && self.hooks.has(HookEvent::Fence)
    }

    async fn fence(&mut self, lead: &Leadership, guard: &mut Guard, tenure: &mut Tenure) -> bool {
        let named = lead.previous().unwrap_or("the leader before").to_owned();
        for number in 0..self.hooks.count(HookEvent::Fence) {
            let call = self.call(HookEvent::Fence, lead, lead.reason().word());
            self.hooks.start(number, call, self.hooks.timeout());
            match self.hook_ends(guard, tenure).await {
                None => return false,
                Some(Outcome::Done) => {
                    let text = format!("{named} did not give the leadership back, and is fenced");
                    self.log.say(LogLine::info("fenced", text));
                    return true;
                }
                Some(Outcome::NotYet | Outcome::Failed) => {}
            }
        }
        let text = format!(
            "{named} did not give the leadership back and could not be fenced; nothing is started"
        );
        self.log.say(LogLine::new(Level::Error, "unfenced", text));
        self.step_back(tenure, "the leader before could not be fenced");
        false
    }

    async fn may_promote(
        &mut self,
        lead: &Leadership,
        guard: &mut Guard,
        tenure: &mut Tenure,
    ) -> bool {
        if !self.hooks.has(HookEvent::BeforePromote) {
            return true;
        }
        let until = Instant::now() + self.hooks.timeout();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let call = self.call(HookEvent::BeforePromote, lead, lead.reason().word());
            self.hooks.start(0, call, left);
            match self.hook_ends(guard, tenure).await {
                None => return false,
                Some(Outcome::Done) => return true,
                Some(Outcome::NotYet) if Instant::now() + AGAIN < until => {
                    let waited = tokio::time::sleep(AGAIN);
                    if self.attend(guard, tenure, waited).await.is_none() {
                        return false;
                    }
                }
                Some(Outcome::NotYet | Outcome::Failed) => break,
            }
        }
        let text = "before-promote does not let the work begin; another node may lead";
        self.log.say(LogLine::warn("vetoed", text));
        self.step_back(tenure, "before-promote does not let the work begin");
        false
    }

    fn step_back(&mut self, tenure: &mut Tenure, why: &str) {
        tenure.vetoed = true;
        let cooldown = self.settings.policy.cooldown.value;
        self.out = Out::Until(tanist::clock::now().at + cooldown);
        why.clone_into(&mut self.out_because);
    }

    /// How the hook at work ended; `None` if the leadership ends before, and the hook with it.
    async fn hook_ends(&mut self, guard: &mut Guard, tenure: &mut Tenure) -> Option<Outcome> {
        while tenure.goes_on() {
            tokio::select! {
                biased;
                (_, outcome) = self.hooks.ended() => return Some(outcome),
                happened = tenure.word() => self.heard(happened, tenure),
                told = self.signals.next() => self.told_before(told, tenure),
                report = guard.report() => self.reported_before(&report, tenure),
                line = self.news.next() => self.log.say(line),
                heard = self.checks.next() => self.checked(heard),
                instruction = self.desk.next() => self.instructed(instruction),
            }
        }
        self.hooks.halt();
        self.end_hooks(tenure).await;
        None
    }

    /// Waits for `work` while leading without a child; `None` if the leadership ends before.
    pub(in super::super) async fn attend<T>(
        &mut self,
        guard: &mut Guard,
        tenure: &mut Tenure,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::pin!(work);
        while tenure.goes_on() {
            tokio::select! {
                biased;
                happened = tenure.word() => self.heard(happened, tenure),
                told = self.signals.next() => self.told_before(told, tenure),
                report = guard.report() => self.reported_before(&report, tenure),
                line = self.news.next() => self.log.say(line),
                heard = self.checks.next() => self.checked(heard),
                instruction = self.desk.next() => self.instructed(instruction),
                done = &mut work => return Some(done),
            }
        }
        None
    }

    fn heard(&mut self, word: Word, tenure: &mut Tenure) {
        if let Word::End(ending) = word {
            tenure.ends = true;
            tenure.lost |= ending.is_none_or(|ending| !ending.cause.is_planned());
            self.desk.role(Role::Standby);
        }
    }

    fn told_before(&mut self, told: Told, tenure: &mut Tenure) {
        if let Told::Stop(signal) = told {
            self.stop(signal, tenure);
        }
    }

    fn reported_before(&self, report: &GuardReport, tenure: &mut Tenure) {
        if *report == GuardReport::Gone {
            tenure.guard_lost = true;
            tenure.ends = true;
        } else {
            self.tell_trouble(report);
        }
    }

    /// The child runs: its end will be one that hooks are told of.
    pub(in super::super) fn may_demote(&self, lead: &Leadership, tenure: &mut Tenure) {
        if !std::mem::replace(&mut tenure.has_run, true) {
            tenure.demotion = Some(self.call(HookEvent::BeforeDemote, lead, "stop"));
        }
    }

    /// The child serves; told once in a leadership.
    pub(in super::super) fn promoted(&mut self, lead: &Leadership, tenure: &mut Tenure) {
        let first = !std::mem::replace(&mut tenure.promoted, true);
        if first && self.hooks.has(HookEvent::AfterPromote) {
            let call = self.call(HookEvent::AfterPromote, lead, lead.reason().word());
            self.hooks.start(0, call, self.hooks.timeout());
        }
    }

    /// A planned stop begins: whether a hook goes first. It has half of the `grace` at most, and
    /// whatever it makes of it, the child is asked to stop after that.
    pub(in super::super) fn demotes_first(&mut self, tenure: &mut Tenure, grace: Duration) -> bool {
        let runs = tenure.started_at.is_some() && tenure.child.is_none();
        if !runs || !self.hooks.has(HookEvent::BeforeDemote) {
            return false;
        }
        let Some(mut call) = tenure.demotion.take() else {
            return false;
        };
        call.to = self.successor();
        let budget = self.hooks.timeout().min(grace / 2);
        self.hooks.start(0, call, budget);
        tenure.child_waits = Some(Instant::now() + budget);
        true
    }

    /// No hook acts as leader any more: those that may finish have, the others were ended.
    pub(in super::super) async fn end_hooks(&mut self, tenure: &mut Tenure) {
        // What is to happen before the child stops is not cut short by the child's being quick.
        let finishes = self.hooks.running() == Some(HookEvent::BeforeDemote);
        if !finishes || tenure.lost || matches!(tenure.stop, Some(Stop::AtOnce(_))) {
            self.hooks.halt();
        }
        while self.hooks.running().is_some() {
            tokio::select! {
                biased;
                _ = self.hooks.ended() => {}
                word = tenure.word() => {
                    self.heard(word, tenure);
                    if tenure.lost {
                        self.hooks.halt();
                    }
                }
                told = self.signals.next() => {
                    self.told_before(told, tenure);
                    if matches!(tenure.stop, Some(Stop::AtOnce(_))) {
                        self.hooks.halt();
                    }
                }
                line = self.news.next() => self.log.say(line),
                heard = self.checks.next() => self.checked(heard),
                instruction = self.desk.next() => self.instructed(instruction),
            }
        }
    }

    /// The child is gone and the leadership is being given back.
    pub(in super::super) fn demoted(&self, tenure: &Tenure, mut call: Call) {
        if !tenure.has_run || !self.hooks.has(HookEvent::AfterDemote) {
            return;
        }
        call.event = HookEvent::AfterDemote;
        call.mandate.set("ROLE", Role::Standby.word());
        call.mandate.set("REASON", tenure.end_word());
        (call.from, call.to) = (self.settings.node.value.clone(), self.successor());
        self.hooks.call_outside(call);
    }

    /// Who an operator says leads next, if one does.
    fn successor(&self) -> String {
        let status = self.status.borrow();
        let named = status
            .directive()
            .and_then(|directive| directive.successor(tanist::clock::now().unix));
        named.unwrap_or_default().to_owned()
    }

    pub(in super::super) fn call(
        &self,
        event: HookEvent,
        lead: &Leadership,
        reason: &'static str,
    ) -> Call {
        let own = self.settings.node.value.clone();
        let before = lead.previous().unwrap_or_default().to_owned();
        let (from, to) = match event {
            HookEvent::BeforeDemote | HookEvent::AfterDemote => (own, String::new()),
            _ => (before, own),
        };
        Call {
            event,
            mandate: self.mandate(lead, reason),
            from,
            to,
        }
    }
}
