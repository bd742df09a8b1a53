use std::time::Duration;

use tanist::Leadership;

use super::Supervisor;
use super::tenure::Tenure;
use crate::exit::{Code, Exit};
use crate::guard::Guard;
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
            next.provide_release(&lead.release_bytes(), &self.hooks.along(false))
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
        self.attend(guard, tenure, tokio::time::sleep(after)).await;
    }
}
