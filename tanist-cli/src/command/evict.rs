use serde_json::json;
use tanist::{EntryId, ErrorKind, Store};

use super::question::Question;
use super::status::unwritten;
use super::{look, runtime};
use crate::args::EvictArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Overview, Place, State};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};

/// Takes an entry out of the line.
pub(super) fn main(layers: Layers<'_>, args: EvictArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let election = args.election;
    let entry = parse(&args.entry)?;
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.answer.timeout, &args.answer.place)?;
    let store = look::open(&settings)?;
    let runtime = runtime()?;
    let overview = runtime.block_on(look::overview(&store, &settings, &election))?;
    let place = find(&overview, &settings, &entry)?;
    let fate = fate(&election, &place);
    Question {
        election: &election,
        what: &format!("This takes {entry} out of the line. {fate}"),
        slug: "evict::unconfirmed",
        command: &format!("tanist evict -e {election} '{entry}'"),
        grave: place.role != "standby" || waits(&overview, &place),
    }
    .put(args.confirm.yes, args.confirm.confirm.as_deref())?;
    runtime.block_on(evict(&store, &settings, &election, &entry))?;
    let node = printable(&place.node);
    let text = match printer.form() {
        Form::Json => {
            let document = json!({
                "v": 1,
                "election": election,
                "entry": entry.to_string(),
                "node": place.node,
                "instance": place.instance.map(|instance| instance.to_string()),
                "role": place.role,
            });
            format!("{document}\n")
        }
        Form::Tsv => format!("{election}\t{entry}\t{node}\t{}\n", place.role),
        Form::Plain | Form::Table => format!("{entry} is out of the line. {fate}\n"),
    };
    printer.print(&text).map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "evicted"))
}

/// Whether it has shut out its predecessor and leads when that one's lease is over.
fn waits(overview: &Overview, place: &Place) -> bool {
    matches!(&overview.state, State::Waiting(next) if Some(next.instance) == place.instance)
}

/// `KEY@CREATED`.
fn parse(text: &str) -> Result<EntryId, Problem> {
    let parsed = text.rsplit_once('@').and_then(|(key, created)| {
        Some(EntryId {
            key: Some(key).filter(|key| !key.is_empty())?.to_owned(),
            created: created.parse().ok()?,
        })
    });
    parsed.ok_or_else(|| {
        Problem::usage("evict::entry", format!("{text:?} names no entry"))
            .because("an entry is KEY@CREATED: a key alone may be another's by now")
            .next("tanist status ELECTION -v shows it, and so does -o json")
    })
}

/// The place of this entry.
fn find(overview: &Overview, settings: &QuerySettings, entry: &EntryId) -> Result<Place, Problem> {
    let election = &overview.election;
    if overview.state == State::Unknown {
        return Err(look::unknown(election, settings));
    }
    let named = entry.to_string();
    if let Some(place) = overview.members.iter().find(|place| place.entry == named) {
        return Ok(place.clone());
    }
    let key = format!("{}@", entry.key);
    let same = overview
        .members
        .iter()
        .find(|place| place.entry.starts_with(&key));
    let see = format!("see who stands: tanist status {election} -v");
    Err(match same {
        Some(other) => {
            let what = format!("{named} has gone, and {} is another", other.entry);
            Problem::new(Code::TempFail, "evict::changed", what)
                .because(format_args!(
                    "{} has stood anew since, so what was wrong with it may be over",
                    printable(&other.node)
                ))
                .next("nothing was changed")
                .next(see)
        }
        None => {
            let what = format!("{named} does not stand in {election}");
            Problem::new(Code::TempFail, "evict::gone", what)
                .because("it never did, or it is gone already: the store removes what a dead process leaves")
                .next("nothing was changed")
                .next(see)
        }
    })
}

/// What becomes of whose entry it is.
fn fate(election: &str, place: &Place) -> String {
    let node = printable(&place.node);
    match place.role {
        "leader" => format!(
            "{node} leads {election}: if it lives, it stops its work now and stands anew, last; if \
             it is frozen, another begins when its lock or its lease is over, not before."
        ),
        "foreign" => format!(
            "{node} is no tanist and leads by its own rules: whether it notices is its affair, so \
             make sure that it does not work."
        ),
        _ => format!(
            "If {node} lives, it notices and stands anew, last in the line; if it is frozen, it \
             does so when it goes on."
        ),
    }
}

async fn evict(
    store: &Store,
    settings: &QuerySettings,
    election: &str,
    entry: &EntryId,
) -> Result<(), Problem> {
    let timeout = settings.timeout.value;
    let evicted = tokio::time::timeout(timeout, store.evict(election, entry.clone())).await;
    match evicted {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) if error.kind() == ErrorKind::Changed => {}
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Err(look::no_answer(timeout)),
    }
    // Gone in the last moment, or nothing that the store could delete.
    let overview = look::overview(store, settings, election).await?;
    let place = find(&overview, settings, entry)?;
    let what = format!("the store cannot take {entry} out of the line");
    Err(Problem::new(Code::TempFail, "evict::held", what)
        .because(format_args!(
            "it is no entry but a lock, held by {}",
            printable(&place.node)
        ))
        .next("it ends with that process: end it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_key_and_its_creation() {
        let entry = parse("a/b@c@42").unwrap();
        assert_eq!((entry.key.as_str(), entry.created), ("a/b@c", 42));
        for text in ["", "a", "@1", "a@", "a@b", "a@-1"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
