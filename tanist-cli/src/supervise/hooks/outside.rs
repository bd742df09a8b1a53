use std::collections::VecDeque;
use std::sync::Arc;

use tanist::{Event, InstanceId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use super::super::environment::Mandate;
use super::call::Call;
use super::run::{HookRun, Outcome};
use super::runner::Runner;
use crate::args::HookEvent;
use crate::control::Role;
use crate::log::LogLine;

/// The hooks that belong to no leadership, one after the other in a task of its own.
///
/// What happens while one of them works waits in a queue. If that is full the oldest change is left
/// out, never an end of a leadership.
#[derive(Debug)]
pub(in super::super) struct Outside {
    tell: mpsc::UnboundedSender<Call>,
    task: JoinHandle<()>,
}

/// How many changes may wait.
const QUEUE: usize = 16;

impl Outside {
    /// From now on. `standing` is what every hook of this node is told.
    pub(in super::super) fn open(
        runner: Arc<Runner>,
        events: broadcast::Receiver<Event>,
        own: InstanceId,
        standing: Mandate,
    ) -> Self {
        let (tell, calls) = mpsc::unbounded_channel();
        let watches = runner.commands(HookEvent::OnChange).next().is_some();
        let work = Work {
            runner,
            events: watches.then_some(events),
            calls,
            own,
            standing,
            leader: String::new(),
            queue: VecDeque::new(),
            left_out: 0,
        };
        Self {
            tell,
            task: tokio::spawn(work.go_on()),
        }
    }

    /// One more, in its turn.
    pub(in super::super) fn call(&self, call: Call) {
        // The task ends only after this sender.
        let _ = self.tell.send(call);
    }

    /// Waits until the one at work and what follows an end of a leadership are done; changes that
    /// still wait are forgotten.
    pub(in super::super) async fn close(self) {
        drop(self.tell);
        // It fails only with the runtime.
        let _ = self.task.await;
    }
}

struct Work {
    runner: Arc<Runner>,
    events: Option<broadcast::Receiver<Event>>,
    calls: mpsc::UnboundedReceiver<Call>,
    own: InstanceId,
    standing: Mandate,
    leader: String,
    queue: VecDeque<Call>,
    left_out: u64,
}

impl Work {
    async fn go_on(mut self) {
        let mut open = true;
        let mut running: Option<HookRun> = None;
        loop {
            if running.is_none() {
                running = self.start_next();
            }
            if !open && running.is_none() {
                return;
            }
            tokio::select! {
                biased;
                call = self.calls.recv(), if open => match call {
                    Some(call) => self.queue.push_back(call),
                    None => {
                        open = false;
                        self.events = None;
                        self.queue.retain(|call| call.event != HookEvent::OnChange);
                    }
                },
                _ = ended(running.as_mut()) => running = None,
                event = next(self.events.as_mut()) => self.happened(event),
            }
        }
    }

    fn start_next(&mut self) -> Option<HookRun> {
        if self.left_out > 0 {
            let text = format!(
                "{} changes were left out: the hook takes longer than they come",
                std::mem::take(&mut self.left_out)
            );
            self.runner.log.say(LogLine::warn("hook", text));
        }
        let call = self.queue.pop_front()?;
        let command = self.runner.commands(call.event).next()?.clone();
        let budget = self.runner.timeout();
        let run = HookRun::start(&self.runner, command, call, None, budget, None);
        Some(run)
    }

    fn happened(&mut self, event: Result<Event, RecvError>) {
        let leader = match event {
            Ok(Event::LeaderChanged { leader }) => leader,
            Ok(_) => return,
            Err(RecvError::Lagged(missed)) => {
                self.left_out += missed;
                return;
            }
            Err(RecvError::Closed) => {
                self.events = None;
                return;
            }
        };
        let (to, term, is_own) = match leader {
            Some((node, instance, term)) => (node, term.number(), instance == self.own),
            None => (String::new(), 0, false),
        };
        let role = if is_own { Role::Leader } else { Role::Standby };
        let mut mandate = self.standing.clone();
        mandate.set("ROLE", role.word());
        if term > 0 {
            mandate.set("TERM", term.to_string());
        }
        let from = std::mem::replace(&mut self.leader, to.clone());
        if self.queue.len() >= QUEUE {
            let oldest = self
                .queue
                .iter()
                .position(|call| call.event == HookEvent::OnChange);
            if let Some(oldest) = oldest {
                self.queue.remove(oldest);
                self.left_out += 1;
            }
        }
        self.queue.push_back(Call {
            event: HookEvent::OnChange,
            mandate,
            from,
            to,
        });
    }
}

async fn ended(running: Option<&mut HookRun>) -> Outcome {
    match running {
        Some(running) => running.ended().await,
        None => std::future::pending().await,
    }
}

async fn next(events: Option<&mut broadcast::Receiver<Event>>) -> Result<Event, RecvError> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}
