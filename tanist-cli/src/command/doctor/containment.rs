use super::report::Report;
use super::settings::Plan;
use crate::args::Contain;
use crate::guard;

const AREA: &str = "containment";

/// How the process tree would be held together.
pub(super) fn look(report: &mut Report, plan: &Plan) {
    let child = &plan.run.child;
    let required = child.require_cgroup.value;
    let cgroup = guard::cgroup_to_be_had();
    let pidns = guard::namespace_to_be_had();
    match (child.contain.value, &cgroup) {
        (Contain::Pidns, _) => {}
        (Contain::Auto | Contain::Cgroup, Ok(dir)) => {
            report.ok(AREA, format!("a control group below {}", dir.display()));
        }
        (Contain::Cgroup, Err(why)) => report.fail(AREA, format!("no control group: {why}")),
        (Contain::Auto, Err(why)) if required => {
            report.fail(AREA, format!("a control group is required: {why}"));
        }
        (Contain::Auto, Err(why)) => report.ok(
            AREA,
            format!(
                "auto would sweep: every descendant is found and killed; no control group: {why}"
            ),
        ),
        (Contain::Sweep, _) => report.ok(AREA, "sweep: every descendant is found and killed"),
    }
    match (child.contain.value, pidns) {
        (Contain::Pidns, Ok(())) => report.ok(AREA, "a PID namespace"),
        (Contain::Pidns, Err(why)) => report.fail(AREA, why),
        (_, Ok(())) => report.ok(
            AREA,
            "--contain pidns is to be had: it also covers supervisor and guard dying at once",
        ),
        (_, Err(_)) => report.ok(AREA, "--contain pidns is not to be had"),
    }
}
