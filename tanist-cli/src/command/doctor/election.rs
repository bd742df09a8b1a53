use std::time::Duration;

use tanist::core::{Memory, Vacancy};
use tanist::{Fault, Store, remembered};

use super::report::Report;
use super::settings::Plan;
use crate::command::look::in_time;
use crate::overview::{Overview, State};
use crate::problem::Problem;
use crate::span::Span;

const AREA: &str = "election";

/// How the election stands, or every one that the store has.
pub(super) async fn look(report: &mut Report, plan: &Plan, store: &Store, named: Option<&str>) {
    let all = match named {
        Some(name) => Ok(vec![name.to_owned()]),
        None => in_time(plan.timeout, store.elections()).await,
    };
    match all {
        Ok(all) => {
            for election in all {
                if let Err(problem) = one(report, plan, store, &election).await {
                    report.fail(AREA, format!("{election}: {problem}"));
                }
            }
        }
        Err(problem) => report.fail(AREA, problem.to_string()),
    }
}

async fn one(
    report: &mut Report,
    plan: &Plan,
    store: &Store,
    election: &str,
) -> Result<(), Problem> {
    let snapshot = in_time(plan.timeout, store.read(election)).await?;
    let now = tanist::clock::now();
    let overview = Overview::read(election, &snapshot, now);
    who_leads(report, &overview, snapshot.view.vacancy);
    if let Some(until) = overview.paused_until {
        let left = Span(Duration::from_secs(until.saturating_sub(now.unix)));
        report.warn(
            AREA,
            format!("{election} is paused for {left} more: a leader that fails is not succeeded"),
        );
    }
    for node in overview.parked() {
        report.warn(
            AREA,
            format!(
                "{election}: {node} is parked, its child failed too often; start tanist there anew"
            ),
        );
    }
    for damage in in_time(plan.timeout, store.damage(election)).await? {
        let how = match damage.fault {
            Fault::Garbage { .. } => format!("tanist repair -e {election}"),
            Fault::Newer { .. } => "use that version".to_owned(),
        };
        report.fail(
            AREA,
            format!(
                "{election}: the {} in {} cannot be read: {}; {how}",
                damage.part, damage.path, damage.fault
            ),
        );
    }
    remembers(report, plan, &overview);
    Ok(())
}

fn who_leads(report: &mut Report, overview: &Overview, vacancy: Vacancy) {
    let election = &overview.election;
    let standbys = overview
        .members
        .iter()
        .filter(|place| place.role == "standby")
        .count();
    let next = overview.members.iter().find(|place| place.next);
    let term = overview.term.unwrap_or_default();
    let standing = match standbys {
        1 => "1 stands".to_owned(),
        more => format!("{more} stand"),
    };
    match &overview.state {
        State::Leading(leader) => {
            let node = &leader.node;
            match next {
                Some(next) => report.ok(
                    AREA,
                    format!(
                        "{election}: {node} leads in term {term}, {standing} by, {} is next",
                        next.node
                    ),
                ),
                None => report.warn(
                    AREA,
                    format!("{election}: {node} leads in term {term}, and nobody could take over"),
                ),
            }
        }
        State::Waiting(leader) => report.warn(
            AREA,
            format!(
                "{election}: {} waits until its predecessor's lease is over",
                leader.node
            ),
        ),
        State::Foreign(label) => report.warn(
            AREA,
            format!("{election} is held by {label}: another client of the same lock"),
        ),
        State::Lapsed(..) | State::Lingering(..) => report.fail(
            AREA,
            format!("{election}: {}", overview.detail().unwrap_or_default()),
        ),
        State::Vacant => {
            let why = overview
                .detail()
                .map_or_else(String::new, |why| format!("; {why}"));
            let held = if vacancy == Vacancy::ByLease {
                "; the last leader's lease may not be over"
            } else {
                ""
            };
            report.warn(
                AREA,
                format!("nobody leads {election}, {standing} by{held}{why}"),
            );
        }
        // Told with its path, as damage.
        State::Refused(..) => {}
        State::Unknown => report.ok(AREA, format!("nobody ever stood in {election}")),
    }
}

/// A machine that has seen a higher term than the store knows looks at a store that went back.
fn remembers(report: &mut Report, plan: &Plan, overview: &Overview) {
    let election = &overview.election;
    let Some(dir) = &plan.run.place.state_dir.value else {
        return;
    };
    match remembered(dir, election) {
        Ok(Memory { highest_term, .. }) => {
            let seen = highest_term.number();
            if overview.term.is_some_and(|term| term < seen) {
                report.warn(
                    AREA,
                    format!(
                        "{election}: this machine has seen term {seen}, and the store says {}: it \
                         went back; the next leader waits its lease out, and goes on above {seen}",
                        overview.term.unwrap_or_default()
                    ),
                );
            }
        }
        Err(error) => report.fail("files", error.to_string()),
    }
}
