use serde_json::json;
use tanist::InstanceId;

use super::status::unwritten;
use super::{look, runtime};
use crate::args::LeaderArgs;
use crate::control;
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
    let settings = QuerySettings::resolve(layers, asked, args.timeout, &args.place)?;
    let runtime = runtime()?;
    let overview = runtime.block_on(async {
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
        let me = runtime.block_on(is_me(leader, &settings, &args));
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
    let problem = match overview.detail() {
        Some(detail) => problem.because(printable(&detail)),
        None => problem,
    };
    problem.next(format_args!("tanist status {election} shows who stands by"))
}

/// A child of tanist knows which instance it runs under, and that is the identity. Where a name is
/// given it is the name that is asked for. Anybody else means the machine: whether one of this
/// user's supervisors here is the leader, whatever it calls itself.
async fn is_me(leader: &Leader, settings: &QuerySettings, args: &LeaderArgs) -> bool {
    let instance = std::env::var("TANIST_INSTANCE").ok();
    if let Some(instance) = instance.as_deref().and_then(InstanceId::parse) {
        return leader.instance == instance;
    }
    if let Some(node) = &args.node {
        return leader.node == *node;
    }
    let here = match &settings.run_dir {
        Some(run_dir) => control::instances(run_dir, &args.election, settings.timeout.value).await,
        None => None,
    };
    match here {
        Some(instances) => instances.contains(&leader.instance),
        // Another user, or another run directory: all that is left is the name.
        None => leader.node == host_name(),
    }
}
