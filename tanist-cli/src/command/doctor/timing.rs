use std::time::Duration;

use tanist::Timing;

use super::report::Report;
use super::settings::Plan;
use crate::span::Span;

const AREA: &str = "timing";

/// The deadlines of a leadership, with the numbers in force.
pub(super) fn look(report: &mut Report, plan: &Plan) {
    let timing = plan.timing();
    let lease = timing.lease();
    let term = lease.saturating_sub(timing.lost_stop());
    let kill = lease.saturating_sub(timing.kill_time() + timing.guard_delay());
    let spare = spare(timing);
    report.ok(
        AREA,
        format!(
            "lease {}: renewed every {}, a request has {}; a store that is away for {} changes \
             nothing",
            Span(lease),
            Span(timing.renew_every()),
            Span(timing.request_timeout()),
            Span(spare)
        ),
    );
    report.ok(
        AREA,
        format!(
            "after the last renewal that was answered: stop signal at {}, kill at {}, all gone by \
             {}; another may begin at {}",
            Span(term),
            Span(kill),
            Span(lease),
            Span(Timing::grace(lease))
        ),
    );
    let (planned, lost) = (timing.stop_timeout(), timing.lost_stop_timeout());
    let (planned, left) = (Span(planned), Span(lost));
    if planned.0 <= lost {
        report.ok(AREA, format!("the child has {planned} to stop, always"));
    } else if plan.stop_is_set {
        report.warn(
            AREA,
            format!(
                "stop-timeout {planned} > {left} that a lost lease leaves: on a lost lease the \
                 child gets {left}, then KILL; a lease of {} would leave it {planned}",
                Span(planned.0.mul_f64(8.0 / 3.0))
            ),
        );
    } else {
        report.ok(
            AREA,
            format!(
                "the child has {planned} to stop when it is planned, {left} when the lease is lost"
            ),
        );
    }
}

/// For how long the store may not answer: what is left of the lease before the stop signal, without
/// the renewal that was due and the request that is under way.
fn spare(timing: &Timing) -> Duration {
    let needed = timing.renew_every() * 2 + timing.request_timeout();
    timing
        .lease()
        .saturating_sub(timing.lost_stop())
        .saturating_sub(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_lease_rides_out_half_a_second() {
        let timing = Timing::from_lease(Timing::DEFAULT_LEASE).unwrap();
        assert_eq!(spare(&timing), Duration::from_millis(500));
    }
}
