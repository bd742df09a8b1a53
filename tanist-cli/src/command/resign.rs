use std::time::Duration;

use tanist::core::Candidate;
use tanist::{InstanceId, View};

use super::following::Following;
use super::here;
use super::turn::{Tenure, Turn};
use super::{look, runtime};
use crate::args::ResignArgs;
use crate::control::{self, Local};
use crate::exit::{Code, Exit};
use crate::overview::Overview;
use crate::printer::{self, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};
use crate::span::Span;

/// The leader of this machine lets another lead.
pub(super) fn main(layers: Layers<'_>, args: ResignArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let printer = Printer::new(&args.speech);
    let election = args.election.one(layers)?;
    let timeout = args.timeout.unwrap_or(look::LONG);
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, Some(timeout), &args.place)?;
    let node = args.node.as_deref();
    runtime()?.block_on(resign(&settings, &election, node, printer))
}

async fn resign(
    settings: &QuerySettings,
    election: &str,
    node: Option<&str>,
    printer: Printer,
) -> Result<Exit, Problem> {
    let mut following = Following::open(settings, election).await?;
    let Some((overview, _)) = following.next().await? else {
        return Err(look::no_answer(settings.timeout.value));
    };
    let before = look::tenure(&overview, settings)?;
    let local = find(&before, settings, election, node).await?;
    if let Some(until) = overview.paused_until {
        return Err(look::paused(election, until).next(format_args!(
            "nobody would take over from {}; end the pause first: tanist resume -e {election}",
            before.leader.node
        )));
    }
    let turn = Turn::begin(election, before.clone(), printer)?;
    let heard = control::resign(&local.socket, here::HEARING).await;
    heard.map_err(|why| unheard(&local, &why))?;
    while let Some((overview, view)) = following.next().await? {
        if let Some(after) = outcome(&overview, &view, &before) {
            if let (None, Some(lease)) = (&after, overview.lease_ms) {
                tell_nobody(&before, Duration::from_millis(lease));
            }
            turn.end(after.as_ref())?;
            return Ok(Exit::of(Code::Ok, "resigned"));
        }
    }
    let Span(span) = Span(settings.timeout.value);
    Err(Problem::new(
        Code::TempFail,
        "resign::not-in-time",
        format!("nobody else leads {election} after {}", Span(span)),
    )
    .because(format_args!(
        "{} was told to resign, and may still be stopping its work",
        before.leader.node
    ))
    .next(format_args!("see how it goes on: tanist watch {election}")))
}

/// Who leads instead, `Some(None)` if nobody could; `None` as long as that is open.
fn outcome(overview: &Overview, view: &View, before: &Tenure) -> Option<Option<Tenure>> {
    if let Some(now) = Tenure::of(overview) {
        return (now != *before).then_some(Some(now));
    }
    // Who only stands aside comes back.
    let could_lead = |instance: InstanceId| {
        let member = view.members.get(&instance);
        member.is_none_or(|member| member.priority > 0 && member.health.may_lead())
    };
    let mut others = view.line.iter().filter_map(Candidate::instance);
    let open = others.any(|other| other != before.leader.instance && could_lead(other));
    (!open).then_some(None)
}

/// The leader's supervisor, if it is of this machine and user.
async fn find(
    before: &Tenure,
    settings: &QuerySettings,
    election: &str,
    node: Option<&str>,
) -> Result<Local, Problem> {
    let leader = &before.leader;
    let refused = |slug, what: String| {
        Problem::new(Code::No, slug, what).next(format_args!(
            "to hand it over from any machine: tanist switchover -e {election}"
        ))
    };
    if let Some(node) = node.filter(|node| *node != leader.node) {
        let what = format!("{node} does not lead {election}");
        return Err(refused("resign::not-leader", what)
            .because(format_args!("{} leads it", printable(&leader.node))));
    }
    let here = here::supervisors(settings, election)
        .await
        .unwrap_or_default();
    let found = here.into_iter().find(|l| l.instance == leader.instance);
    found.ok_or_else(|| {
        let what = format!(
            "{} leads {election}, but not from here",
            printable(&leader.node)
        );
        let looked = match &settings.run_dir {
            Some(dir) => format!("no control socket in {} answers for it", dir.display()),
            None => "there is no run directory to look for its control socket".to_owned(),
        };
        refused("resign::not-here", what)
            .because(looked)
            .next("give the command on its machine, as its user and with its --run-dir")
    })
}

fn unheard(local: &Local, why: &str) -> Problem {
    Problem::new(
        Code::TempFail,
        "resign::refused",
        "the leader's tanist did not take it",
    )
    .because(format_args!("{}: {why}", local.socket.display()))
    .next("nothing was changed, as far as can be seen from here; look and try again")
}

/// Where nobody else stands, the service is down for a while; that must not be a surprise.
fn tell_nobody(before: &Tenure, lease: Duration) {
    super::warn(&format!(
        "nobody else could lead; {} leads again in up to {}",
        printable(&before.leader.node),
        Span(tanist::Timing::grace(lease) * 2)
    ));
}
