//! Carrying what the election wants.

use std::sync::Arc;

use tanist_core::{Commit, Defects, Input, Order, Output, Release, State};

use super::{Signal, World};
use crate::action::Sent;
use crate::happening::Happening;
use crate::node::{Claimed, Request, ToGuard};

/// More orders at one instant than any state of the core can mean.
const TOO_MANY: usize = 40;

impl World {
    /// Tells the core something within the present action.
    pub(super) fn tell(&mut self, node: usize, input: Input) {
        self.inputs.push_back((node, input));
    }

    pub(super) fn tell_now(&mut self, node: usize, input: Input) {
        let now = self.now(node);
        let mut outputs = Vec::new();
        if !self.nodes[node].supervises() {
            return;
        }
        let Some(supervisor) = &mut self.node(node).supervisor else {
            return;
        };
        supervisor.election.handle(now, input);
        loop {
            match supervisor.election.poll() {
                Output::WaitUntil(moment) => {
                    supervisor.wake = moment;
                    break;
                }
                output => outputs.push(output),
            }
        }
        self.told += 1;
        if outputs.len() > TOO_MANY || self.told > TOO_MANY {
            self.inputs.clear();
            self.happened(&Happening::Spun { node });
            return;
        }
        for output in outputs {
            match output {
                Output::Order(order) => self.carry(node, order),
                Output::Event(event) => self.note(node, || format!("says {event:?}")),
                Output::WaitUntil(_) => {}
            }
        }
        self.dismiss_if_over(node);
    }

    fn carry(&mut self, node: usize, order: Order) {
        match order {
            Order::Open => {
                if let Some(supervisor) = &mut self.node(node).supervisor {
                    supervisor.opening = true;
                }
                self.signal(Signal::Open { node });
            }
            Order::Look => {
                if let Some(supervisor) = &mut self.node(node).supervisor {
                    supervisor.looks = true;
                }
                self.signal(Signal::Look { node });
            }
            Order::Watch(focus) => {
                if let Some(supervisor) = &mut self.node(node).supervisor {
                    supervisor.focus = Some(focus);
                }
            }
            Order::Commit { ask, commit } => self.send(node, ask, commit),
            Order::Close => {
                if let Some(supervisor) = &mut self.node(node).supervisor {
                    supervisor.open = false;
                    supervisor.opening = false;
                    supervisor.link = None;
                }
            }
            Order::Remember(memory) => self.node(node).memory = memory,
            Order::Begin(beginning) => {
                self.note(node, || format!("begins term {}", beginning.term));
                self.happened(&Happening::Ordered {
                    node,
                    beginning: &beginning,
                });
                let safe_until = beginning.safe_until;
                let limit = self.proven_until(node).unwrap_or(safe_until);
                self.prepare_guard(node);
                self.order(node, ToGuard::Begin { safe_until, limit });
            }
            Order::Until { safe_until } => {
                self.note(node, || format!("moves the deadline to {safe_until}"));
                self.order(node, ToGuard::Until { safe_until });
            }
            Order::End { cause, grace } => {
                self.note(node, || format!("ends the work: {}", cause.word()));
                self.order(node, ToGuard::End { grace });
            }
        }
    }

    fn send(&mut self, node: usize, ask: tanist_core::Ask, commit: Commit) {
        self.happened(&Happening::Asked {
            node,
            commit: &commit,
        });
        self.note(node, || format!("asks {}: {}", ask.id, brief(&commit)));
        let sent_at = self.now(node);
        let defects = self.setup.defects;
        let connected = self.nodes[node].link().is_some();
        let knew = self.nodes[node].memory.highest_term;
        let Some(supervisor) = &mut self.node(node).supervisor else {
            return;
        };
        let instance = supervisor.instance;
        if !connected {
            let outcome = tanist_core::Outcome::NotSent;
            self.tell(
                node,
                Input::Fact(tanist_core::Fact::Answered { ask, outcome }),
            );
            return;
        }
        if let Commit::Claim { record, .. } = &commit {
            let claim = Claimed {
                term: record.term,
                knew,
                unix: sent_at.unix,
            };
            let release = release_for(&commit, instance, defects);
            self.prepare_guard(node);
            if let Some(release) = release {
                self.order(node, ToGuard::Release { release, claim });
            }
        }
        let request = Request {
            instance,
            ask,
            sent: sent_at.at,
            commit: Arc::new(commit),
            copy: false,
            late: false,
        };
        self.node(node).requests.push(request);
        self.signal(Signal::Sent {
            node,
            sent: Sent {
                instance,
                id: ask.id,
            },
        });
    }

    /// A guard whose work is over is dismissed once the supervisor needs it no more.
    fn dismiss_if_over(&mut self, node: usize) {
        let Some(supervisor) = &self.nodes[node].supervisor else {
            return;
        };
        let idle = match supervisor.election.state() {
            State::Detached | State::Standby | State::Closed => true,
            State::Elect(_) | State::Leading(_) | State::Yielding(_) => false,
        };
        if idle {
            self.dismiss(node);
        }
    }
}

fn release_for(
    commit: &Commit,
    instance: tanist_core::InstanceId,
    defects: Defects,
) -> Option<Release> {
    let Commit::Claim { entry, record, .. } = commit else {
        return None;
    };
    Some(Release::new(entry.clone(), instance, record.term, defects))
}

fn brief(commit: &Commit) -> String {
    match commit {
        Commit::Found { .. } => "found the election".to_owned(),
        Commit::Stand { .. } => "stand".to_owned(),
        Commit::Publish { .. } => "publish".to_owned(),
        Commit::Claim {
            record, over, beat, ..
        } => format!(
            "claim term {} as {:?}, over record {} and beat {}",
            record.term,
            record.state,
            over.map_or(0, |stamp| stamp.version),
            beat.map_or(0, |stamp| stamp.version)
        ),
        Commit::Renew { record, beat, .. } => {
            format!("renew over record {}, {beat:?}", record.version)
        }
        Commit::Lead { over, .. } => format!("lead over record {}", over.version),
        Commit::Withdraw { over, .. } => format!("withdraw over record {}", over.version),
        Commit::Leave { entry } => format!("leave {entry}"),
    }
}
