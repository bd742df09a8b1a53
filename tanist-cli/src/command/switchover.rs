use std::time::Duration;

use tanist::{Directive, ErrorKind, NodeUntil, Snapshot, Store, View};

use super::following::Following;
use super::question::Question;
use super::turn::{Tenure, Turn};
use super::{look, runtime};
use crate::args::SwitchoverArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Overview, Place};
use crate::printer::{self, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};
use crate::span::Span;

/// Another node leads.
pub(super) fn main(layers: Layers<'_>, args: SwitchoverArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let printer = Printer::new(&args.speech);
    let election = args.election.one(layers)?;
    let timeout = args.timeout.unwrap_or(look::LONG);
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, Some(timeout), &args.place)?;
    let switch = Switch {
        store: look::open(&settings)?,
        settings,
        election,
        to: args.to,
        from: args.from,
    };
    let runtime = runtime()?;
    let plan = match runtime.block_on(switch.plan())? {
        Found::Leads(tenure) => return already(&switch.election, tenure, printer),
        Found::Plan(plan) => plan,
    };
    confirm(&switch, &plan, args.yes)?;
    runtime.block_on(switch.carry_out(plan, printer))
}

/// What was asked for.
struct Switch {
    store: Store,
    settings: QuerySettings,
    election: String,
    to: Option<String>,
    from: Option<String>,
}

/// What would be done.
#[derive(Clone, Debug)]
struct Plan {
    from: Tenure,
    to: String,
}

enum Found {
    /// That node leads already.
    Leads(Tenure),
    Plan(Plan),
}

impl Switch {
    async fn read(&self) -> Result<(Snapshot, Overview), Problem> {
        let timeout = self.settings.timeout.value;
        let snapshot = look::in_time(timeout, self.store.read(&self.election)).await?;
        let overview = Overview::read(&self.election, &snapshot, tanist::clock::now());
        Ok((snapshot, overview))
    }

    async fn plan(&self) -> Result<Found, Problem> {
        let (snapshot, overview) = self.read().await?;
        self.weigh(&snapshot.view, &overview, self.to.as_deref())
    }

    /// Whether it can be done as things stand.
    fn weigh(&self, view: &View, overview: &Overview, to: Option<&str>) -> Result<Found, Problem> {
        let from = look::tenure(overview, &self.settings)?;
        let leader = &from.leader.node;
        if let Some(expected) = self.from.as_ref().filter(|expected| *expected != leader) {
            return Err(self.refuse(
                "switchover::other-leader",
                format!("{expected} does not lead {}", self.election),
                format!("{} leads it in term {}", printable(leader), from.term),
            ));
        }
        if to == Some(leader) {
            return Ok(Found::Leads(from));
        }
        if let Some(until) = overview.paused_until {
            let problem = look::paused(&self.election, until);
            return Err(problem
                .next("nothing was changed")
                .next(format_args!("tanist resume -e {} ends it", self.election)));
        }
        let unix = tanist::clock::now().unix;
        let mut order = view.succession(unix).into_iter();
        let fits = |place: &Place, to: &str| place.node == to;
        let place_of = |entry: &str| overview.members.iter().find(|p| p.entry == entry);
        let able: Vec<&Place> = order
            .by_ref()
            .filter_map(|candidate| place_of(&candidate.entry.to_string()))
            .collect();
        let chosen = match to {
            Some(to) => able.iter().find(|place| fits(place, to)),
            None => able.first(),
        };
        let Some(chosen) = chosen else {
            return Err(self.unable(overview, to));
        };
        if outranked(chosen, &able) {
            return Err(self.refuse(
                "switchover::candidate-unhealthy",
                format!("{} is not a good candidate", printable(&chosen.node)),
                "its health is warning, and a healthy node would go first".to_owned(),
            ));
        }
        Ok(Found::Plan(Plan {
            from,
            to: chosen.node.clone(),
        }))
    }

    fn unable(&self, overview: &Overview, to: Option<&str>) -> Problem {
        let Some(to) = to else {
            return self.refuse(
                "switchover::no-candidate",
                format!("nobody else could lead {}", self.election),
                "no other node stands in the line, healthy and with a priority above 0".to_owned(),
            );
        };
        match overview.members.iter().find(|place| place.node == to) {
            Some(place) => self.refuse(
                "switchover::candidate-unable",
                format!("{to} cannot lead {}", self.election),
                place.bar(),
            ),
            None => self.refuse(
                "switchover::candidate-absent",
                format!("{to} does not stand in {}", self.election),
                match standbys(overview).as_slice() {
                    [] => "nobody stands by".to_owned(),
                    names => format!("these stand by: {}", names.join(", ")),
                },
            ),
        }
    }

    fn refuse(&self, slug: &'static str, what: String, why: String) -> Problem {
        Problem::new(Code::TempFail, slug, what)
            .because(why)
            .next("nothing was changed")
            .next(format_args!(
                "tanist status {} shows how things stand",
                self.election
            ))
    }

