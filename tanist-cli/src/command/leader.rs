use serde_json::json;

use super::here::{self, Mine};
use super::status::unwritten;
use super::{look, runtime};
use crate::args::LeaderArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Leader, State};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};

/// Who leads, as one word.
pub(super) fn main(layers: Layers<'_>, args: LeaderArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let election = args.election.one(layers)?;
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.answer.timeout, &args.answer.place)?;
    let runtime = runtime()?;
    let overview = runtime.block_on(async {
        let store = look::open(&settings)?;
        look::overview(&store, &settings, &election).await
    })?;
    if let State::Refused(why, next) = &overview.state {
        return Err(look::refused(&election, why, next));
    }
    if overview.state == State::Unknown {
        return Err(look::unknown(&election, &settings));
    }
    let Some(leader) = overview.leader() else {
        // Asked for an exit code, it says nothing.
        if args.is_me {
            return Ok(Exit::of(Code::NoLeader, "no-leader"));
        }
        return Err(look::nobody(&overview));
    };
    if args.is_me {
        let node = args.node.as_deref();
        let me = runtime.block_on(here::is_me(leader, &settings, &election, node));
        if me == Mine::Starting {
            let node = printable(&leader.node);
            super::warn(&format!(
                "{node} leads, but its child has not said yet that it serves"
            ));
        }
        let code = if me == Mine::Yes { Code::Ok } else { Code::No };
        return Ok(Exit::of(code, "is-me"));
    }
    let term = overview.term.unwrap_or_default();
    let text = if printer.form() == Form::Json {
        let answer = json!({
            "v": 1,
            "election": election,
            "node": leader.node,
            "instance": leader.instance.to_string(),
            "address": leader.advertised(),
            "term": term,
        });
        answer.to_string()
    } else if args.address {
        printable(
            leader
                .advertised()
                .ok_or_else(|| no_address(&election, leader))?,
        )
    } else if args.term {
        term.to_string()
    } else {
        printable(&leader.node)
    };
    printer.print(&format!("{text}\n")).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "leader"))
}

fn no_address(election: &str, leader: &Leader) -> Problem {
    let node = printable(&leader.node);
    Problem::new(
        Code::No,
        "leader::no-address",
        format!("{node} leads {election} and advertises no address"),
    )
    .next("give it one: tanist run --address HOST:PORT, on every node of the election")
}
