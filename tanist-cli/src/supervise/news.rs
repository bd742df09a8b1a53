use std::time::Duration;

use tanist::{Alarm, Campaign, Event, Status, Wait};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use crate::log::{Level, LogLine};
use crate::span::Span;

/// What the election tells, as lines of the log.
#[derive(Debug)]
pub(super) struct News {
    events: broadcast::Receiver<Event>,
    status: watch::Receiver<Status>,
    memory_failure: Option<String>,
    own: String,
    election: String,
    store: String,
    /// When to say that the store was not reached at all: at first it never is.
    unreached_at: Option<Instant>,
}

/// A store that is there is reached within this span, so nothing is said before.
const FIRST_CONTACT: Duration = Duration::from_secs(1);

impl News {
    /// From now on; `election` is held in `store`.
    pub(super) fn of(campaign: &Campaign, election: &str, store: String) -> Self {
        let mut status = campaign.watch();
        // What is so already counts as news.
        status.mark_changed();
        Self {
            events: campaign.events(),
            status,
            memory_failure: None,
            own: campaign.instance().to_string(),
            election: election.to_owned(),
            store,
            unreached_at: Some(Instant::now() + FIRST_CONTACT),
        }
    }

    /// The next line. Cancel safe.
    pub(super) async fn next(&mut self) -> LogLine {
        loop {
            let line = tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Ok(Event::Waiting(Wait::Disconnected)) if self.unreached_at.is_some() => None,
                    Ok(event) => self.line(&event),
                    Err(RecvError::Lagged(missed)) => {
                        Some(LogLine::warn("log", format!("{missed} events were missed")))
                    }
                    Err(RecvError::Closed) => std::future::pending().await,
                },
                () = sleep_until_some(self.unreached_at) => {
                    self.unreached_at = None;
                    self.line(&Event::Waiting(Wait::Disconnected))
                }
                changed = self.status.changed() => match changed {
                    Ok(()) => {
                        if self.status.borrow().connected {
                            self.unreached_at = None;
                        }
                        self.memory()
                    }
                    Err(_) => std::future::pending().await,
                },
            };
            if let Some(line) = line {
                return line;
            }
        }
    }

    /// What is there already, without waiting.
    pub(super) fn ready(&mut self) -> Option<LogLine> {
        loop {
            let event = self.events.try_recv().ok()?;
            if let Some(line) = self.line(&event) {
                return Some(line);
            }
        }
    }

    fn line(&self, event: &Event) -> Option<LogLine> {
        match event {
            Event::Alarm(alarm) => {
                let text = alarm_text(alarm, &self.election, &self.store);
                Some(LogLine::warn("alarm", text))
            }
            other => line(other, &self.own),
        }
    }

    fn memory(&mut self) -> Option<LogLine> {
        let failure = self.status.borrow_and_update().memory_failure.clone();
        // Said once, whatever it cannot do next.
        if failure.is_some() == self.memory_failure.is_some() {
            return None;
        }
        self.memory_failure = failure;
        Some(match &self.memory_failure {
            Some(why) => LogLine::warn(
                "memory",
                format!(
                    "the highest term seen is not kept on this machine: {why}; across a restored \
                     store terms rise only by the wall clock; mend it, or name another directory \
                     with --state-dir"
                ),
            ),
            None => LogLine::info("memory", "the highest term seen is kept again"),
        })
    }
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn line(event: &Event, own: &str) -> Option<LogLine> {
    Some(match event {
        Event::Standing { entry } => LogLine::new(Level::Debug, "entry", entry.to_string()),
        Event::Elected { term, reason } => {
            let number = term.number();
            LogLine::info("elected", format!("term {number}, {}", reason.word()))
                .with("term", number)
                .with("reason", reason.word())
        }
        // Told by whoever starts and stops the child.
        Event::Began { .. } | Event::Stopped { .. } | Event::Alarm(_) => return None,
        Event::Ending { term, cause } => {
            let level = if cause.is_planned() {
                Level::Info
            } else {
                Level::Warn
            };
            let number = term.number();
            LogLine::new(level, "ending", format!("term {number}, {}", cause.word()))
                .with("term", number)
                .with("cause", cause.word())
        }
        Event::Withdrawn { term } => {
            let number = term.number();
            LogLine::info(
                "released",
                format!("term {number}; a standby can take over now"),
            )
            .with("term", number)
        }
        Event::EntryLost => LogLine::warn(
            "ousted",
            "our place in the line was removed by somebody else",
        ),
        Event::LeaderChanged {
            leader: Some((_, instance, _)),
        } if instance.to_string() == own => {
            return None;
        }
        Event::LeaderChanged {
            leader: Some((node, _, term)),
        } => {
            let number = term.number();
            LogLine::info("leader", format!("{node} leads in term {number}"))
                .with("leader", node.as_str())
                .with("term", number)
        }
        Event::LeaderChanged { leader: None } => LogLine::new(Level::Debug, "leader", "nobody"),
        Event::Waiting(wait) => waiting(wait),
    })
}

