use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use tanist::{RecordState, Transition};

use super::status::unwritten;
use super::{look, runtime};
use crate::args::HistoryArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Overview, State};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};
use crate::table::Table;

/// The latest changes of an election.
pub(super) fn main(layers: Layers<'_>, args: HistoryArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let election = args.election.one(layers)?;
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.answer.timeout, &args.answer.place)?;
    let snapshot = runtime()?.block_on(async {
        let store = look::open(&settings)?;
        look::in_time(settings.timeout.value, store.read(&election)).await
    })?;
    let overview = Overview::read(&election, &snapshot, tanist::clock::now());
    let all = snapshot.history;
    if all.is_empty() && overview.state == State::Unknown {
        return Err(look::unknown(&election, &settings));
    }
    let skipped = args.last.map_or(0, |last| all.len().saturating_sub(last));
    let text = text(&election, &all[skipped..], printer.form());
    printer.print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "history"))
}

fn text(election: &str, transitions: &[Transition], form: Form) -> String {
    match form {
        Form::Json => {
            let all: Vec<_> = transitions.iter().map(document).collect();
            let all = json!({ "v": 1, "election": election, "transitions": all });
            format!("{all}\n")
        }
        Form::Tsv => {
            let rows = transitions
                .iter()
                .map(|transition| cells(transition).join("\t"));
            let heading = "at\tterm\tnode\tstate\treason\tinstance".to_owned();
            let rows: Vec<String> = std::iter::once(heading).chain(rows).collect();
            format!("{}\n", rows.join("\n"))
        }
        Form::Plain => {
            let dash = |cell: String| {
                if cell.is_empty() {
                    "-".to_owned()
                } else {
                    cell
                }
            };
            let rows = transitions.iter().map(cells);
            let rows = rows.map(|[at, term, node, state, reason, _]| {
                [at, term, node, state, reason].map(dash).join(" ") + "\n"
            });
            rows.collect()
        }
        Form::Table => {
            let mut table = Table::new(["WHEN", "TERM", "NODE", "STATE", "REASON"]);
            for transition in transitions {
                let [_, term, node, state, reason, _] = cells(transition);
                table.row([local_time(transition.at), term, node, state, reason]);
            }
            table.to_string()
        }
    }
}

fn document(transition: &Transition) -> serde_json::Value {
    json!({
        "at": transition.at,
        "term": transition.term.number(),
        "node": transition.node,
        "instance": transition.instance.to_string(),
        "state": state_word(transition.state),
        "reason": transition.reason,
    })
}

fn cells(transition: &Transition) -> [String; 6] {
    [
        transition.at.to_string(),
        transition.term.number().to_string(),
        printable(&transition.node),
        state_word(transition.state).to_owned(),
        printable(&transition.reason),
        transition.instance.to_string(),
    ]
}

const fn state_word(state: RecordState) -> &'static str {
    match state {
        RecordState::Leading => "leading",
        RecordState::Waiting => "waiting",
        RecordState::Resigned => "resigned",
    }
}

/// A second since 1970 as a clock on the wall here shows it; as a number where it cannot.
fn local_time(at: u64) -> String {
    let stamp = i64::try_from(at)
        .ok()
        .and_then(|at| Timestamp::from_second(at).ok());
    match stamp {
        Some(stamp) => stamp
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        None => at.to_string(),
    }
}
