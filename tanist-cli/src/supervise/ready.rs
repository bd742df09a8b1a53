//! When the child serves, and what else it says of itself.

use std::ffi::OsString;

use tanist::Leadership;

use super::Supervisor;
use super::tenure::Tenure;
use crate::args::Ready;
use crate::log::{Level, LogLine};
use crate::notify::ChildWord;
use crate::settings::Source;
use crate::span::Span;

impl Supervisor {
    /// What the child finds besides its mandate: where to say how it is, how often it has to, and the
    /// sockets that we were given for it.
    pub(super) fn lines_to_us(&self) -> Vec<(OsString, OsString)> {
        let mut variables: Vec<_> = self.child_socket.variable().into_iter().collect();
        if let Some(every) = self.checks.listen_every().filter(|_| !variables.is_empty()) {
            let usec = every.as_micros().to_string();
            variables.push(("WATCHDOG_USEC".into(), usec.into()));
        }
        variables.extend(given_sockets());
        variables
    }

    /// The guard begins with another child.
    pub(super) fn listens_below(&mut self, guard: u32, tenure: &mut Tenure) {
        tenure.ready = false;
        self.starts(self.waits_for_ready());
        self.child_socket.hear_below(guard);
        self.desk.relay("");
    }

    /// The child runs.
    pub(super) fn child_runs(&mut self, pid: u32, lead: &Leadership, tenure: &mut Tenure) {
        tenure.pid = Some(pid);
        self.child_socket.child_runs(pid);
        if tenure.ready || !self.waits_for_ready() {
            self.serves(lead, tenure);
        }
    }

    /// The child says something of itself.
    pub(super) fn child_says(&mut self, word: &ChildWord, lead: &Leadership, tenure: &mut Tenure) {
        match word {
            ChildWord::Alive => self.checks.alive(),
            ChildWord::Stuck => self.checks.stuck(),
            ChildWord::Status(status) => {
                self.log
                    .say(LogLine::new(Level::Debug, "says", status.as_str()));
                self.desk.relay(status);
            }
            ChildWord::Ready => {
                self.checks.alive();
                let first = !std::mem::replace(&mut tenure.ready, true);
                // Faster than the guard's report of it: told with that.
                let runs = tenure.started_at.is_some() && tenure.child.is_none();
                if first && runs && tenure.goes_on() && !tenure.unwell {
                    if self.waits_for_ready() {
                        self.serves(lead, tenure);
                    }
                    self.tell_ready(tenure);
                }
            }
        }
    }

    /// From now on this is where the service is.
    fn serves(&mut self, lead: &Leadership, tenure: &mut Tenure) {
        let pid = tenure.pid.unwrap_or_default();
        self.starts(false);
        self.desk.leads(tenure.term, lead.safe_until(), pid);
        self.promoted(lead, tenure);
    }

    pub(super) fn tell_ready(&self, tenure: &Tenure) {
        let now = tanist::clock::now().at;
        let took = tenure.started_at.map(|at| now.since(at));
        let took = took.unwrap_or_default();
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let line = LogLine::info("active", format!("ready after {}", Span(took)));
        let line = line.with("term", tenure.term).with("dur_ms", millis);
        self.log.say(line);
    }

    /// Tells the election whether the child has still to say that it serves.
    pub(super) fn starts(&mut self, starting: bool) {
        if std::mem::replace(&mut self.starting, starting) != starting {
            self.show_health();
        }
    }

    pub(super) fn waits_for_ready(&self) -> bool {
        let ready = &self.settings.child.ready;
        let follows = ready.source == Source::Default && self.checks.listen_every().is_some();
        ready.value == Ready::Notify || follows
    }
}

/// The sockets that our service manager opened for the service, if it meant us to pass them on. The
/// launcher adds for whom they are.
fn given_sockets() -> Vec<(OsString, OsString)> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) || number("LISTEN_FDS").is_none() {
        return Vec::new();
    }
    let given = ["LISTEN_FDS", "LISTEN_FDNAMES"].into_iter();
    given
        .filter_map(|name| Some((name.into(), std::env::var_os(name)?)))
        .collect()
}
