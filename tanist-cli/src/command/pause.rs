use std::time::Duration;

use serde_json::json;
use tanist::{Directive, ErrorKind, Store};

use super::status::unwritten;
use super::{look, runtime};
use crate::args::{PauseArgs, ResumeArgs};
use crate::exit::{Code, Exit};
use crate::overview::{Overview, State};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};
use crate::span::Span;

/// How long a pause lasts where nobody says.
const PAUSE: Span = Span(Duration::from_secs(30 * 60));

/// Longer than any work takes, and short enough that one that is forgotten ends.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Nobody new leads for a while.
pub(super) fn pause(layers: Layers<'_>, args: PauseArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let election = args.election.one(layers)?;
    let span = args.span.unwrap_or(PAUSE);
    if span.0.is_zero() {
        return Err(
            Problem::usage("pause::span", "a pause of no length is none")
                .next(format_args!("to end one: tanist resume -e {election}")),
        );
    }
    if span.0 > LONGEST {
        return Err(
            Problem::usage("pause::span", "a pause lasts 30 days at most")
                .because("a pause always ends, also one that is forgotten")
                .next("--for 720h is the longest; it can be given again"),
        );
    }
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.answer.timeout, &args.answer.place)?;
    // The store counts in seconds; a pause is never shorter than asked for.
    let secs = span.0.as_secs() + u64::from(span.0.subsec_nanos() > 0);
    let until = tanist::clock::now().unix.saturating_add(secs);
    let overview = runtime()?.block_on(set(&settings, &election, Some(until)))?;
    let text = match (printer.form(), overview.leader()) {
        (Form::Json, _) => document(&election, Some(until)),
        (Form::Tsv, _) => format!("{election}\t{until}\n"),
        (_, Some(leader)) => format!(
            "{election} is paused for {span}: {} goes on, and nobody new leads\n",
            printable(&leader.node)
        ),
        (_, None) => format!("{election} is paused for {span}: nobody leads, and nobody will\n"),
    };
    printer.print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "paused"))
}

/// A pause ends.
pub(super) fn resume(layers: Layers<'_>, args: ResumeArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let election = args.election.one(layers)?;
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.answer.timeout, &args.answer.place)?;
    let overview = runtime()?.block_on(set(&settings, &election, None))?;
    let text = match (printer.form(), overview.paused_until) {
        (Form::Json, _) => document(&election, None),
        (Form::Tsv, _) => format!("{election}\t\n"),
        (_, Some(_)) => format!("{election} is paused no more\n"),
        (_, None) => format!("{election} was not paused\n"),
    };
    printer.print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "resumed"))
}

fn document(election: &str, until: Option<u64>) -> String {
    let text = json!({ "v": 1, "election": election, "paused_until": until });
    format!("{text}\n")
}

/// Writes the pause and nothing else; the election as it was before is returned.
async fn set(
    settings: &QuerySettings,
    election: &str,
    until: Option<u64>,
) -> Result<Overview, Problem> {
    let store = look::open(settings)?;
    look::in_time(settings.timeout.value, async {
        loop {
            match attempt(&store, settings, election, until).await {
                Err(Attempt::Changed) => {}
                Err(Attempt::Failed(problem)) => return Ok(Err(problem)),
                Ok(done) => return Ok(Ok(done)),
            }
        }
    })
    .await?
}

enum Attempt {
    /// Somebody wrote directive or record meanwhile. Only the pause is ours, so it is put over that.
    Changed,
    Failed(Problem),
}

async fn attempt(
    store: &Store,
    settings: &QuerySettings,
    election: &str,
    until: Option<u64>,
) -> Result<Overview, Attempt> {
    let failed = |error: tanist::Error| match error.kind() {
        ErrorKind::Changed => Attempt::Changed,
        _ => Attempt::Failed(error.into()),
    };
    let snapshot = store.read(election).await.map_err(failed)?;
    let overview = Overview::read(election, &snapshot, tanist::clock::now());
    if overview.state == State::Unknown {
        return Err(Attempt::Failed(look::unknown(election, settings)));
    }
    let before = &snapshot.view.directive;
    let directive = Directive {
        paused_until: until,
        ..before.clone()
    };
    if directive != *before {
        let written = store.direct(election, &snapshot, directive).await;
        written.map_err(failed)?;
    }
    Ok(overview)
}
