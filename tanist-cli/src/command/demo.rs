use std::time::Duration;

use crate::args::DemoArgs;
use crate::demo::{Cast, Scene, Script};
use crate::exit::{Code, Exit};
use crate::printer::{self, Printer};
use crate::problem::Problem;
use crate::span::Span;

/// Real nodes take over from each other.
pub(super) fn main(args: &DemoArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let span = |given: Option<Span>, secs| {
        given.map_or_else(|| Duration::from_secs(secs), |Span(span)| span)
    };
    let script = Script {
        nodes: args.nodes.unwrap_or(3),
        span: span(args.span, 30),
        kill_every: span(args.kill_every, 5),
        // Which one does not matter, as long as it is told.
        seed: args.seed.unwrap_or_else(|| {
            let now = tanist::clock::now();
            now.unix ^ u64::from(now.at.since_origin().subsec_nanos())
        }),
    };
    check(&script)?;
    let scene = Scene::make(args.keep_history.as_deref())?;
    Cast::new(script, scene, Printer::new(&args.speech)).play()?;
    Ok(Exit::of(Code::Ok, "demo"))
}

fn check(script: &Script) -> Result<(), Problem> {
    /// A node is away for a moment, and has to be back.
    const SHORTEST: Duration = Duration::from_millis(500);
    if !(2..=9).contains(&script.nodes) {
        let what = format!("{} nodes cannot be shown", script.nodes);
        return Err(Problem::usage("demo::script", what)
            .next("2 to 9 can: one leads, and another takes over"));
    }
    if script.kill_every < SHORTEST {
        let what = format!(
            "a misfortune every {} is too often",
            Span(script.kill_every)
        );
        return Err(Problem::usage("demo::script", what)
            .next("from --kill-every 500ms a node that was killed is back for the next"));
    }
    if script.span.is_zero() || script.span > Duration::from_secs(24 * 3600) {
        let what = format!("a demo of {} cannot be shown", Span(script.span));
        return Err(Problem::usage("demo::script", what).next("up to a day can: --for 30s"));
    }
    Ok(())
}
