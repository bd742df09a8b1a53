use std::time::Duration;

use tanist::{Leadership, Wait};

use super::next_guard::NextGuard;
use super::{Out, Supervisor, Told};
use crate::control::{Instruction, Request, Role};
use crate::exit::{Code, Exit};
use crate::guard::{Guard, GuardReport};
use crate::log::{Level, LogLine};
use crate::settings::Patience;
use crate::span::Span;

/// Within this span `--no-wait` has to find out whether anybody is in the way.
const AT_ONCE: Duration = Duration::from_secs(3);

/// How long a guard that is let go may take to end.
const FAREWELL: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Stands by until elected, or until there is an exit code.
    pub(super) async fn stand_by(&mut self, guard: &mut Guard) -> Result<Leadership, Exit> {
        let patience = self.settings.patience;
        let limit = match patience {
            Patience::Endless => None,
            Patience::None => Some(AT_ONCE),
            Patience::For(span) => Some(span),
        };
        let given_up = sleep_or_never(limit);
        tokio::pin!(given_up);
        let mut next_guard = NextGuard::new(self.seed);
        loop {
            let back = match self.out {
                Out::Until(at) => Some(at.since(tanist::clock::now().at)),
                Out::No | Out::Parked => None,
            };
            let Some(campaign) = &self.campaign else {
                return Err(Exit::of(Code::Ok, "stopped"));
            };
            tokio::select! {
                biased;
                told = self.signals.next() => {
                    if let Told::Stop(signal) = told {
                        return Err(self.stopped_standing_by(&signal.to_string()));
                    }
                }
                line = self.news.next() => self.log.say(line),
                report = guard.report(), if !next_guard.is_due() => {
                    self.guard_ended(&mut next_guard, &report);
                }
                () = next_guard.due() => self.replace_guard(&mut next_guard, guard).await?,
                lead = campaign.elected() => match lead {
                    Ok(lead) => {
                        if next_guard.is_due() {
                            self.replace_guard(&mut next_guard, guard).await?;
                        }
                        self.settings.patience = Patience::Endless;
                        return Ok(lead);
                    }
                    Err(error) => {
                        let text = error.to_string();
                        self.log.say(LogLine::new(Level::Error, "error", text));
                        return Err(Exit::of(Code::Software, "session-over"));
                    }
                },
                conflict = in_the_way(self.status.clone(), patience) => {
                    self.log.say(LogLine::info("conflict", conflict));
                    return Err(self.settings.conflict);
                }
                () = &mut given_up => return Err(self.out_of_patience()),
                () = sleep_or_never(back) => self.come_back(),
                heard = self.checks.next() => self.checked(heard),
                instruction = self.desk.next() => self.instructed(instruction),
            }
        }
    }

    fn stopped_standing_by(&self, signal: &str) -> Exit {
        self.log.say(LogLine::info("stopping", signal));
        if self.out == Out::Parked {
            Exit::of(Code::TempFail, "parked")
        } else {
            Exit::of(Code::Ok, "stopped")
        }
    }

    fn out_of_patience(&self) -> Exit {
        let status = self.status.borrow();
        if status.connected {
            self.settings.conflict
        } else {
            Exit::of(Code::Unavailable, "store-unreachable")
        }
    }

    fn come_back(&mut self) {
        self.out = Out::No;
        self.log
            .say(LogLine::info("rejoining", "the cooldown is over"));
        self.show_health();
    }

    /// A guard that ends before it was needed is replaced; nothing of the work was alive.
    fn guard_ended(&self, next: &mut NextGuard, report: &GuardReport) {
        if !matches!(report, GuardReport::Gone) {
            self.tell_trouble(report);
            return;
        }
        let text = match next.ended() {
            (wait, 1) => format!(
                "the guard has ended; another one is started in {}",
                Span(wait)
            ),
            (wait, times) => format!(
                "the guard has ended, {times} times in a row; the next one is started in {}, or \
                 when this node is elected",
                Span(wait)
            ),
        };
        self.log.say(LogLine::warn("guard", text));
    }

    async fn replace_guard(&self, next: &mut NextGuard, guard: &mut Guard) -> Result<(), Exit> {
        *guard = super::prepare(&self.spec).await.map_err(|problem| {
            self.log
                .say(LogLine::new(Level::Error, "error", problem.to_string()));
            problem.exit()
        })?;
        next.started();
        let line = LogLine::info("guard", "another guard stands ready");
        self.log.say(line.with("guard", guard.pid()));
        Ok(())
    }

    /// Lets a guard go that has nothing alive, and sees to it that it goes: one that is stopped would
    /// stay for ever.
    pub(super) async fn let_go(&self, guard: &mut Guard) {
        guard.dismiss();
        let gone = async { while guard.report().await != GuardReport::Gone {} };
        if tokio::time::timeout(FAREWELL, gone).await.is_err() {
            let text = "the guard does not answer; it has nothing alive, and is killed";
            self.log
                .say(LogLine::warn("silent", text).with("guard", guard.pid()));
            guard.kill();
            while guard.report().await != GuardReport::Gone {}
        }
    }

    /// Carries out what came through the control socket.
    pub(super) fn instructed(&mut self, instruction: Instruction) {
        let done = match instruction.request {
            Request::Resign => match &self.campaign {
                Some(campaign) => {
                    self.log
                        .say(LogLine::info("resign", "asked through the control socket"));
                    campaign.resign();
                    Ok(())
                }
                None => Err("this node is leaving the election".to_owned()),
            },
            Request::Status | Request::Term => Ok(()),
        };
        // The client may have gone.
        let _ = instruction.answer.send(done);
    }

    /// What the outside sees while we stand by.
    pub(super) fn show_standby(&mut self) {
        let role = if self.out == Out::Parked {
            Role::Failed
        } else {
            Role::Standby
        };
        self.desk.role(role);
        if let Out::Until(at) = self.out {
            let left = Span(at.since(tanist::clock::now().at));
            let text = format!("out of the election for {left}");
            self.log.say(LogLine::info("cooldown", text));
        }
    }
}

/// With `--no-wait`: why we are not elected at once. Otherwise it never answers.
async fn in_the_way(
    mut status: tokio::sync::watch::Receiver<tanist::Status>,
    patience: Patience,
) -> String {
    if patience != Patience::None {
        return std::future::pending().await;
    }
    let blocked = status.wait_for(|status| {
        let waiting = status.waiting.as_ref();
        // A node that is not well yet may still be in time.
        let own = |wait: &Wait| {
            matches!(
                wait,
                Wait::Disconnected | Wait::NotStanding | Wait::Unhealthy
            )
        };
        status.term.is_none() && waiting.is_some_and(|wait| !own(wait))
    });
    match blocked.await {
        Ok(status) => match &status.waiting {
            Some(Wait::Leader { node }) => format!("{node} leads"),
            Some(Wait::Foreign { label, .. }) => format!("{label} is in the way"),
            _ => "this node cannot lead now".to_owned(),
        },
        Err(_) => std::future::pending().await,
    }
}

async fn sleep_or_never(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}
