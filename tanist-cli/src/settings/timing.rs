use tanist::{Timing, TimingError, TimingSettings};

use super::Layers;
use crate::args::TimingArgs;
use crate::problem::Problem;
use crate::span::Span;

/// The budget, or the number to change.
pub(crate) fn resolve(layers: Layers<'_>, args: &TimingArgs) -> Result<Timing, Problem> {
    let span = |given: Option<Span>| given.map(|Span(duration)| duration);
    let settings = TimingSettings {
        lease: span(args.lease),
        renew_every: span(args.renew_every),
        request_timeout: span(args.request_timeout),
        lost_stop_timeout: span(args.lost_stop_timeout),
        kill_time: span(args.kill_time),
        guard_delay: span(args.guard_delay),
        session_ttl: span(args.session_ttl),
        stop_timeout: span(args.stop_timeout),
    };
    Timing::new(settings).map_err(|error| {
        let mut problem =
            Problem::usage(slug(&error), "these timings cannot keep their promise").because(&error);
        for id in [
            "lease",
            "renew_every",
            "request_timeout",
            "lost_stop_timeout",
            "kill_time",
            "guard_delay",
            "session_ttl",
        ] {
            let source = layers.source(id);
            if source != super::Source::Default {
                problem =
                    problem.because(format_args!("{} comes from {source}", id.replace('_', "-")));
            }
        }
        problem.next("--lease alone derives all the others")
    })
}

const fn slug(error: &TimingError) -> &'static str {
    match error {
        TimingError::TooShort { .. } => "timing::too-short",
        TimingError::TooLong { .. } => "timing::too-long",
        TimingError::StopExceedsLease { .. } => "timing::stop-exceeds-lease",
        TimingError::OneLostRequest { .. } => "timing::one-lost-request",
    }
}
