use std::time::Duration;

use super::following::Following;
use super::here::{self, Mine};
use super::{look, runtime};
use crate::args::{Awaited, WaitArgs};
use crate::exit::{Code, Exit};
use crate::overview::{Overview, State};
use crate::printer;
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};
use crate::span::Span;

/// How long to wait where nobody says.
const TIMEOUT: Span = Span(Duration::from_secs(60));

/// How often this machine's own tanists are asked again. They tell nobody when they begin to
/// answer, and the store does not know.
const AGAIN: Duration = Duration::from_millis(100);

/// Waits until something holds.
pub(super) fn main(layers: Layers<'_>, args: WaitArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let election = args.election.one(layers)?;
    let timeout = args.timeout.unwrap_or(TIMEOUT);
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, Some(timeout), &args.place)?;
    let awaiting = Awaiting {
        what: args.what,
        node: args.node,
        election,
        settings,
    };
    runtime()?.block_on(awaiting.run())
}

struct Awaiting {
    what: Awaited,
    node: Option<String>,
    election: String,
    settings: QuerySettings,
}

impl Awaiting {
    async fn run(&self) -> Result<Exit, Problem> {
        let mut following = Following::open(&self.settings, &self.election).await?;
        let mut last: Option<Overview> = None;
        loop {
            let asks_here = matches!(self.what, Awaited::Me | Awaited::Active)
                && last.as_ref().is_some_and(|last| last.leader().is_some());
            tokio::select! {
                biased;
                next = following.next() => match next? {
                    Some((overview, _)) => last = Some(overview),
                    None => return Err(self.late(last.as_ref())),
                },
                () = tokio::time::sleep(AGAIN), if asks_here => {}
            }
            let Some(overview) = &last else { continue };
            if let State::Refused(why, next) = &overview.state {
                return Err(look::refused(&self.election, why, next));
            }
            if self.holds(overview).await {
                return Ok(Exit::of(Code::Ok, "holds"));
            }
        }
    }

    async fn holds(&self, overview: &Overview) -> bool {
        let led = overview.code() == Code::Ok;
        match self.what {
            Awaited::Active => match overview.leader() {
                Some(_) if overview.is_starting() => false,
                Some(leader) => !here::is_starting(leader, &self.settings, &self.election).await,
                None => led,
            },
            Awaited::Standby => led && overview.members.iter().any(|place| place.next),
            Awaited::None => matches!(overview.state, State::Vacant | State::Unknown),
            Awaited::Me => match overview.leader() {
                Some(leader) => {
                    let node = self.node.as_deref();
                    here::is_me(leader, &self.settings, &self.election, node).await == Mine::Yes
                }
                None => false,
            },
        }
    }

    fn late(&self, last: Option<&Overview>) -> Problem {
        let leads = last.is_some_and(|last| last.leader().is_some());
        let what = match self.what {
            Awaited::Active if leads => "who leads has not said yet that its work serves",
            Awaited::Active => "nobody leads",
            Awaited::Me => "this node does not lead",
            Awaited::Standby => "nobody could take over",
            Awaited::None => "somebody still leads",
        };
        let span = Span(self.settings.timeout.value);
        let problem = Problem::new(
            Code::TempFail,
            "wait::not-in-time",
            format!("{what} in {} after {span}", self.election),
        );
        let problem = match last.map(|last| &last.state) {
            Some(State::Leading(leader)) => {
                problem.because(format_args!("{} leads", printer::printable(&leader.node)))
            }
            Some(State::Unknown) => problem.because("nobody ever stood in it"),
            Some(state) => match state.detail() {
                Some(detail) => problem.because(printer::printable(&detail)),
                None => problem,
            },
            None => problem,
        };
        problem.next(format_args!(
            "tanist status {} shows how things stand; --timeout waits longer",
            self.election
        ))
    }
}