    /// Asks for it in the store and waits for what comes of it.
    async fn carry_out(&self, plan: Plan, printer: Printer) -> Result<Exit, Problem> {
        let mut following = Following::open(&self.settings, &self.election).await?;
        loop {
            // Between a question and its answer things may have changed.
            let (snapshot, overview) = self.read().await?;
            match self.weigh(&snapshot.view, &overview, Some(&plan.to))? {
                Found::Leads(tenure) => return already(&self.election, tenure, printer),
                Found::Plan(now) if now.from == plan.from => {}
                Found::Plan(now) => {
                    return Err(self.refuse(
                        "switchover::other-leader",
                        format!(
                            "{} leads {} no more in term {}",
                            plan.from.leader.node, self.election, plan.from.term
                        ),
                        format!("{} leads in term {}", now.from.leader.node, now.from.term),
                    ));
                }
            }
            let directive = Directive {
                successor: Some(self.successor(&plan.to)),
                ..snapshot.view.directive.clone()
            };
            // Guarded by what was just weighed: who leads by now, if it is another, is not told.
            match self
                .store
                .direct(&self.election, &snapshot, directive)
                .await
            {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Changed => {}
                Err(error) => return Err(error.into()),
            }
        }
        let turn = Turn::begin(&self.election, plan.from.clone(), printer)?;
        let outcome = outcome(&mut following, &plan).await;
        // Or else, that node would take over again from whoever succeeds it until the name expires.
        self.forget(&plan.to).await;
        let Some(after) = outcome? else {
            return Err(self.late(&plan));
        };
        turn.end(Some(&after))?;
        if after.leader.node == plan.to {
            return Ok(Exit::of(Code::Ok, "switched"));
        }
        Err(Problem::new(
            Code::TempFail,
            "switchover::another",
            format!("{} leads instead of {}", after.leader.node, plan.to),
        )
        .because("it could begin earlier, for example since the other was busy or has gone")
        .next(format_args!(
            "tanist status {} shows how things stand",
            self.election
        )))
    }

    /// Named for as long as we wait, and a second more: the clock of the store's value has no parts.
    fn successor(&self, node: &str) -> NodeUntil {
        let span = self.settings.timeout.value + Duration::from_secs(1);
        NodeUntil {
            node: node.to_owned(),
            until: tanist::clock::now().unix.saturating_add(span.as_secs()),
        }
    }

    /// Takes the name back, if it is still ours. It expires anyway, so failing is no failure.
    async fn forget(&self, node: &str) {
        while let Ok((snapshot, _)) = self.read().await {
            let named = snapshot.view.directive.successor.as_ref();
            if named.is_none_or(|named| named.node != node) {
                return;
            }
            let directive = Directive {
                successor: None,
                ..snapshot.view.directive.clone()
            };
            match self
                .store
                .direct(&self.election, &snapshot, directive)
                .await
            {
                Err(error) if error.kind() == ErrorKind::Changed => {}
                _ => return,
            }
        }
    }

    fn late(&self, plan: &Plan) -> Problem {
        Problem::new(
            Code::TempFail,
            "switchover::not-in-time",
            format!(
                "{} does not lead {} after {}",
                plan.to,
                self.election,
                Span(self.settings.timeout.value)
            ),
        )
        .because(format_args!(
            "{} was asked to stop, and may still be stopping its work",
            plan.from.leader.node
        ))
        .next("nothing more is tried; give it longer with --timeout")
        .next(format_args!(
            "see how it goes on: tanist watch {}",
            self.election
        ))
    }
}

/// Whether a healthier one would go first, whoever is named: that is how every node ranks.
fn outranked(chosen: &Place, able: &[&Place]) -> bool {
    able.iter().any(|place| place.health() < chosen.health())
}

/// Who leads after it; `None` if that is open when the time is over.
async fn outcome(following: &mut Following, plan: &Plan) -> Result<Option<Tenure>, Problem> {
    while let Some((overview, _)) = following.next().await? {
        if let Some(now) = Tenure::of(&overview).filter(|now| *now != plan.from) {
            return Ok(Some(now));
        }
    }
    Ok(None)
}

fn already(election: &str, tenure: Tenure, printer: Printer) -> Result<Exit, Problem> {
    Turn::begin(election, tenure.clone(), printer)?.end(Some(&tenure))?;
    Ok(Exit::of(Code::Ok, "leads-already"))
}

fn standbys(overview: &Overview) -> Vec<String> {
    let standbys = overview.members.iter().filter(|p| p.role == "standby");
    standbys.map(|place| printable(&place.node)).collect()
}

/// Asks a person at a terminal; anybody else has to say `--yes`.
fn confirm(switch: &Switch, plan: &Plan, yes: bool) -> Result<(), Problem> {
    let (from, to) = (printable(&plan.from.leader.node), printable(&plan.to));
    let election = &switch.election;
    let term = plan.from.term;
    Question {
        election,
        what: &format!(
            "{from} leads {election} in term {term}.\nThis stops its work on {from} and starts it on {to}."
        ),
        slug: "switchover::unconfirmed",
        command: &format!("tanist switchover -e {election} --to {to}"),
        grave: false,
    }
    .put(yes, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::tests::{seen, view};
    use tanist::core::Vacancy;
    use tanist::{Health, InstanceId, RecordState};

    #[test]
    fn who_is_less_healthy_than_another_cannot_be_named() {
        let line = [("a", 100), ("b", 100), ("c", 100)];
        let mut view = view(&line, RecordState::Leading, Vacancy::Held);
        let warned = view.members.get_mut(&InstanceId::new(2)).unwrap();
        warned.health = Health::Warning;
        let overview = seen(&view);
        let [_, b, c] = overview.members.as_slice() else {
            panic!("{overview:?}");
        };
        assert!(outranked(b, &[c, b]));
        assert!(!outranked(c, &[c, b]));
        assert!(!outranked(b, &[b]), "better than nobody");
    }
}
