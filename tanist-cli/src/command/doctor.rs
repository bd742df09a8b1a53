//! Whether everything is in order here: looks, and says what it found.

mod containment;
mod election;
mod files;
mod process;
mod report;
mod service;
mod settings;
mod store;
mod timing;

use crate::args::DoctorArgs;
use crate::command::runtime;
use crate::command::status::unwritten;
use crate::exit::{Code, Exit};
use crate::printer::{self, Printer};
use crate::problem::Problem;
use crate::settings::check_election_name;
use report::{Report, Verdict};

/// Says what is in order and what is not.
pub(super) fn main(args: &DoctorArgs) -> Result<Exit, Problem> {
    printer::choose_colors(&args.answer.speech);
    if let Some(election) = args.election() {
        check_election_name(election)?;
    }
    let printer = Printer::new(&args.answer.speech);
    let mut report = Report::default();
    if let Some(plan) = settings::look(&mut report, args) {
        // Before there are other threads: a process that is one thread can try more.
        timing::look(&mut report, &plan);
        process::look(&mut report);
        containment::look(&mut report, &plan);
        files::look(&mut report, &plan);
        service::look(&mut report, &plan);
        runtime()?.block_on(async {
            if let Some(store) = store::look(&mut report, &plan).await {
                election::look(&mut report, &plan, &store, args.election()).await;
            }
        });
    }
    printer
        .print(&report.text(printer.form()))
        .map_err(unwritten)?;
    let code = match report.worst() {
        Verdict::Ok => Code::Ok,
        Verdict::Warn => Code::Warnings,
        Verdict::Fail => Code::No,
    };
    Ok(Exit::of(code, "doctor"))
}
