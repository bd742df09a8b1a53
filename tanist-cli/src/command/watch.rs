use serde_json::{Value, json};
use tanist::Observer;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::status::unwritten;
use super::{look, runtime};
use crate::args::WatchArgs;
use crate::change::{Change, changes};
use crate::exit::{Code, Exit};
use crate::overview::Overview;
use crate::printer::{self, Form, Printer, printable};
use crate::problem::Problem;
use crate::settings::{Layers, QuerySettings};

/// Changes as they happen.
pub(super) fn main(layers: Layers<'_>, args: WatchArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.speech);
    let printer = Printer::new(&args.speech);
    let settings = QuerySettings::resolve(
        layers,
        args.elections.all(layers),
        args.timeout,
        &args.place,
    )?;
    runtime()?.block_on(watch(&settings, printer))
}

async fn watch(settings: &QuerySettings, printer: Printer) -> Result<Exit, Problem> {
    let os = |error| {
        Problem::new(Code::OsError, "system::signals", "signals cannot be caught").because(error)
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(os)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(os)?;
    let store = look::open(settings)?;
    let elections = look::elections(&store, settings).await?;
    if elections.is_empty() {
        return Err(Problem::new(
            Code::UnknownElection,
            "election::none-in-store",
            "there is no election to watch",
        )
        .next("name one; it is then watched until somebody stands in it"));
    }
    let (tell, mut told) = mpsc::channel(64);
    for election in elections {
        let observer = Observer::open(&settings.target.value, &election).await?;
        tokio::spawn(follow(observer, election, tell.clone()));
    }
    drop(tell);
    loop {
        let news = tokio::select! {
            news = told.recv() => news,
            _ = interrupt.recv() => return Ok(Exit::of(Code::Ok, "interrupted")),
            _ = terminate.recv() => return Ok(Exit::of(Code::Ok, "terminated")),
        };
        match news {
            None => return Ok(Exit::of(Code::Ok, "ended")),
            Some(Err(problem)) => return Err(problem),
            Some(Ok((election, change))) => {
                let line = match printer.form() {
                    Form::Json => json_line(&election, &change),
                    Form::Tsv => change.tsv(&election),
                    Form::Plain | Form::Table => {
                        let at = jiff::Zoned::now().strftime("%H:%M:%S%.3f");
                        format!("{at}  {election}  {}", printable(&change.text()))
                    }
                };
                printer.print(&format!("{line}\n")).map_err(unwritten)?;
            }
        }
    }
}

type News = Result<(String, Change), Problem>;

/// Compares each view with the one before and tells what differs.
async fn follow(mut observer: Observer, election: String, tell: mpsc::Sender<News>) {
    let mut last: Option<Overview> = None;
    let mut connected = true;
    loop {
        let status = match observer.changed().await {
            Ok(status) => status,
            Err(error) => {
                // When nobody listens any more, the command is ending.
                let _ = tell.send(Err(error.into())).await;
                return;
            }
        };
        let mut news = Vec::new();
        if status.connected != connected {
            connected = status.connected;
            news.push(Change::Connection { connected });
        }
        if let Some(view) = &status.view {
            let unix = tanist::clock::now().unix;
            let now = Overview::of(&election, view, unix);
            news.extend(changes(last.as_ref(), &now));
            last = Some(now);
        }
        for change in news {
            if tell.send(Ok((election.clone(), change))).await.is_err() {
                return;
            }
        }
    }
}

fn json_line(election: &str, change: &Change) -> String {
    let mut line = json!({
        "v": 1,
        "ts": format!("{:.3}", jiff::Timestamp::now()),
        "election": election,
    });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, change.json()) {
        line.extend(fields);
    }
    line.to_string()
}
