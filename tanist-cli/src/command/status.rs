use std::time::Duration;

use serde_json::json;
use tanist::Health;

use super::{look, runtime};
use crate::args::StatusArgs;
use crate::exit::{Code, Exit};
use crate::overview::{Overview, Place, State, health_word};
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};
use crate::span::Span;
use crate::table::Table;

/// Who leads, who stands by, in which term.
pub(super) fn main(layers: Layers<'_>, args: StatusArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    let printer = Printer::new(&args.answer.speech);
    let settings = QuerySettings::resolve(
        layers,
        args.elections.all(layers),
        args.answer.timeout,
        &args.answer.place,
    )?;
    let overviews = runtime()?.block_on(async {
        let store = look::open(&settings)?;
        let mut overviews = Vec::new();
        for election in look::elections(&store, &settings).await? {
            overviews.push(look::overview(&store, &settings, &election).await?);
        }
        Ok::<_, Problem>(overviews)
    })?;
    let text = match printer.form() {
        Form::Json => json_text(&overviews),
        Form::Tsv => tsv(&overviews),
        Form::Plain => overviews.iter().map(plain).collect(),
        Form::Table => human(&overviews, &settings, args.answer.speech.verbose > 0),
    };
    printer.print(&text).map_err(unwritten)?;
    // The greatest number is also the gravest.
    let worst = overviews
        .iter()
        .map(Overview::code)
        .max_by_key(|code| *code as u8);
    Ok(Exit::of(worst.unwrap_or(Code::UnknownElection), "status"))
}

/// Standard output could not be written.
pub(crate) fn unwritten(error: std::io::Error) -> Problem {
    Problem::new(
        Code::OsError,
        "output::unwritable",
        "the answer cannot be written",
    )
    .because(error)
}

fn json_text(overviews: &[Overview]) -> String {
    let all: Vec<_> = overviews.iter().map(Overview::json).collect();
    format!("{}\n", json!({ "v": 1, "elections": all }))
}

/// `ELECTION STATE NODE TERM ADDRESS PAUSED_UNTIL`, a dash for what there is none of.
fn plain(overview: &Overview) -> String {
    let leader = overview.leader();
    let dash = |text: Option<&str>| match text {
        None | Some("") => "-".to_owned(),
        Some(text) => printable(text),
    };
    format!(
        "{} {} {} {} {} {}\n",
        overview.election,
        overview.state.word(),
        dash(leader.map(|leader| leader.node.as_str())),
        overview
            .term
            .map_or_else(|| "-".to_owned(), |term| term.to_string()),
        dash(leader.map(|leader| leader.address.as_str())),
        dash(overview.paused_until.map(|at| at.to_string()).as_deref()),
    )
}

fn tsv(overviews: &[Overview]) -> String {
    let mut text =
        "election\tstate\tterm\tnode\trole\thealth\tpriority\taddress\tinstance\tpaused_until\n"
            .to_owned();
    for overview in overviews {
        let term = overview
            .term
            .map(|term| term.to_string())
            .unwrap_or_default();
        let paused = overview.paused_until.map(|at| at.to_string());
        let paused = paused.unwrap_or_default();
        let before = [
            overview.election.as_str(),
            overview.state.word(),
            term.as_str(),
        ]
        .join("\t");
        if overview.members.is_empty() {
            text.push_str(&format!("{before}\t\t\t\t\t\t\t{paused}\n"));
        }
        for place in &overview.members {
            let member = place.member.as_ref();
            let cells = [
                printable(&place.node),
                place.role.to_owned(),
                member
                    .map(|m| health_word(m.health).to_owned())
                    .unwrap_or_default(),
                member.map(|m| m.priority.to_string()).unwrap_or_default(),
                member.map(|m| printable(&m.address)).unwrap_or_default(),
                place
                    .instance
                    .map(|instance| instance.to_string())
                    .unwrap_or_default(),
            ];
            text.push_str(&format!("{before}\t{}\t{paused}\n", cells.join("\t")));
        }
    }
    text
}

fn human(overviews: &[Overview], settings: &QuerySettings, verbose: bool) -> String {
    let target = &settings.target.value;
    if overviews.is_empty() {
        return format!("no elections in {target}\n");
    }
    let blocks: Vec<String> = overviews
        .iter()
        .map(|overview| block(overview, &target.to_string(), verbose))
        .collect();
    blocks.join("\n")
}

fn block(overview: &Overview, target: &str, verbose: bool) -> String {
    let bold = anstyle::Style::new().bold();
    let colour = match overview.code() {
        Code::Ok => anstyle::AnsiColor::Green,
        Code::Protocol => anstyle::AnsiColor::Red,
        _ => anstyle::AnsiColor::Yellow,
    };
    let colour = colour.on_default();
    let now = tanist::clock::now().unix;
    let age = |at: u64| Span(Duration::from_secs(now.saturating_sub(at))).to_string();
    let mut head = format!(
        "{bold}{}{bold:#}   {colour}{}{colour:#}",
        overview.election,
        overview.state.word()
    );
    if let Some(term) = overview.term {
        head.push_str(&format!("   term {term}"));
    }
    if let Some(since) = overview.state_since {
        head.push_str(&format!("   for {}", age(since)));
    }
    head.push_str(&format!("   {target}\n"));
    if let Some(detail) = overview.detail() {
        head.push_str(&format!("{}\n", printable(&detail)));
    }
    if let Some(until) = overview.paused_until {
        head.push_str(&format!(
            "paused for {} more\n",
            Span(Duration::from_secs(until.saturating_sub(now)))
        ));
    }
    if overview.members.is_empty() {
        return head;
    }
    let heading = [
        "NODE", "ROLE", "HEALTH", "PRIORITY", "ADDRESS", "NOTE", "ENTRY",
    ];
    let columns = heading.len() - usize::from(!verbose);
    let mut table = Table::new(heading.into_iter().take(columns));
    for place in &overview.members {
        let member = place.member.as_ref();
        let cells = [
            printable(&place.node),
            place.role.to_owned(),
            member
                .map(|m| health_word(m.health).to_owned())
                .unwrap_or_default(),
            member.map(|m| m.priority.to_string()).unwrap_or_default(),
            member.map(|m| printable(&m.address)).unwrap_or_default(),
            note(overview, place),
            printable(&place.entry),
        ];
        table.row(cells.into_iter().take(columns));
    }
    format!("{head}\n{table}")
}

fn note(overview: &Overview, place: &Place) -> String {
    let own = place.member.as_ref().map(|member| printable(&member.note));
    let notes = [place_note(overview, place), own.unwrap_or_default()];
    let notes: Vec<String> = notes.into_iter().filter(|note| !note.is_empty()).collect();
    notes.join("; ")
}

fn place_note(overview: &Overview, place: &Place) -> String {
    let member = place.member.as_ref();
    let ago = |millis: u64| Span(Duration::from_millis(millis));
    if let State::Lapsed(_, since, _) = &overview.state
        && place.role == "lapsed"
    {
        format!("lease ran out {} ago", Span(*since))
    } else if let Some(silent) = overview.renewed_ms_ago
        && place.role == "leader"
    {
        format!("renewed {} ago", ago(silent))
    } else if place.next {
        "next in line".to_owned()
    } else if member.is_some_and(|member| member.health == Health::Parked) {
        "failed too often".to_owned()
    } else if member.is_some_and(|member| member.priority == 0) {
        "never leads".to_owned()
    } else if member.is_some_and(|member| member.aside) {
        "lets others go first".to_owned()
    } else {
        String::new()
    }
}
