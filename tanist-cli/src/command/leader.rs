use serde_json::json;
use tanist::InstanceId;

use super::status::unwritten;
use super::{look, runtime};
use crate::args::LeaderArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Leader, Overview, State};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings, host_name};

/// Who leads, as one word.
pub(super) fn main(layers: Layers<'_>, args: LeaderArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let printer = Printer::new(&args.speech);
    let asked = vec![args.election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.timeout, args.place)?;
    let overview = runtime()?.block_on(async {
        let store = look::open(&settings)?;
        look::overview(&store, &settings, &args.election).await
    })?;
    if let State::Refused(why) = &overview.state {
        return Err(Problem::new(
            Code::Protocol,
            "election::refused",
            format!(
                "nobody can lead {} until a person has looked",
                args.election
            ),
        )
        .because(why));
    }
    if overview.state == State::Unknown {
        return Err(unknown(&args.election, &settings));
    }
    let Some(leader) = overview.leader() else {
        // Asked for an exit code, it says nothing.
        if args.is_me {
            return Ok(Exit::of(Code::NoLeader, "no-leader"));
        }
        return Err(nobody(&overview));
    };
    if args.is_me {
        let me = is_me(leader, args.node);
        return Ok(Exit::of(if me { Code::Ok } else { Code::No }, "is-me"));
    }
    let term = overview.term.unwrap_or_default();
    let text = if printer.form() == Form::Json {
        let answer = json!({
            "v": 1,
            "election": args.election,
            "node": leader.node,
            "instance": leader.instance.to_string(),
            "address": leader.address,
            "term": term,
        });
        answer.to_string()
    } else if args.address {
        printable(&leader.address)
    } else if args.term {
        term.to_string()
    } else {
        printable(&leader.node)
    };
    printer.print(&format!("{text}\n")).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "leader"))
}

fn unknown(election: &str, settings: &QuerySettings) -> Problem {
    Problem::new(
        Code::UnknownElection,
        "election::unknown",
        format!("nobody ever stood in an election {election:?}"),
    )
    .because(format_args!("looked in {}", settings.target.value))
    .next("tanist status lists the elections of a store; --store and --run-dir name another")
}

fn nobody(overview: &Overview) -> Problem {
    let election = &overview.election;
    let problem = Problem::new(
        Code::NoLeader,
        "election::no-leader",
        format!("nobody leads {election}"),
    );
    let problem = match overview.state.detail() {
        Some(detail) => problem.because(printable(&detail)),
        None => problem,
    };
    problem.next(format_args!("tanist status {election} shows who stands by"))
}

/// A child of tanist knows which instance it runs under, and that is the identity. Anybody else can
/// only ask by name.
fn is_me(leader: &Leader, node: Option<String>) -> bool {
    let instance = std::env::var("TANIST_INSTANCE").ok();
    match instance.as_deref().and_then(InstanceId::parse) {
        Some(instance) => leader.instance == instance,
        None => leader.node == node.unwrap_or_else(host_name),
    }
}