fn waiting(wait: &Wait) -> LogLine {
    let info = |text: String| LogLine::info("standby", text);
    match wait {
        Wait::Disconnected => LogLine::new(Level::Warn, "standby", "the store cannot be reached"),
        Wait::NotStanding => LogLine::new(Level::Debug, "standby", "not in the line yet"),
        Wait::Leader { node } => info(format!("{node} leads")).with("leader", node.as_str()),
        Wait::Foreign { entry, label } => info(format!(
            "{label} stands before us at {entry} and leads by its own rules"
        )),
        Wait::Grace { until } => {
            let left = until.since(tanist::clock::now().at);
            info(format!(
                "the former leader's lease may last {} more",
                Span(left)
            ))
        }
        Wait::Turn { .. } => info("nobody leads; another candidate goes first".to_owned()),
        Wait::Paused { until } => info(format!(
            "an operator has paused the election until {until} (seconds since 1970)"
        )),
        Wait::NeverLeads => info("priority 0: this node never leads".to_owned()),
        Wait::Unhealthy => info("this node stays out of the election".to_owned()),
        Wait::Aside => info("others go first, as asked".to_owned()),
        Wait::Refused => LogLine::warn("standby", "the record may not be overwritten"),
    }
}

fn alarm_text(alarm: &Alarm, election: &str, store: &str) -> String {
    match alarm {
        Alarm::GarbageRecord { why } => {
            format!(
                "the record in {store} cannot be read ({why}); it is left alone and nobody \
                 leads; look, and put a readable one in its place: tanist repair -e {election}"
            )
        }
        Alarm::NewerRecord { format } => {
            format!(
                "the record in {store} is of format {format}; a later tanist wrote it, so upgrade \
                 this one"
            )
        }
        Alarm::ForeignWithoutSession { entry } => {
            format!("the foreign entry {entry} will never go away by itself; look who put it there")
        }
        Alarm::StoreWentBack => {
            format!("the store {store} was restored or replaced; old leaders are waited out")
        }
        Alarm::StoreFull => format!("the store {store} takes no writes but deletions; make room"),
        Alarm::Denied { why } => {
            format!("the store {store} does not allow what is needed: {why}")
        }
        Alarm::DuplicateNode { instance } => {
            format!("another instance, {instance}, has our name; give each node its own")
        }
        Alarm::Lingering { node } => format!(
            "{node} has gone, and what it started still runs and keeps its lock, so nobody leads; \
             tanist status names it"
        ),
        Alarm::DifferentLease { node } => {
            format!("{node} uses another lease; use one for all nodes")
        }
        Alarm::AnswersLate { within } => {
            format!(
                "the store's answer took longer than {}, so that too little of the lease is left \
                 to begin the work; if this goes on raise --lease, or lower --renew-every or \
                 --lost-stop-timeout",
                Span(*within)
            )
        }
    }
}
