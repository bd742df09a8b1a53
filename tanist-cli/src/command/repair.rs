use serde_json::{Value, json};
use tanist::core::{Memory, Vacancy};
use tanist::{Damage, Fault, Part, Snapshot, Store, Term, remembered};

use super::question::Question;
use super::status::unwritten;
use super::{look, runtime};
use crate::args::RepairArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Overview, State};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings, state_dir};

/// So much of what cannot be read is shown; all of it is kept.
const SHOWN: usize = 1024;

/// Puts something readable in the place of what cannot be read.
pub(super) fn main(layers: Layers<'_>, args: RepairArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let election = args.election.one(layers)?;
    let asked = vec![election.clone()];
    let settings = QuerySettings::resolve(layers, asked, args.answer.timeout, &args.answer.place)?;
    let memory = match state_dir(args.state_dir.as_deref())? {
        Some(dir) => remembered(&dir, &election)?,
        None => Memory::default(),
    };
    let store = look::open(&settings)?;
    let runtime = runtime()?;
    let (damage, snapshot) = runtime.block_on(find(&store, &settings, &election))?;
    if let Some(newer) = damage
        .iter()
        .find(|one| matches!(one.fault, Fault::Newer { .. }))
    {
        return Err(is_newer(&election, newer));
    }
    if damage.is_empty() {
        let text = match printer.form() {
            Form::Json => document(&election, &[], None),
            Form::Tsv => String::new(),
            Form::Plain | Form::Table => format!("nothing of {election} needs a repair\n"),
        };
        printer.print(&text).map_err(unwritten)?;
        return Ok(Exit::of(Code::Ok, "nothing-to-repair"));
    }
    if matches!(printer.form(), Form::Plain | Form::Table) {
        let shown: String = damage.iter().map(shown).collect();
        printer.print(&shown).map_err(unwritten)?;
    }
    let vacates = damage.iter().any(|one| one.part == Part::Record);
    let grave = vacates && snapshot.view.vacancy != Vacancy::Free;
    Question {
        election: &election,
        what: &warning(&election, &snapshot, &damage, grave),
        slug: "repair::unconfirmed",
        command: &format!("tanist repair -e {election}"),
        grave,
    }
    .put(args.confirm.yes, args.confirm.confirm.as_deref())?;
    let term = runtime.block_on(mend(&store, &settings, &election, &damage, memory))?;
    printer
        .print(&done(printer.form(), &election, &damage, term))
        .map_err(unwritten)?;
    Ok(Exit::of(Code::Ok, "repaired"))
}

async fn find(
    store: &Store,
    settings: &QuerySettings,
    election: &str,
) -> Result<(Vec<Damage>, Snapshot), Problem> {
    look::in_time(settings.timeout.value, async {
        let damage = store.damage(election).await?;
        let snapshot = store.read(election).await?;
        let overview = Overview::of(election, &snapshot.view, 0);
        if damage.is_empty() && overview.state == State::Unknown {
            return Ok(Err(look::unknown(election, settings)));
        }
        Ok(Ok((damage, snapshot)))
    })
    .await?
}

async fn mend(
    store: &Store,
    settings: &QuerySettings,
    election: &str,
    damage: &[Damage],
    memory: Memory,
) -> Result<Option<Term>, Problem> {
    look::in_time(settings.timeout.value, async {
        let mut term = None;
        for one in damage {
            term = store.repair(election, one, memory).await?.or(term);
        }
        Ok(term)
    })
    .await
}

fn is_newer(election: &str, damage: &Damage) -> Problem {
    let what = format!("the {} of {election} is of a later tanist", damage.part);
    Problem::new(Code::Protocol, "repair::newer", what)
        .because(&damage.fault)
        .because(format_args!("it is in {}", damage.path))
        .next("nothing was changed: nothing of a later version is ever overwritten")
        .next("use that version here as well")
}

fn warning(election: &str, snapshot: &Snapshot, damage: &[Damage], grave: bool) -> String {
    let parts: Vec<_> = damage.iter().map(|one| one.part.word()).collect();
    let parts = parts.join(" and ");
    let mut text = format!("This writes a new {parts} for {election}.");
    if !damage.iter().any(|one| one.part == Part::Record) {
        text.push_str(" Who leads goes on leading.");
        return text;
    }
    text.push_str(" The record will say that nobody leads, and the next in line begins.");
    if grave {
        let holder = snapshot
            .view
            .line
            .iter()
            .find_map(|candidate| match &candidate.owner {
                tanist::core::Owner::Foreign { label, .. } => Some(printable(label)),
                tanist::core::Owner::Instance(_) => None,
            });
        let who = holder.unwrap_or_else(|| "somebody".to_owned());
        text.push_str(&format!(
            "\nBut {who} may be at work under the old one: go on only if no copy of the work is \
             left, or two may run."
        ));
    }
    text
}

/// What is wrong with it, for people.
fn shown(damage: &Damage) -> String {
    let (bytes, rest) = damage.bytes.split_at(damage.bytes.len().min(SHOWN));
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(|line| format!("  {}\n", printable(line)));
    let lines: String = lines.collect();
    let more = match rest.len() {
        0 => String::new(),
        more => format!("  ... and {more} bytes more\n"),
    };
    format!(
        "{} cannot be read: {}\n{}, {} bytes:\n{lines}{more}",
        damage.part,
        damage.fault,
        damage.path,
        damage.bytes.len()
    )
}

fn done(form: Form, election: &str, damage: &[Damage], term: Option<Term>) -> String {
    let wrote = |one: &Damage| match (one.part, term) {
        (Part::Record, Some(term)) => format!("nobody leads, term {term}"),
        (Part::Record, None) => "nobody leads".to_owned(),
        (Part::Directive, _) => "nothing is asked for".to_owned(),
        (Part::History, _) => "what could be read".to_owned(),
    };
    match form {
        Form::Json => document(election, damage, term),
        Form::Tsv => damage
            .iter()
            .map(|one| format!("{}\t{}\t{}\n", one.part, one.path, one.copy))
            .collect(),
        Form::Plain | Form::Table => damage
            .iter()
            .map(|one| {
                format!(
                    "the {} of {election} is repaired: {}; the old bytes are in {}\n",
                    one.part,
                    wrote(one),
                    one.copy
                )
            })
            .collect(),
    }
}

fn document(election: &str, damage: &[Damage], term: Option<Term>) -> String {
    let one = |one: &Damage| -> Value {
        json!({
            "part": one.part.word(),
            "path": one.path,
            "why": one.fault.to_string(),
            "text": String::from_utf8_lossy(&one.bytes),
            "copy": one.copy,
        })
    };
    let document = json!({
        "v": 1,
        "election": election,
        "repaired": damage.iter().map(one).collect::<Vec<_>>(),
        "term": term.map(Term::number),
    });
    format!("{document}\n")
}
