use std::time::Duration;

use tanist::Leadership;

use super::tenure::{Tenure, Word};
use super::{Supervisor, Told};
use crate::exit::{Code, Exit};
use crate::guard::{Guard, GuardReport};
use crate::log::{Level, LogLine};
use crate::span::Span;

impl Supervisor {
    /// Waits before a restart, still leading, with the next guard ready to release.
    pub(super) async fn get_ready_again(
        &mut self,
        lead: &Leadership,
        guard: &mut Guard,
        tenure: &mut Tenure,
        after: Duration,
        attempt: u32,
    ) {
        let text = format!("number {attempt} in a row, in {}", Span(after));
        self.log
            .say(LogLine::info("restart", text).with("attempt", attempt));
        let next = super::prepare(&self.spec)
            .await
            .map_err(|problem| (problem.to_string(), problem.exit()));
        let ready = next.and_then(|mut next| {
            next.provide_release(&lead.release_bytes())
                .map_err(|error| (error.to_string(), Exit::of(Code::OsError, "guard-unusable")))?;
            Ok(next)
        });
        match ready {
            // The old one goes only now: never without a guard that would release if we died.
            Ok(next) => std::mem::replace(guard, next).dismiss(),
            Err((why, exit)) => {
                self.log.say(LogLine::new(Level::Error, "error", why));
                tenure.failed = Some(exit);
                return;
            }
        }
        self.wait_to_restart(guard, tenure, after).await;
    }

    async fn wait_to_restart(&mut self, guard: &mut Guard, tenure: &mut Tenure, after: Duration) {
        let waited = tokio::time::sleep(after);
        tokio::pin!(waited);
        while tenure.goes_on() {
            tokio::select! {
                biased;
                word = tenure.word() => if let Word::End(ending) = word {
                    tenure.ends = true;
                    tenure.lost |= ending.is_none_or(|ending| !ending.cause.is_planned());
                },
                told = self.signals.next() => if let Told::Stop(signal) = told {
                    self.stop(signal, tenure);
                },
                report = guard.report() => if report == GuardReport::Gone {
                    tenure.guard_lost = true;
                    tenure.ends = true;
                } else {
                    self.tell_trouble(&report);
                },
                line = self.news.next() => self.log.say(line),
                heard = self.checks.next() => self.checked(heard),
                instruction = self.desk.next() => self.instructed(instruction),
                () = &mut waited => return,
            }
        }
    }
}
